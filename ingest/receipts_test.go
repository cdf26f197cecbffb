package ingest

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"indelible/api/client"
	"indelible/ingest/journal"
	"indelible/ledger/entry"
	"indelible/proof"
	"indelible/test/seed"
)

func openReceipts(t testing.TB, dir string) *Receipts {
	t.Helper()
	r, err := OpenReceipts(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func closeReceipts(t testing.TB, r *Receipts) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// provenList makes receipts, several to a checkpoint.
func provenList(t testing.TB, log *testLog, count int) []*client.Proven {
	t.Helper()
	d := newDevice(t, log.id, "eu")
	var list []*client.Proven
	for len(list) < count {
		var batch []*client.Signed
		for n := range min(3, count-len(list)) {
			batch = append(batch, sign(t, d, n))
			log.append(t, batch[n].Statement, batch[n].Statement.IssuedAt)
		}
		for _, s := range batch {
			list = append(list, log.proven(t, s))
		}
	}
	return list
}

func sameProven(a, b *client.Proven) bool {
	return bytes.Equal(a.Statement.Bytes(), b.Statement.Bytes()) && bytes.Equal(a.Receipt.Marshal(), b.Receipt.Marshal())
}

// receiptCount counts the rows of the index.
func receiptCount(t testing.TB, r *Receipts) (count int) {
	t.Helper()
	err := r.rows(func(*journal.Segment, [indexPrefix]byte, journal.Address) error { count++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return count
}

func allReceipts(t testing.TB, r *Receipts) []*client.Proven {
	t.Helper()
	var list []*client.Proven
	for p, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

func TestReceiptsComeBack(t *testing.T) {
	log, dir := newTestLog(t), t.TempDir()
	want := provenList(t, log, 40)
	r := openReceipts(t, dir)
	for i := 0; i < len(want); i += 4 {
		if err := r.Add(want[i : i+4]...); err != nil {
			t.Fatal(err)
		}
	}
	refused := &client.Refused{Statement: want[3].Statement, Code: entry.CodeSubjectErased, At: 77, Node: entry.AuthorID{3}, NodeAt: 76, Signature: []byte("signature")}
	if err := r.AddRefused(refused); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got := allReceipts(t, r)
		if len(got) != len(want) || receiptCount(t, r) != len(want) {
			t.Fatalf("%d receipts, %d counted", len(got), receiptCount(t, r))
		}
		for i, p := range want {
			if !sameProven(p, got[i]) {
				t.Fatalf("receipt %d is another one", i)
			}
			if _, err := proof.Verify(log.policy, got[i].Statement, got[i].Receipt); err != nil {
				t.Fatal(err)
			}
			found, ok, err := r.Find(p.Statement.ID())
			if err != nil || !ok || !sameProven(p, found) {
				t.Fatalf("receipt %d is not found: %v", i, err)
			}
		}
		note, checkpoint := r.note, r.checkpoint
		if checkpoint.Size != log.size() || !bytes.Equal(note, want[len(want)-1].Receipt.Checkpoint) {
			t.Fatalf("newest checkpoint has size %d of %d", checkpoint.Size, log.size())
		}
		if _, ok, err := r.Find(entry.StatementID{1}); ok || err != nil {
			t.Fatal("an unknown statement is found", err)
		}
		count := 0
		for p, err := range r.Refused() {
			if err != nil || p.At != 77 || p.Node != refused.Node || p.NodeAt != 76 || string(p.Signature) != "signature" || p.Code != entry.CodeSubjectErased || p.Statement.ID() != want[3].Statement.ID() {
				t.Fatalf("refusal is %+v, %v", p, err)
			}
			count++
		}
		if count != 1 {
			t.Fatalf("%d refusals", count)
		}
		closeReceipts(t, r)
		r = openReceipts(t, dir)
	}
	missing, err := r.missing(append(want[:2:2], provenList(t, log, 1)...))
	if err != nil || len(missing) != 1 {
		t.Fatalf("%d missing, %v", len(missing), err)
	}
	closeReceipts(t, r)
}

func TestReceiptsFindTheNewestOfAStatement(t *testing.T) {
	log := newTestLog(t)
	r := openReceipts(t, t.TempDir())
	defer closeReceipts(t, r)
	s := sign(t, newDevice(t, log.id, "eu"), 1)
	first := log.proven(t, s)
	provenList(t, log, 5)
	second := log.proven(t, s)
	if err := r.Add(first, second); err != nil {
		t.Fatal(err)
	}
	if p, ok, err := r.Find(s.Statement.ID()); err != nil || !ok || !sameProven(p, second) {
		t.Error("an older receipt is found", err)
	}
}

func TestReceiptsShareCheckpoints(t *testing.T) {
	log, dir := newTestLog(t), t.TempDir()
	list := provenList(t, log, 3)
	note := list[2].Receipt.Checkpoint
	r := openReceipts(t, dir)
	for range 10 {
		if err := r.Add(list[2]); err != nil {
			t.Fatal(err)
		}
	}
	closeReceipts(t, r)
	stored := 0
	err := readJournal(dir, "receipts", func(record []byte) { stored += bytes.Count(record, note) })
	if err != nil || stored != 1 {
		t.Errorf("the checkpoint is stored %d times, %v", stored, err)
	}
}

// Power goes at every byte of the last write.
func TestReceiptsTornTail(t *testing.T) {
	log, dir := newTestLog(t), t.TempDir()
	list := provenList(t, log, 6)
	r := openReceipts(t, dir)
	if err := r.Add(list[:4]...); err != nil {
		t.Fatal(err)
	}
	before := allBytes(t, dir)
	if err := r.Add(list[4:]...); err != nil {
		t.Fatal(err)
	}
	closeReceipts(t, r)
	after := allBytes(t, dir)[segmentName(1)]
	for length := len(before[segmentName(1)]) - frameHeader; length <= len(after); length += min(scale, max(1, len(after)-length)) {
		dir := restore(t, map[string][]byte{segmentName(1): after[:length], keyName(1): before[keyName(1)]})
		r := openReceipts(t, dir)
		got := allReceipts(t, r)
		if len(got) < 4 || receiptCount(t, r) != len(got) || (length == len(after) && len(got) != 6) {
			t.Fatalf("cut at %d: %d receipts, %d counted", length, len(got), receiptCount(t, r))
		}
		if err := r.Add(list[5]); err != nil {
			t.Fatal(err)
		}
		for i, p := range list[:len(got)] {
			if found, ok, err := r.Find(p.Statement.ID()); err != nil || !ok || !sameProven(found, p) {
				t.Fatalf("cut at %d: receipt %d is not found: %v", length, i, err)
			}
		}
		if found, ok, err := r.Find(list[5].Statement.ID()); err != nil || !ok || !sameProven(found, list[5]) {
			t.Fatalf("a receipt added after the crash is not found: %v", err)
		}
		closeReceipts(t, r)
	}
}

// Damage is not taken for a torn end, in the last frame neither: nothing is cut off.
func TestReceiptsDamage(t *testing.T) {
	random := seed.Rand(t)
	log, dir := newTestLog(t), t.TempDir()
	r := openReceipts(t, dir)
	list := provenList(t, log, 9)
	for _, p := range list {
		if err := r.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	closeReceipts(t, r)
	image := allBytes(t, dir)
	whole := image[segmentName(1)]
	for range 100 / scale {
		damaged := bytes.Clone(whole)
		damaged[random.IntN(len(whole)-markSize)] ^= 1 << random.IntN(8)
		image[segmentName(1)] = damaged
		dir := restore(t, image)
		r, err := OpenReceipts(dir)
		if err == nil {
			for _, p := range list {
				found, ok, findErr := r.Find(p.Statement.ID())
				if findErr != nil {
					err = findErr
				} else if !ok || !sameProven(found, p) {
					t.Fatal("a damaged receipt is missing or taken")
				}
			}
			closeReceipts(t, r)
		}
		if err == nil || !errors.Is(err, ErrReceiptsCorrupt) {
			t.Fatalf("damage is not noticed: %v", err)
		}
		if got := allBytes(t, dir)[segmentName(1)]; len(got) != len(whole) {
			t.Fatal("a damaged log was cut off")
		}
	}
}

func TestReceiptsAreForOneProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "receipts")
	r := openReceipts(t, dir)
	if _, err := OpenReceipts(dir); !errors.Is(err, ErrSpoolLocked) {
		t.Errorf("a second one opens: %v", err)
	}
	closeReceipts(t, r)
	if err := r.Add(); err == nil {
		t.Error("a closed store takes receipts")
	}
}

// Newest is the largest checkpoint, not the one stored last.
func TestNewestIsTheLargest(t *testing.T) {
	dir := t.TempDir()
	r := openReceipts(t, dir)
	list := provenList(t, newTestLog(t), 9)
	slices.Reverse(list)
	want, err := parseCheckpoint(list[0].Receipt.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Add(list...); err != nil {
			t.Fatal(err)
		}
		if got := r.checkpoint; got != want {
			t.Errorf("size %d, want %d", got.Size, want.Size)
		}
		closeReceipts(t, r)
		r = openReceipts(t, dir)
		if got := r.checkpoint; got != want {
			t.Errorf("opened again: size %d, want %d", got.Size, want.Size)
		}
	}
	closeReceipts(t, r)
}

// Receipts in closed segments are found by the index of each, which stands at the
// beginning of the next one; damage to that, or a segment that is gone, is an error.
func TestReceiptsAcrossSegments(t *testing.T) {
	dir := t.TempDir()
	r := openReceipts(t, dir)
	r.full = 4 << 10
	list := provenList(t, newTestLog(t), 30)
	for _, p := range list {
		if err := r.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if n := len(r.journal.Segments()); n < 4 {
			t.Fatalf("%d segments", n)
		}
		if got := allReceipts(t, r); len(got) != len(list) || receiptCount(t, r) != len(list) {
			t.Errorf("%d receipts, %d counted", len(got), receiptCount(t, r))
		}
		for i, p := range list {
			if found, ok, err := r.Find(p.Statement.ID()); err != nil || !ok || !sameProven(found, p) {
				t.Fatalf("receipt %d is not found: %v", i, err)
			}
		}
		if missing, err := r.missing(list); err != nil || len(missing) != 0 {
			t.Errorf("%d missing, %v", len(missing), err)
		}
		closeReceipts(t, r)
		r = openReceipts(t, dir)
	}
	closeReceipts(t, r)
	image := allBytes(t, dir)
	for what, change := range map[string]func(map[string][]byte){
		"index damaged": func(files map[string][]byte) {
			raw := bytes.Clone(files[segmentName(3)])
			raw[segmentHeader+frameHeader+2*16+boxOverhead+frameHeader+boxOverhead+1] ^= 1 // in the second frame
			files[segmentName(3)] = raw
		},
		"a segment gone": func(files map[string][]byte) {
			delete(files, segmentName(2))
			delete(files, keyName(2))
		},
	} {
		files := maps.Clone(image)
		change(files)
		r, err := OpenReceipts(restore(t, files))
		if err == nil {
			_, err = r.missing(list[:1])
			closeReceipts(t, r)
		}
		if !errors.Is(err, ErrReceiptsCorrupt) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A directory with receipts of the format before this one is refused with a text that
// says what it is, and left as it is.
func TestOlderReceiptsAreRefused(t *testing.T) {
	old := map[string][]byte{"receipts.log": []byte("indelible receipts 1\n"), "receipts.idx": nil, "lock": nil}
	dir := restore(t, old)
	if _, err := OpenReceipts(dir); !errors.Is(err, ErrReceiptsCorrupt) || !strings.Contains(err.Error(), "receipts.") {
		t.Errorf("got %v", err)
	}
	if !maps.EqualFunc(allBytes(t, dir), old, bytes.Equal) {
		t.Error("the directory was changed")
	}
}

// A log that lost its content is damage, not a new store: what the index names was
// durable.
func TestReceiptsLogCutToNothing(t *testing.T) {
	dir := t.TempDir()
	r := openReceipts(t, dir)
	if err := r.Add(provenList(t, newTestLog(t), 3)...); err != nil {
		t.Fatal(err)
	}
	closeReceipts(t, r)
	for _, size := range []int64{0, 5} {
		if err := os.Truncate(filepath.Join(dir, segmentName(1)), size); err != nil {
			t.Fatal(err)
		}
		if r, err := OpenReceipts(dir); !errors.Is(err, ErrReceiptsCorrupt) {
			t.Errorf("cut to %d bytes: %v", size, err)
			if err == nil {
				closeReceipts(t, r)
			}
		}
	}
}
