package ingest

import (
	"fmt"
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
		before := s.active().Number()
		for n := range 50 {
			if err := s.Commit(Batch{Values: map[string][]byte{"n": fmt.Append(nil, n)}}); err != nil {
				t.Fatal(err)
			}
		}
		if made := s.active().Number() - before; made > 2 {
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
