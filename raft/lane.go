package raft

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"indelible/ledger"
)

// Lane says which queue a statement waits in.
type Lane uint8

const (
	// LaneOrdinary is for everything a client may send in bulk.
	LaneOrdinary Lane = iota
	// LaneReserved is for access entries and erasures: a flood in the other
	// lane neither fills it nor goes before it.
	LaneReserved

	laneCount = 2
)

// Limits of one command of the global group. A command is verified and folded
// in as one; smaller ones keep the latency of others' even.
const (
	commandEntries = 512
	commandBytes   = ledger.MaxAppendBody

	// While ordinary entries wait, reserved ones may take this share of a
	// command, in quarters: they go first but do not shut the others out.
	reservedQuarters = 3
)

// RetryAfter of an Overloaded answer stays within these.
const (
	retryLeast = 20 * time.Millisecond
	retryMost  = 2 * time.Second
)

// call is one Append under way. Its fields are guarded by lanes.mu until done
// is closed.
type call struct {
	items   []ledger.Item
	lane    Lane
	bytes   int
	taken   int              // items that went into a command so far
	pending int              // items whose command was answered neither way yet, or that were not taken
	out     []ledger.Outcome // by item
	err     error            // why one of its commands has no outcome; an unknown one weighs most
	some    bool             // one of its commands has its outcome
	done    chan struct{}    // closed when pending is zero
}

// result is what the caller hears, once done is closed.
func (c *call) result() ([]ledger.Outcome, error) {
	switch {
	case c.err == nil:
		return c.out, nil
	case c.some && !errors.Is(c.err, ErrOutcomeUnknown):
		return nil, fmt.Errorf("%w: part of the call was not proposed: %w", ErrOutcomeUnknown, c.err)
	}
	return nil, c.err
}

// portion is a run of one call's items inside a command.
type portion struct {
	of       *call
	from, to int
}

// laneState is what one lane holds, queued and in flight.
type laneState struct {
	queue   []*call
	entries int
	bytes   int
	most    int // entries
	mostB   int // bytes
}

// lanes are the two bounded queues in front of the global group.
type lanes struct {
	mu      sync.Mutex
	of      [laneCount]laneState
	arrived chan struct{} // something waits; holds one
	rate    rate
}

func newLanes(l Limits, rand io.Reader) *lanes {
	q := &lanes{arrived: make(chan struct{}, 1), rate: rate{rand: rand}}
	q.of[LaneOrdinary] = laneState{most: l.OrdinaryEntries, mostB: l.OrdinaryBytes}
	q.of[LaneReserved] = laneState{most: l.ReservedEntries, mostB: l.ReservedBytes}
	return q
}

func (q *lanes) put(c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := &q.of[c.lane]
	if len(c.items) > l.most || c.bytes > l.mostB {
		return ErrTooLarge
	}
	if l.entries+len(c.items) > l.most || l.bytes+c.bytes > l.mostB {
		return &Overloaded{RetryAfter: q.rate.time(l.entries/2 + 1)}
	}
	l.entries += len(c.items)
	l.bytes += c.bytes
	l.queue = append(l.queue, c)
	signal(q.arrived)
	return nil
}

// withdraw takes back a call none of whose items went into a command, and
// reports whether that was so.
func (q *lanes) withdraw(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.taken > 0 {
		return false
	}
	l := &q.of[c.lane]
	for i, other := range l.queue {
		if other == c {
			l.queue = append(l.queue[:i:i], l.queue[i+1:]...)
			l.entries -= len(c.items)
			l.bytes -= c.bytes
			return true
		}
	}
	return false
}

// next takes the items of the next command from the fronts of the queues,
// reserved ones first. It returns nothing when nothing waits.
func (q *lanes) next() []portion {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries, bytes := commandEntries, commandBytes
	var cmd []portion
	take := func(lane Lane, quarters int) {
		cmd = q.take(&q.of[lane], cmd, entries*quarters/4, bytes*quarters/4)
		entries, bytes = commandEntries, commandBytes
		for _, p := range cmd {
			entries -= p.to - p.from
			for _, item := range p.of.items[p.from:p.to] {
				bytes -= item.Size()
			}
		}
	}
	if len(q.of[LaneOrdinary].queue) > 0 {
		take(LaneReserved, reservedQuarters)
		take(LaneOrdinary, 4)
	}
	take(LaneReserved, 4)
	return cmd
}

// take appends portions from the front of one lane, within limits.
func (q *lanes) take(l *laneState, cmd []portion, entries, bytes int) []portion {
	for len(l.queue) > 0 {
		c := l.queue[0]
		from := c.taken
		for c.taken < len(c.items) && entries > 0 && c.items[c.taken].Size() <= bytes {
			bytes -= c.items[c.taken].Size()
			entries--
			c.taken++
		}
		if c.taken > from {
			cmd = append(cmd, portion{c, from, c.taken})
		}
		if c.taken < len(c.items) {
			break
		}
		l.queue[0] = nil
		l.queue = l.queue[1:]
	}
	return cmd
}

// answer gives each call of a command its outcomes, or the reason why there
// are none, and wakes those that now have all.
func (q *lanes) answer(cmd []portion, out []ledger.Outcome, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range cmd {
		n := p.to - p.from
		if err == nil {
			copy(p.of.out[p.from:p.to], out[:n])
			out, p.of.some = out[n:], true
		} else if p.of.err == nil || errors.Is(err, ErrOutcomeUnknown) {
			p.of.err = err
		}
		p.of.pending -= n
		if p.of.pending > 0 {
			continue
		}
		l := &q.of[p.of.lane]
		l.entries -= len(p.of.items)
		l.bytes -= p.of.bytes
		close(p.of.done)
	}
}

func (q *lanes) held() (entries, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.of {
		entries += l.entries
		bytes += l.bytes
	}
	return entries, bytes
}

// rate is a moving average of how long an entry takes, for RetryAfter.
type rate struct {
	rand     io.Reader
	mu       sync.Mutex
	perEntry time.Duration // guarded by mu; 0 until known
}

func (r *rate) observe(entries int, took time.Duration) {
	if entries == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.perEntry = (7*r.perEntry + took/time.Duration(entries)) / 8
}

// time is when so many entries will be done, within reason, and up to half as
// long again: callers turned away together shall not all come back together.
func (r *rate) time(entries int) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := min(max(r.perEntry*time.Duration(entries), retryLeast), retryMost)
	var spread [1]byte
	if _, err := io.ReadFull(r.rand, spread[:]); err != nil {
		return d
	}
	return min(d+d*time.Duration(spread[0])/(2*256), retryMost)
}
