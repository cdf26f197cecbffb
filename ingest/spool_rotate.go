package ingest

import (
	"fmt"
	"slices"
	"time"

	"indelible/ingest/journal"
)

const (
	// sparseShare: a closed segment of which less than one in so many bytes still
	// waits is copied, so that its key can be destroyed.
	sparseShare = 4
	// purgeEvery bounds how often waiting readings are copied because openings of
	// an erased subject lie among them.
	purgeEvery = time.Second
)

func isErased(g *spoolSegment) bool { return g.erased }

func isSparse(g *spoolSegment) bool { return g.liveBytes*sparseShare < g.Size() }

// upkeep runs after each write. The caller holds writer.
func (s *Spool) upkeep() error {
	// What a segment repeats of older ones does not count, or values larger than a
	// segment would be copied with every write.
	g := s.active()
	if g.Size()-g.HeadSize() >= max(s.cfg.SegmentBytes, g.HeadSize()) {
		return s.rotate(isSparse)
	}
	return s.dropDrained()
}

// purge destroys the openings of erased subjects, unless it did so just now. With
// force it does not wait.
func (s *Spool) purge(force bool) error {
	due := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.broken == nil && s.erasedHeld() && (force || s.cfg.Now().Sub(s.purged) >= purgeEvery)
	}
	if !due() {
		return nil
	}
	s.writer.Lock()
	defer s.writer.Unlock()
	if !due() { // another one was here in between
		return nil
	}
	if err := s.rotate(isErased); err != nil {
		return s.fail(err)
	}
	return nil
}

// erasedHeld says whether a segment holds openings of erased subjects.
func (s *Spool) erasedHeld() bool { return slices.ContainsFunc(s.segments, isErased) }

// tidy destroys every key that nothing needs any more: of drained segments, of
// openings of erased subjects, of values that were replaced.
func (s *Spool) tidy() error {
	s.writer.Lock()
	defer s.writer.Unlock()
	if err := s.failure(); err != nil {
		return fmt.Errorf("%w: %w", ErrSpoolBroken, err)
	}
	if err := s.tidyUp(); err != nil {
		return s.fail(err)
	}
	return nil
}

func (s *Spool) tidyUp() error {
	active := s.active()
	drained := active.live == 0 && len(active.readings) > 0
	if !drained && !s.stale && !s.erasedHeld() {
		return s.dropDrained()
	}
	return s.rotate(func(g *spoolSegment) bool { return g.erased || isSparse(g) || (s.stale && g == active) })
}

// rotate begins a new segment. It repeats the values and what has left the older
// segments, and copies the waiting readings of those that carry names. From then on
// the older ones matter only for the readings that still wait in them, and those
// without any are destroyed. The caller holds writer.
func (s *Spool) rotate(carry func(*spoolSegment) bool) error {
	var moved []*pending
	var to []journal.Address
	err := s.journal.Rotate(func(add func([]byte) (journal.Address, error)) error {
		for key, value := range s.values {
			if _, err := add(valueRecord(key, value)); err != nil {
				return err
			}
		}
		for _, g := range s.segments {
			// Also of those that are about to be destroyed: a crash may come first. Copies
			// take the place of what they are copied from.
			if _, err := add(leftRecord(g.Number(), g.erased, g.left())); err != nil {
				return err
			}
			carried := carry != nil && carry(g)
			for _, p := range g.readings {
				if p == nil || !carried {
					continue
				}
				record, err := g.Read(p.at)
				if err != nil {
					return err
				}
				at, err := add(record)
				if err != nil {
					return err
				}
				moved, to = append(moved, p), append(to, at)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	g := &spoolSegment{Segment: s.journal.Active()}
	s.segments = append(s.segments, g)
	for i, p := range moved {
		p.in.drop(p)
		g.add(p, to[i])
	}
	s.stale, s.purged = false, s.cfg.Now()
	s.mu.Unlock()
	return s.dropDrained()
}

// dropDrained destroys every segment but the active one that nothing waits in.
// The caller holds writer.
func (s *Spool) dropDrained() error {
	var keep, drained []*spoolSegment
	for _, g := range s.segments {
		if g.live == 0 && g != s.active() {
			drained = append(drained, g)
		} else {
			keep = append(keep, g)
		}
	}
	if len(drained) == 0 {
		return nil
	}
	s.mu.Lock()
	s.segments = keep
	s.mu.Unlock()
	s.reading.Lock()
	defer s.reading.Unlock()
	for _, g := range drained {
		if err := s.journal.Destroy(g.Segment); err != nil {
			return err
		}
	}
	return nil
}

// spoolSegment is a segment and what is known of the readings in it.
type spoolSegment struct {
	*journal.Segment
	readings  []*pending // by ordinal; nil has left
	live      int        // not nil
	liveBytes int64      // sizes of those
	erased    bool       // openings or values of an erased subject are still in it
}

// add makes a reading lie at an address of the segment.
func (g *spoolSegment) add(p *pending, at journal.Address) {
	p.in, p.at, p.ordinal = g, at, len(g.readings)
	g.readings = append(g.readings, p)
	g.live++
	g.liveBytes += int64(p.size)
}

func (g *spoolSegment) drop(p *pending) {
	g.readings[p.ordinal] = nil
	g.live--
	g.liveBytes -= int64(p.size)
}

// left lists the readings that have left.
func (g *spoolSegment) left() []int {
	var list []int
	for ordinal, p := range g.readings {
		if p == nil {
			list = append(list, ordinal)
		}
	}
	return list
}
