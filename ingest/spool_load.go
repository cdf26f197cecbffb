package ingest

import (
	"fmt"
	"slices"

	"indelible/ingest/journal"
)

// load reads what a former process left. Every segment begins by repeating all
// that older ones say of anything but readings: the values, and which of their
// readings have left. So of older segments only the readings count.
func (s *Spool) load() error {
	list := s.journal.Segments()
	for i, segment := range list {
		g := &spoolSegment{Segment: segment}
		s.segments = append(s.segments, g)
		err := g.Scan(func(at journal.Address, record []byte) error {
			if err := s.replay(g, at, record, i == len(list)-1); err != nil {
				return fmt.Errorf("%w: segment %d: %w", ErrSpoolCorrupt, g.Number(), err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	switch { // finish what a crash interrupted
	case len(list) == 0:
		return s.rotate(nil)
	case s.erasedHeld():
		return s.rotate(isErased)
	}
	return s.dropDrained()
}

// replay applies one record.
func (s *Spool) replay(g *spoolSegment, at journal.Address, record []byte, newest bool) error {
	r := &recordReader{rest: record}
	switch kind := r.kind(); {
	case kind == recordReading:
		if signed := r.signed(); r.err == nil {
			s.enqueue(g, at, signed)
		}
	case !newest:
		return nil
	case kind == recordValue:
		key := string(r.bytes())
		if value := r.bytes(); r.err == nil {
			s.put(key, value)
		}
	case kind == recordLeft:
		s.replayLeft(r)
	case kind == recordForgot:
		s.markErased()
	default:
		r.err = fmt.Errorf("%w: unknown kind", errRecord)
	}
	return r.end()
}

// replayLeft lets readings of one segment go. A segment that is named and gone was
// destroyed with all its readings.
func (s *Spool) replayLeft(r *recordReader) {
	number, erased := r.number(), r.number() == 1
	g := &spoolSegment{}
	if at := slices.IndexFunc(s.segments, func(g *spoolSegment) bool { return g.Number() == number }); at >= 0 {
		g = s.segments[at]
	}
	g.erased = g.erased || erased // also when nothing has left it: values may be what is erased
	for ordinal := uint64(0); r.more(); ordinal++ {
		ordinal += r.number()
		if ordinal < uint64(len(g.readings)) && g.readings[ordinal] != nil {
			s.remove(g.readings[ordinal], false)
		}
	}
}
