package ingest

import (
	"fmt"
	"time"
)

const (
	// headFrame is how much of a segment's head goes into one frame, in bytes.
	headFrame = 4 << 20
	// sparseShare: a closed segment of which less than one in so many bytes still
	// waits is copied, so that its key can be destroyed.
	sparseShare = 4
	// purgeEvery bounds how often waiting readings are copied because openings of
	// an erased subject lie among them.
	purgeEvery = time.Second
)

func isErased(g *spoolSegment) bool { return g.erased }

func isSparse(g *spoolSegment) bool { return g.liveBytes*sparseShare < g.size }

// upkeep runs after each write. The caller holds writer.
func (s *Spool) upkeep() error {
	// What a segment repeats of older ones does not count, or a journal larger than a
	// segment would be copied with every write.
	g := s.active()
	if g.size-g.head >= max(s.cfg.SegmentBytes, g.head) {
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
func (s *Spool) erasedHeld() bool {
	for _, g := range s.segments {
		if g.erased {
			return true
		}
	}
	return false
}

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

// rotate begins a new segment. It repeats the journal and what has left the older
// segments, copies the waiting readings of those that carry names, and is
// published when all of that is durable. From then on the older ones matter only
// for the readings that still wait in them, and those without any are destroyed.
// The caller holds writer.
func (s *Spool) rotate(carry func(*spoolSegment) bool) error {
	number := uint64(1)
	if len(s.segments) > 0 {
		number = s.active().number + 1
	}
	g, err := createSegment(s.dir, number, s.cfg.Rand)
	if err != nil {
		return err
	}
	h := &head{spool: s, segment: g}
	if err := h.writeAll(carry); err != nil {
		return err
	}
	if err := g.publish(); err != nil {
		return err
	}
	s.mu.Lock()
	next := &spoolSegment{segment: g, head: g.size}
	s.segments = append(s.segments, next)
	for _, m := range h.moved {
		s.move(m.pending, next, m.at)
	}
	s.stale, s.purged, s.cached = false, s.cfg.Now(), cachedFrame{}
	s.mu.Unlock()
	return s.dropDrained()
}

// move makes a waiting reading lie in another segment. mu is held.
func (s *Spool) move(p *pending, to *spoolSegment, at frameAt) {
	p.in.readings[p.ordinal] = nil
	p.in.live--
	p.in.liveBytes -= int64(p.size)
	p.in, p.at, p.ordinal = to, at, len(to.readings)
	to.readings = append(to.readings, p)
	to.live++
	to.liveBytes += int64(p.size)
}

// dropDrained destroys every segment but the active one that nothing waits in.
// The caller holds writer.
func (s *Spool) dropDrained() error {
	s.mu.Lock()
	var keep, drop []*spoolSegment
	for i, g := range s.segments {
		if g.live == 0 && i < len(s.segments)-1 {
			drop = append(drop, g)
		} else {
			keep = append(keep, g)
		}
	}
	s.segments = keep
	if len(drop) > 0 {
		s.cached = cachedFrame{}
	}
	s.mu.Unlock()
	if len(drop) == 0 {
		return nil
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	for _, g := range drop {
		if err := g.destroy(); err != nil {
			return err
		}
	}
	return nil
}

// head writes the beginning of a segment.
type head struct {
	spool   *Spool
	segment *segment
	payload []byte
	inFrame []*pending // readings in payload
	moved   []moved
}

// moved is a reading and where its copy lies.
type moved struct {
	*pending
	at frameAt
}

func (h *head) writeAll(carry func(*spoolSegment) bool) error {
	s := h.spool
	s.reading.RLock()
	defer s.reading.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, value := range s.values {
		h.payload = appendPut(h.payload, key, value)
		if err := h.cutFrame(headFrame); err != nil {
			return err
		}
	}
	for _, g := range s.segments {
		// Also of those that are about to be destroyed: a crash may come first.
		carried := carry != nil && carry(g)
		h.payload = appendDoneSet(h.payload, g, carried)
		if err := h.cutFrame(headFrame); err != nil {
			return err
		}
		if !carried {
			continue
		}
		if err := h.copyReadings(g); err != nil {
			return err
		}
	}
	h.payload = append(h.payload, byte(recordHead))
	return h.cutFrame(0)
}

func (h *head) copyReadings(g *spoolSegment) error {
	for _, p := range g.readings {
		if p == nil {
			continue
		}
		item, err := h.spool.fetch(p)
		if err != nil {
			return err
		}
		h.payload = appendItem(h.payload, item)
		h.inFrame = append(h.inFrame, p)
		if err := h.cutFrame(headFrame); err != nil {
			return err
		}
	}
	return nil
}

// cutFrame writes a frame when more than size bytes have gathered.
func (h *head) cutFrame(size int) error {
	if len(h.payload) <= size {
		return nil
	}
	at, err := h.segment.write(h.payload)
	if err != nil {
		return err
	}
	for _, p := range h.inFrame {
		h.moved = append(h.moved, moved{p, at})
	}
	h.payload, h.inFrame = nil, nil
	return nil
}
