package ingest

import (
	"context"
	"fmt"
	"log/slog"

	"indelible/api/client"
	"indelible/ingest/journal"
)

// recordOverhead bounds what a record adds to its contents, in bytes.
const recordOverhead = 64

// commit is one caller's share of a frame.
type commit struct {
	readings []*client.Signed
	values   map[string][]byte
	left     []*pending // readings that leave
	erased   bool       // because their subject is erased
	forgets  bool       // values replace what no segment may keep
	size     int        // bound of its encoding
	first    int        // its first record in the frame; guarded by Spool.writer, like all below
	finished bool
	err      error
}

// write makes a commit durable. The first to hold writer takes all that
// wait along; the others find theirs finished.
func (s *Spool) write(c *commit) error {
	if c.size > maxFrame {
		return ErrCommitTooLarge
	}
	s.mu.Lock()
	s.waiting = append(s.waiting, c)
	s.mu.Unlock()
	s.writer.Lock()
	defer s.writer.Unlock()
	for !c.finished {
		s.flush()
	}
	return c.err
}

// flush writes one frame of waiting commits. The caller holds writer.
func (s *Spool) flush() {
	s.mu.Lock()
	batch, broken := s.nextBatch(), s.broken
	s.mu.Unlock()
	if broken != nil {
		finish(batch, fmt.Errorf("%w: %w", ErrSpoolBroken, broken))
		return
	}
	at, err := s.journal.Append(s.encode(batch)...)
	if err != nil {
		finish(batch, s.fail(err))
		return
	}
	s.mu.Lock()
	for _, c := range batch {
		s.apply(at[c.first:], c)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	finish(batch, nil)
	if err := s.upkeep(); err != nil {
		s.cfg.Logger.LogAttrs(context.Background(), slog.LevelError, "the spool cannot go on",
			slog.String("error", s.fail(err).Error()))
	}
}

func finish(batch []*commit, err error) {
	for _, c := range batch {
		c.finished, c.err = true, err
	}
}

// fail remembers that the state of the disk is unknown from here on.
func (s *Spool) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = err
	}
	return fmt.Errorf("%w: %w", ErrSpoolBroken, err)
}

// nextBatch takes as many waiting commits as one frame holds. mu is held.
func (s *Spool) nextBatch() []*commit {
	size, n := 0, 0
	for n < len(s.waiting) && size+s.waiting[n].size <= maxFrame {
		size += s.waiting[n].size
		n++
	}
	batch := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	return batch
}

// active is the segment that is written. The caller holds writer.
func (s *Spool) active() *spoolSegment { return s.segments[len(s.segments)-1] }

// encode writes a batch as records, its readings first. Where readings lie can change
// only under writer, which the caller holds.
func (s *Spool) encode(batch []*commit) [][]byte {
	var out [][]byte
	for _, c := range batch {
		c.first = len(out)
		for _, signed := range c.readings {
			out = append(out, readingRecord(signed))
		}
		for key, value := range c.values {
			out = append(out, valueRecord(key, value))
		}
		if c.forgets {
			out = append(out, []byte{byte(recordForgot)})
		}
		for _, p := range c.left {
			out = append(out, leftRecord(p.in.Number(), c.erased, []int{p.ordinal}))
		}
	}
	return out
}

// apply brings memory to what is now durable, at these addresses. mu is held.
func (s *Spool) apply(at []journal.Address, c *commit) {
	for i, signed := range c.readings {
		s.enqueue(s.active(), at[i], signed)
	}
	for key, value := range c.values {
		s.put(key, value)
	}
	for _, p := range c.left {
		s.remove(p, c.erased)
	}
	if c.forgets {
		s.markErased()
	}
}

// markErased marks every segment to be destroyed: each begins by repeating the values, so any of
// them may hold what was just forgotten. mu is held.
func (s *Spool) markErased() {
	for _, g := range s.segments {
		g.erased = true
	}
}

// put sets or, with nothing in it, removes a value.
func (s *Spool) put(key string, value []byte) {
	if _, replaced := s.values[key]; replaced {
		s.stale = true
	}
	if len(value) == 0 {
		delete(s.values, key)
		return
	}
	s.values[key] = append([]byte(nil), value...)
}

// enqueue registers a reading that lies in a segment. A copy that was carried
// over from an older segment takes the place of the older one.
func (s *Spool) enqueue(g *spoolSegment, at journal.Address, signed *client.Signed) {
	p := &pending{
		id:           signed.Statement.ID(),
		author:       signed.Statement.Author,
		boot:         signed.Statement.Boot,
		seq:          signed.Statement.Seq,
		jurisdiction: signed.Statement.Jurisdiction,
		size:         signed.Size(),
	}
	g.add(p, at)
	if old := s.byID[p.id]; old != nil {
		s.remove(old, false)
	}
	s.bytes += int64(p.size)
	s.byID[p.id] = p
	q := s.queues[p.jurisdiction]
	if q == nil {
		q = &queue{}
		s.queues[p.jurisdiction] = q
	}
	q.list = append(q.list, p)
}

// remove takes a reading out of memory; its segment goes when nothing waits in it.
func (s *Spool) remove(p *pending, erased bool) {
	if p.gone {
		return
	}
	p.gone = true
	p.in.drop(p)
	p.in.erased = p.in.erased || erased
	s.bytes -= int64(p.size)
	if s.byID[p.id] == p {
		delete(s.byID, p.id)
	}
	s.queues[p.jurisdiction].gone++
}
