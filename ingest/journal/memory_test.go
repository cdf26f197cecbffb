package journal_test

import (
	"runtime"
	"testing"

	"indelible/ingest/journal"
)

// Opening a segment takes memory for a frame, not for the segment: what was carried
// over into one may be as large as all that waits.
func TestScanTakesMemoryForAFrame(t *testing.T) {
	path := t.TempDir()
	open := func() *journal.Journal {
		dir, err := journal.OpenDir(path)
		if err != nil {
			t.Fatal(err)
		}
		j, err := journal.Open(config(dir))
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	const records, size = 48, 1 << 20
	j := open()
	record := make([]byte, size)
	err := j.Rotate(func(add func([]byte) (journal.Address, error)) error {
		for range records {
			if _, err := add(record); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j)
	j = open()
	defer closeJournal(t, j)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, found := heap(), uint64(0), 0
	err = j.Active().Scan(func(journal.Address, []byte) error { most = max(most, heap()); found++; return nil })
	if err != nil || found != records {
		t.Fatalf("%d records, %v", found, err)
	}
	if most > before+16*size {
		t.Errorf("%d MiB for a segment of %d MiB", (most-before)>>20, records)
	}
}
