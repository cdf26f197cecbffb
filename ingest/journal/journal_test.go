package journal_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"indelible/ingest/journal"
	"indelible/ingest/journal/journaltest"
	"indelible/test/seed"
)

var errDamage = errors.New("damage")

func config(dir journal.Dir) journal.Config {
	return journal.Config{Dir: dir, Format: "test 1", Corrupt: errDamage, Rand: rand.Reader}
}

// content is what a journal holds: records by segment.
type content map[uint64][]string

func (c content) equal(other content) bool {
	return maps.EqualFunc(c, other, slices.Equal)
}

func (c content) clone() content {
	out := content{}
	for number, records := range c {
		out[number] = slices.Clone(records)
	}
	return out
}

func (c content) String() string {
	var b strings.Builder
	for _, number := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, " %d:%d", number, len(c[number]))
	}
	return b.String()
}

// read opens a journal and reads all of it, twice, and each record by its address.
func read(t testing.TB, cfg journal.Config) (*journal.Journal, content, error) {
	t.Helper()
	j, err := journal.Open(cfg)
	if err != nil {
		return nil, nil, err
	}
	found := content{}
	for _, g := range j.Segments() {
		found[g.Number()] = []string{}
		var at []journal.Address
		err := g.Scan(func(a journal.Address, record []byte) error {
			found[g.Number()] = append(found[g.Number()], string(record))
			at = append(at, a)
			return nil
		})
		if err != nil {
			return nil, nil, errors.Join(err, j.Close())
		}
		for i, a := range at {
			if record, err := g.Read(a); err != nil || string(record) != found[g.Number()][i] {
				t.Fatalf("a record is not at its address: %v", err)
			}
		}
	}
	return j, found, nil
}

func closeJournal(t testing.TB, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// rotate begins a segment with records.
func rotate(j *journal.Journal, records ...string) error {
	return j.Rotate(func(add func([]byte) (journal.Address, error)) error {
		for _, r := range records {
			if _, err := add([]byte(r)); err != nil {
				return err
			}
		}
		return nil
	})
}

// sample is a journal of three segments in a directory "j", the last with three
// appends, closed properly, and what it holds.
func sample(t testing.TB) (files map[string][]byte, all content) {
	t.Helper()
	disk := journaltest.NewDisk()
	j, _, err := read(t, config(disk.Dir("j")))
	if err != nil {
		t.Fatal(err)
	}
	all = content{}
	for n := uint64(1); n <= 3; n++ {
		all[n] = []string{fmt.Sprint("head of ", n)}
		err := rotate(j, all[n]...)
		for i := range 3 {
			record := strings.Repeat(fmt.Sprint(n, "-", i, " "), 50)
			all[n] = append(all[n], record, "")
			_, appendErr := j.Append([]byte(record), nil)
			err = errors.Join(err, appendErr)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	closeJournal(t, j)
	return disk.Files("j"), all
}

func name(number uint64, suffix string) string { return fmt.Sprintf("%016d.%s", number, suffix) }

// frames lists where the frames of a segment begin, the mark's last, and its end.
func frames(t testing.TB, segment []byte) []int {
	t.Helper()
	const header, frameHeader = 60, 16
	tag := segment[40:48]
	at := []int{header}
	for at[len(at)-1] < len(segment) {
		head := segment[at[len(at)-1]:]
		if !bytes.HasPrefix(head, tag) {
			t.Fatal("no frame where one should begin")
		}
		at = append(at, at[len(at)-1]+frameHeader+int(head[12])<<24+int(head[13])<<16+int(head[14])<<8+int(head[15]))
	}
	return at
}

func TestRecordsComeBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	want := content{}
	for n := uint64(1); n <= 4; n++ {
		dir, err := journal.OpenDir(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := dir.Lock(); err != nil {
			t.Fatal(err)
		}
		if other, err := journal.OpenDir(path); err != nil || !errors.Is(other.Lock(), journal.ErrLocked) {
			t.Errorf("two processes: %v", err)
		}
		j, found, err := read(t, config(dir))
		if err != nil || !found.equal(want) {
			t.Fatalf("found%v, want%v: %v", found, want, err)
		}
		secret := fmt.Sprint("secret ", n)
		large := strings.Repeat("x", 3<<20)
		want[n] = []string{secret, large, large, "y", secret}
		if err := rotate(j, want[n][:4]...); err != nil {
			t.Fatal(err)
		}
		at, err := j.Append([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		if record, err := j.Active().Read(at[0]); err != nil || string(record) != secret {
			t.Errorf("%q, %v", record, err)
		}
		closeJournal(t, j)
		raw, err := os.ReadFile(filepath.Join(path, name(n, "seg")))
		if err != nil || bytes.Contains(raw, []byte(secret)) {
			t.Errorf("it lies in clear on the disk: %v", err)
		}
	}
}

// After a failed write nothing more is taken, and an opening finds what was durable.
func TestFailedWriteEndsTheJournal(t *testing.T) {
	files, all := sample(t)
	disk := journaltest.DiskOf("j", files)
	j, _, err := read(t, config(disk.Dir("j")))
	if err != nil {
		t.Fatal(err)
	}
	disk.CutAfter(0)
	for range 2 {
		if _, err := j.Append([]byte("x")); !errors.Is(err, journaltest.ErrPower) {
			t.Errorf("got %v", err)
		}
		if err := rotate(j); !errors.Is(err, journaltest.ErrPower) {
			t.Errorf("got %v", err)
		}
	}
	all[3] = append(all[3], "x")
	if _, found, err := read(t, config(disk.Kill().Dir("j"))); err != nil || !found.equal(all) {
		t.Errorf("found%v, want%v: %v", found, all, err)
	}
}

// A sync that failed once and then succeeds says nothing of what was written before:
// no operation of Append may be tried again.
func TestFaultsAreFinal(t *testing.T) {
	for operation := range 3 { // write, sync, mark
		disk := journaltest.NewDisk()
		j, _, err := read(t, config(disk.Dir("j")))
		if err != nil {
			t.Fatal(err)
		}
		if err := rotate(j); err != nil {
			t.Fatal(err)
		}
		disk.FailAfter(operation)
		if _, err := j.Append([]byte("x")); (err == nil) != (operation == 2) {
			t.Errorf("operation %d: %v", operation, err)
		}
		_, err = j.Append([]byte("y"))
		if !errors.Is(err, journaltest.ErrFault) || !errors.Is(rotate(j), journaltest.ErrFault) {
			t.Errorf("operation %d: the journal goes on: %v", operation, err)
		}
	}
}

// The name of a key whose sync failed may never be on the disk, whatever a later sync
// says: no segment may be published under it.
func TestFailedSyncOfNamesEndsTheJournal(t *testing.T) {
	disk := journaltest.NewDisk()
	j, _, err := read(t, config(disk.Dir("j")))
	if err != nil {
		t.Fatal(err)
	}
	disk.FailAfter(3) // after the key's name, the key and its sync
	for range 2 {
		if err := rotate(j); !errors.Is(err, journaltest.ErrFault) {
			t.Errorf("the journal goes on: %v", err)
		}
	}
}

// What a failed sync left unwritten the system still shows. An opening that shows it,
// too, has to write it.
func TestOpeningWritesWhatAFailedSyncDropped(t *testing.T) {
	random := seed.Rand(t)
	for operation := range 3 { // write, sync, mark
		disk := journaltest.NewDisk()
		j, _, err := read(t, config(disk.Dir("j")))
		if err != nil {
			t.Fatal(err)
		}
		if err := rotate(j, "head"); err != nil {
			t.Fatal(err)
		}
		disk.FailAfter(operation)
		_, _ = j.Append([]byte(strings.Repeat("x", 2000)))
		closeJournal(t, j)
		disk = disk.Kill()
		j, shown, err := read(t, config(disk.Dir("j")))
		if err != nil {
			t.Fatal(err)
		}
		closeJournal(t, j)
		for range 4 {
			if _, found, err := read(t, config(disk.Restart(random).Dir("j"))); err != nil || !found.equal(shown) {
				t.Errorf("operation %d: shown%v, after a power cut%v: %v", operation, shown, found, err)
			}
		}
	}
}

// A destruction that failed ends the journal: it must not be taken for done, nor may
// the segment, which is still there, be left out of what the next one names.
func TestFailedDestroyEndsTheJournal(t *testing.T) {
	files, all := sample(t)
	for operation := range 6 {
		disk := journaltest.DiskOf("j", files)
		j, _, err := read(t, config(disk.Dir("j")))
		if err != nil {
			t.Fatal(err)
		}
		disk.FailAfter(operation)
		if err := j.Destroy(j.Segments()[0]); !errors.Is(err, journaltest.ErrFault) {
			t.Fatalf("operation %d: %v", operation, err)
		}
		if !errors.Is(j.Failed(), journaltest.ErrFault) || !errors.Is(rotate(j), journaltest.ErrFault) {
			t.Errorf("operation %d: the journal goes on: %v", operation, j.Failed())
		}
		closeJournal(t, j)
		j, found, err := read(t, config(disk.Kill().Dir("j")))
		if _, still := found[1]; err != nil || len(found) < len(all)-1 || still != (operation == 0) {
			t.Errorf("operation %d, opened again: found%v: %v", operation, found, err)
			continue
		}
		closeJournal(t, j)
	}
}

// A segment begins with whatever was appended to others, however large.
func TestLargestRecordsAreCarriedOver(t *testing.T) {
	disk := journaltest.NewDisk()
	j, _, err := read(t, config(disk.Dir("j")))
	if err != nil {
		t.Fatal(err)
	}
	records := []string{strings.Repeat("s", 4<<20-100), strings.Repeat("l", journal.MaxFrame-journal.RecordOverhead), "after"}
	if err := rotate(j); err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		if _, err := j.Append([]byte(record)); err != nil {
			t.Fatal(err)
		}
	}
	if err := rotate(j, records...); err != nil {
		t.Fatal(err)
	}
	if err := rotate(j, records[1]+"x"+strings.Repeat("x", journal.RecordOverhead)); err == nil {
		t.Error("a segment begins with what cannot be read again")
	}
	closeJournal(t, j)
	if _, found, err := read(t, config(disk.Dir("j"))); err != nil || !slices.Equal(found[2], records) {
		t.Errorf("found%v: %v", found, err)
	}
}

// The key of a destroyed segment is overwritten where it lies.
func TestKeysAreOverwritten(t *testing.T) {
	path := t.TempDir()
	dir, err := journal.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	j, _, err := read(t, config(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer closeJournal(t, j)
	if err := rotate(j); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Link(filepath.Join(path, name(1, "key")), link); err != nil {
		t.Fatal(err)
	}
	if err := j.Destroy(j.Active()); err != nil {
		t.Fatal(err)
	}
	if key, err := os.ReadFile(link); err != nil || !bytes.Equal(key, make([]byte, 32)) {
		t.Errorf("the key was removed but not overwritten: %v", err)
	}
}

// No key and no tag is used twice, and randomness that ends makes no segment.
func TestKeysAreDrawn(t *testing.T) {
	files, _ := sample(t)
	seen := map[string]bool{}
	for n := uint64(1); n <= 3; n++ {
		key, tag := string(files[name(n, "key")]), string(files[name(n, "seg")][40:48])
		if len(key) != 32 || seen[key] || seen[tag] {
			t.Errorf("segment %d: its key or tag is another's", n)
		}
		seen[key], seen[tag] = true, true
	}
	cfg := config(journaltest.NewDisk().Dir("j"))
	cfg.Rand = io.LimitReader(rand.Reader, 39)
	j, err := journal.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := rotate(j); err == nil || j.Active() != nil {
		t.Error("a segment without chance")
	}
}
