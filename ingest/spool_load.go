package ingest

import "fmt"

// load reads what a former process left. Every segment begins by repeating all
// that older ones say of anything but readings: the journal, and which of their
// readings have left. So of older segments only the readings count.
func (s *Spool) load() error {
	numbers, err := segmentNumbers(s.dir)
	if err != nil {
		return err
	}
	for i, number := range numbers {
		g, err := openSegment(s.dir, number)
		if err != nil {
			return err
		}
		newest := i == len(numbers)-1
		s.segments = append(s.segments, &spoolSegment{segment: g})
		if err := s.loadSegment(newest); err != nil {
			return err
		}
	}
	if len(numbers) == 0 {
		return s.rotate(nil)
	}
	return s.settleDown()
}

// settleDown finishes what a crash interrupted.
func (s *Spool) settleDown() error {
	if s.erasedHeld() {
		return s.rotate(isErased)
	}
	return s.dropDrained()
}

// loadSegment reads the last of s.segments.
func (s *Spool) loadSegment(newest bool) error {
	g := s.active()
	headEnds := false
	err := g.scan(newest, func(at frameAt, payload []byte) error {
		r := &recordReader{rest: payload}
		for r.more() {
			if newest {
				if s.replay(r, g, at) {
					headEnds, g.head = true, at.offset+frameHeader+int64(at.length)
				}
			} else if item := r.item(); item != nil {
				s.enqueue(g, at, item)
			}
		}
		if r.err != nil {
			return corrupt(g.number, at.offset, r.err.Error())
		}
		return nil
	})
	if err == nil && newest && !headEnds {
		return corrupt(g.number, 0, "what it repeats of older segments is incomplete")
	}
	return err
}

// replay applies one record of the newest segment and says whether it ends the head.
func (s *Spool) replay(r *recordReader, g *spoolSegment, at frameAt) bool {
	switch kind := r.kind(); kind {
	case recordItem:
		if item := r.signed(); item != nil {
			s.enqueue(g, at, item)
		}
	case recordPut:
		key := string(r.bytes())
		if value := r.bytes(); r.err == nil {
			s.put(key, value)
		}
	case recordDone, recordErased:
		number, ordinal := r.number(), int(r.number())
		s.replayLeft(number, kind == recordErased, func(i int) bool { return i == ordinal })
	case recordDoneSet:
		number, erased := r.number(), r.number() == 1
		set := r.bitmap()
		s.replayLeft(number, erased, set.has)
	case recordForgot:
		s.markErased()
	case recordHead:
		return true
	default:
		r.err = fmt.Errorf("%w: unknown kind", errRecord)
	}
	return false
}

// replayLeft lets the readings of one segment go that a record says have left. A
// segment that is named and gone was destroyed with all its readings.
func (s *Spool) replayLeft(number uint64, erased bool, has func(ordinal int) bool) {
	for _, g := range s.segments {
		if g.number != number {
			continue
		}
		g.erased = g.erased || erased
		for ordinal, p := range g.readings {
			if p != nil && has(ordinal) {
				s.leave(p, false)
			}
		}
	}
}
