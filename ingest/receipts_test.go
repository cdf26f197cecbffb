package ingest

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

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
func provenList(t testing.TB, log *testLog, count int) []*Proven {
	t.Helper()
	d := newDevice(t, log.id, "eu")
	var list []*Proven
	for len(list) < count {
		var batch []*Signed
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

func sameProven(a, b *Proven) bool {
	return bytes.Equal(a.Statement.Bytes(), b.Statement.Bytes()) && bytes.Equal(a.Receipt.Marshal(), b.Receipt.Marshal())
}

func allReceipts(t testing.TB, r *Receipts) []*Proven {
	t.Helper()
	var list []*Proven
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
	refused := &Refused{Statement: want[3].Statement, Code: entry.CodeSubjectErased, At: 77, Node: entry.AuthorID{3}, NodeAt: 76, Signature: []byte("signature")}
	if err := r.AddRefused(refused); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got := allReceipts(t, r)
		if len(got) != len(want) || r.Len() != len(want) {
			t.Fatalf("%d receipts, %d counted", len(got), r.Len())
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
		note, checkpoint, ok := r.Newest()
		if !ok || checkpoint.Size != log.size() || !bytes.Equal(note, want[len(want)-1].Receipt.Checkpoint) {
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
	if n := bytes.Count(allBytes(t, dir)["receipts.log"], note); n != 1 {
		t.Errorf("the checkpoint is stored %d times", n)
	}
}

// Power goes at every byte of the last write to either file.
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
	after := allBytes(t, dir)
	// The log is synced before the index is written.
	try := func(logLength, indexLength int, garbage bool) {
		image := maps.Clone(after)
		image["receipts.log"] = after["receipts.log"][:logLength]
		image["receipts.idx"] = bytes.Clone(after["receipts.idx"][:indexLength])
		if garbage {
			for i := len(before["receipts.idx"]); i < indexLength; i++ {
				image["receipts.idx"][i] = 0
			}
		}
		dir := restore(t, image)
		r := openReceipts(t, dir)
		got := allReceipts(t, r)
		if len(got) < 4 || r.Len() != len(got) || (logLength == len(after["receipts.log"]) && len(got) != 6) {
			t.Fatalf("log cut at %d, index at %d: %d receipts, %d counted", logLength, indexLength, len(got), r.Len())
		}
		if err := r.Add(list[5]); err != nil {
			t.Fatal(err)
		}
		for i, p := range list[:len(got)] {
			if found, ok, err := r.Find(p.Statement.ID()); err != nil || !ok || !sameProven(found, p) {
				t.Fatalf("log cut at %d, index at %d: receipt %d is not found: %v", logLength, indexLength, i, err)
			}
		}
		if found, ok, err := r.Find(list[5].Statement.ID()); err != nil || !ok || !sameProven(found, list[5]) {
			t.Fatalf("a receipt added after the crash is not found: %v", err)
		}
		closeReceipts(t, r)
	}
	for length := len(before["receipts.log"]); length <= len(after["receipts.log"]); length += 7 * scale {
		try(length, len(before["receipts.idx"]), false)
	}
	for length := len(before["receipts.idx"]); length <= len(after["receipts.idx"]); length += min(scale, 4) {
		try(len(after["receipts.log"]), length, false)
		try(len(after["receipts.log"]), length, true)
	}
	image := maps.Clone(after)
	delete(image, "receipts.idx")
	r = openReceipts(t, restore(t, image))
	if r.Len() != 6 {
		t.Errorf("without an index %d receipts", r.Len())
	}
	closeReceipts(t, r)
}

// Damage in the middle is not taken for a torn end: nothing is cut off.
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
	whole := image["receipts.log"]
	last := bytes.LastIndex(whole, list[8].Statement.Bytes())
	for range 100 / scale {
		damaged := bytes.Clone(whole)
		damaged[random.IntN(last-2000)] ^= 1 << random.IntN(8)
		image["receipts.log"] = damaged
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
		if got := allBytes(t, dir)["receipts.log"]; len(got) != len(whole) {
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
		if _, got, _ := r.Newest(); got != want {
			t.Errorf("size %d, want %d", got.Size, want.Size)
		}
		closeReceipts(t, r)
		r = openReceipts(t, dir)
		if _, got, _ := r.Newest(); got != want {
			t.Errorf("opened again: size %d, want %d", got.Size, want.Size)
		}
	}
	closeReceipts(t, r)
}

// An index whose whole checked end is damaged is made anew from the log.
func TestReceiptsIndexMadeAnew(t *testing.T) {
	dir := t.TempDir()
	r := openReceipts(t, dir)
	list := provenList(t, newTestLog(t), 3)
	const count = verifyTail + 100
	many := make([]*Proven, 0, count)
	for len(many) < count {
		many = append(many, list[len(many)%3])
	}
	if err := r.Add(many...); err != nil {
		t.Fatal(err)
	}
	closeReceipts(t, r)
	path := filepath.Join(dir, "receipts.idx")
	index, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(index)
	clear(damaged[(count-verifyTail)*indexEntry:])
	overwrite(t, path, damaged)
	r = openReceipts(t, dir)
	defer closeReceipts(t, r)
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, index) || r.Len() != count {
		t.Errorf("%d receipts of %d, %v", r.Len(), count, err)
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
		if err := os.Truncate(filepath.Join(dir, "receipts.log"), size); err != nil {
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
