package ingest

import (
	"fmt"
	"runtime"
	"testing"
)

// A journal larger than a segment is not copied with every commit.
func TestLargeJournalIsNotCopiedEachTime(t *testing.T) {
	s := openSpool(t, memory(t))
	values := map[string][]byte{}
	for n := range 100 {
		values[fmt.Sprint("who/", n)] = make([]byte, 2*minSegmentBytes/100)
	}
	if err := s.Commit(Batch{Values: values}); err != nil {
		t.Fatal(err)
	}
	check := func(s *Spool) {
		t.Helper()
		before := s.active().number
		for n := range 50 {
			if err := s.Commit(Batch{Values: map[string][]byte{"n": fmt.Append(nil, n)}}); err != nil {
				t.Fatal(err)
			}
		}
		if made := s.active().number - before; made > 2 {
			t.Errorf("50 small commits made %d segments", made)
		}
	}
	check(s)
	dir := s.cfg.Dir
	closeSpool(t, s)
	s = openSpool(t, dir)
	check(s)
	closeSpool(t, s)
}

// Opening a segment takes memory for a frame, not for the segment: what was carried
// over into one may be as large as the spool.
func TestScanTakesMemoryForAFrame(t *testing.T) {
	root, err := openDir(memory(t))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	g, err := createSegment(root, 1, spoolConfig("").Rand)
	if err != nil {
		t.Fatal(err)
	}
	const frames, size = 48, 1 << 20
	for range frames {
		if _, err := g.write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.publish(); err != nil {
		t.Fatal(err)
	}
	if err := g.close(); err != nil {
		t.Fatal(err)
	}
	if g, err = openSegment(root, 1); err != nil {
		t.Fatal(err)
	}
	defer g.close()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most := heap(), uint64(0)
	if err := g.scan(true, func(frameAt, []byte) error { most = max(most, heap()); return nil }); err != nil {
		t.Fatal(err)
	}
	if most > before+16*size {
		t.Errorf("%d MiB for a segment of %d MiB", (most-before)>>20, frames)
	}
	if g.frames != frames {
		t.Errorf("%d frames", g.frames)
	}
}
