package ingest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"indelible/api/client"
	"indelible/ingest/journal"
	"indelible/ledger/entry"
)

// pending is a reading that waits. Fields are guarded by Spool.mu; in, at and
// ordinal change only under Spool.writer.
type pending struct {
	id           entry.StatementID
	author       entry.AuthorID
	boot, seq    uint64 // its place in the author's chain
	jurisdiction string
	in           *spoolSegment
	at           journal.Address
	ordinal      int // among the readings of its segment
	size         int
	taken        bool      // somebody is delivering it
	gone         bool      // it has left
	due          time.Time // not to be tried before
	attempts     int       // refusals so far that allowed another try
}

// queue holds the readings of one jurisdiction in the order of delivery.
type queue struct {
	list []*pending
	gone int // how many of list have left
}

// compact forgets what has left, when that is half.
func (q *queue) compact() {
	if q.gone > 64 && q.gone > len(q.list)/2 {
		q.list = slices.DeleteFunc(q.list, func(p *pending) bool { return p.gone })
		q.gone = 0
	}
}

// newestFirst turns around the order of one author's readings and leaves their
// places among those of others.
func (q *queue) newestFirst(author entry.AuthorID, due time.Time) {
	var places []int
	for i, p := range q.list {
		if p.author == author && !p.gone {
			places = append(places, i)
		}
	}
	mine := make([]*pending, 0, len(places))
	for _, i := range places {
		mine = append(mine, q.list[i])
	}
	slices.SortFunc(mine, func(a, b *pending) int {
		return cmp.Or(cmp.Compare(b.boot, a.boot), cmp.Compare(b.seq, a.seq))
	})
	for n, i := range places {
		q.list[i] = mine[n]
		mine[n].due = due
	}
}

// leased is a reading that somebody is delivering.
type leased struct {
	*pending
	signed *client.Signed
}

// jurisdictions lists where readings wait for, sorted.
func (s *Spool) jurisdictions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name, q := range s.queues {
		if len(q.list) > q.gone {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// take leases up to count readings of up to size bytes together (at least one)
// that are due. Each must leave, be postponed or be given back.
// If none is due, next says when one will be; zero means that none waits.
func (s *Spool) take(jurisdiction string, count, size int) (list []leased, next time.Time, err error) {
	now := s.cfg.Now()
	s.reading.RLock()
	defer s.reading.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[jurisdiction]
	if q == nil {
		return nil, time.Time{}, nil
	}
	q.compact()
	for _, p := range q.list {
		if p.gone || p.taken {
			continue
		}
		if p.due.After(now) {
			if next.IsZero() || p.due.Before(next) {
				next = p.due
			}
			continue
		}
		if len(list) == count || (len(list) > 0 && p.size > size) {
			break
		}
		size -= p.size
		p.taken = true
		list = append(list, leased{pending: p})
	}
	for i := range list {
		if list[i].signed, err = s.fetch(list[i].pending); err != nil {
			for _, l := range list {
				l.taken = false
			}
			return nil, time.Time{}, err
		}
	}
	return list, next, nil
}

// fetch reads one reading back. reading is held.
func (s *Spool) fetch(p *pending) (*client.Signed, error) {
	record, err := p.in.Read(p.at)
	if err != nil {
		return nil, err
	}
	r := readRecord(record, recordReading)
	signed := r.signed()
	if err := r.end(); err != nil || signed.Statement.ID() != p.id {
		return nil, fmt.Errorf("%w: segment %d: a reading is not where it was", ErrSpoolCorrupt, p.in.Number())
	}
	return signed, nil
}

// giveBack returns readings that were not delivered; they are due again at once.
func (s *Spool) giveBack(list []leased) {
	s.postpone(list, func(*pending) time.Time { return time.Time{} })
}

// postpone returns readings that may be taken later.
func (s *Spool) postpone(list []leased, due func(*pending) time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range list {
		l.taken = false
		l.due = due(l.pending)
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// turnAround makes the readings of an author go newest first, all of them not
// before due: after a revocation the log takes the newest one it vouches for and
// then what that one follows.
func (s *Spool) turnAround(jurisdiction string, author entry.AuthorID, due time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues[jurisdiction].newestFirst(author, due)
}

// wake is closed when readings arrive, leave or come back.
func (s *Spool) wake() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// notify wakes those who wait for a change.
func (s *Spool) notify() { s.postpone(nil, nil) }
