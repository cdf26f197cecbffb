package raft

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"indelible/ledger"
)

func callOf(lane Lane, n, bytes int) *call {
	c := &call{lane: lane, pending: n, done: make(chan struct{}), out: make([]ledger.Outcome, n)}
	for range n {
		item := ledger.Item{Statement: make([]byte, bytes)}
		c.items = append(c.items, item)
		c.bytes += item.Size()
	}
	return c
}

func mustPut(t *testing.T, q *lanes, c *call) *call {
	t.Helper()
	if err := q.put(c); err != nil {
		t.Fatal(err)
	}
	return c
}

func count(cmd []portion) (of map[*call]int, entries, bytes int) {
	of = map[*call]int{}
	for _, p := range cmd {
		of[p.of] += p.to - p.from
		for _, item := range p.of.items[p.from:p.to] {
			entries++
			bytes += item.Size()
		}
	}
	return of, entries, bytes
}

func TestLanesShareACommand(t *testing.T) {
	q := newLanes(Limits{}.withDefaults(), rand.Reader)
	a, b, c := mustPut(t, q, callOf(LaneOrdinary, 3, 100)), mustPut(t, q, callOf(LaneReserved, 2, 100)), mustPut(t, q, callOf(LaneOrdinary, 1, 100))
	cmd := q.next()
	of, entries, _ := count(cmd)
	if entries != 6 || of[a] != 3 || of[b] != 2 || of[c] != 1 {
		t.Fatalf("one command holds %d entries: %v", entries, of)
	}
	if cmd[0].of != b || cmd[1].of != a || cmd[2].of != c {
		t.Fatal("reserved entries do not come first, or callers are not in order")
	}
	if q.next() != nil {
		t.Fatal("something is left")
	}
}

func TestLanesSplitByBytesAndEntries(t *testing.T) {
	q := newLanes(Limits{}.withDefaults(), rand.Reader)
	big := mustPut(t, q, callOf(LaneOrdinary, 200, 16<<10))
	total := 0
	for cmd := q.next(); cmd != nil; cmd = q.next() {
		_, entries, bytes := count(cmd)
		if bytes > commandBytes || entries > commandEntries {
			t.Fatalf("a command of %d entries and %d bytes", entries, bytes)
		}
		if _, err := ledger.EncodeAppend(itemsOf(cmd)); err != nil {
			t.Fatal(err)
		}
		total += entries
	}
	if total != len(big.items) {
		t.Fatalf("%d of %d entries went into commands", total, len(big.items))
	}
	small := mustPut(t, q, callOf(LaneReserved, 2*commandEntries+1, 10))
	for _, want := range []int{commandEntries, commandEntries, 1, 0} {
		if of, _, _ := count(q.next()); of[small] != want {
			t.Fatalf("a command of %d entries, want %d", of[small], want)
		}
	}
}

func itemsOf(cmd []portion) (items []ledger.Item) {
	for _, p := range cmd {
		items = append(items, p.of.items[p.from:p.to]...)
	}
	return items
}

// TestLanesReservedGoesFirst: a flood in one lane neither fills the other nor
// goes before it, and the reserved lane does not shut the ordinary one out.
func TestLanesReservedGoesFirst(t *testing.T) {
	q := newLanes(Limits{}.withDefaults(), rand.Reader)
	for {
		if err := q.put(callOf(LaneOrdinary, 256, 300)); err != nil {
			var full *Overloaded
			if !errors.As(err, &full) || full.RetryAfter < retryLeast || full.RetryAfter > retryMost {
				t.Fatalf("a full lane answers %v", err)
			}
			break
		}
	}
	access := mustPut(t, q, callOf(LaneReserved, 1, 300))
	cmd := q.next()
	if of, _, _ := count(cmd); of[access] != 1 || cmd[0].of != access {
		t.Fatal("an access entry waits behind ordinary ones")
	}
	flood := mustPut(t, q, callOf(LaneReserved, 2000, 10))
	of, entries, _ := count(q.next())
	if of[flood] != commandEntries*reservedQuarters/4 || entries != commandEntries {
		t.Fatalf("%d of %d entries are reserved ones", of[flood], entries)
	}
}

func TestLanesAreBounded(t *testing.T) {
	limits := Limits{OrdinaryEntries: 10, OrdinaryBytes: 10_000}.withDefaults()
	q := newLanes(limits, rand.Reader)
	full := func(c *call) {
		t.Helper()
		var o *Overloaded
		if err := q.put(c); !errors.As(err, &o) {
			t.Fatalf("a full lane answers %v", err)
		}
	}
	first := mustPut(t, q, callOf(LaneOrdinary, 8, 10))
	full(callOf(LaneOrdinary, 3, 10))
	mustPut(t, q, callOf(LaneOrdinary, 2, 10))
	full(callOf(LaneOrdinary, 1, 10))
	if err := q.put(callOf(LaneOrdinary, 11, 10)); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("more than the lane ever holds: %v", err)
	}
	if err := q.put(callOf(LaneOrdinary, 1, 10_000)); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("more than the lane ever holds: %v", err)
	}
	cmd := q.next()
	full(callOf(LaneOrdinary, 1, 10)) // in flight still counts
	q.answer(cmd, make([]ledger.Outcome, 10), nil)
	<-first.done
	if entries, bytes := q.held(); entries != 0 || bytes != 0 {
		t.Fatalf("%d entries and %d bytes are held after all were answered", entries, bytes)
	}
	mustPut(t, q, callOf(LaneOrdinary, 1, 9_000))
	full(callOf(LaneOrdinary, 1, 1_000))
}

func TestLanesWithdraw(t *testing.T) {
	q := newLanes(Limits{}.withDefaults(), rand.Reader)
	a, b := mustPut(t, q, callOf(LaneOrdinary, 2, 10)), mustPut(t, q, callOf(LaneOrdinary, 2, 10))
	if !q.withdraw(a) {
		t.Fatal("a waiting call cannot be withdrawn")
	}
	if of, entries, _ := count(q.next()); entries != 2 || of[b] != 2 {
		t.Fatalf("the next command holds %v", of)
	}
	if q.withdraw(b) {
		t.Fatal("a call that is under way was withdrawn")
	}
	if entries, _ := q.held(); entries != 2 {
		t.Fatalf("%d entries are held", entries)
	}
}

// TestCallResult: what a caller hears when its commands fared differently. Only
// if nothing at all was proposed may it hear so.
func TestCallResult(t *testing.T) {
	unknown, notLeader := ErrOutcomeUnknown, error(&NotLeaderError{})
	for _, c := range []struct {
		name    string
		answers []error
		unknown bool
		err     error
	}{
		{"all have outcomes", []error{nil, nil}, false, nil},
		{"nothing was proposed", []error{notLeader, notLeader}, false, ErrNotLeader},
		{"part was proposed", []error{nil, notLeader}, true, ErrNotLeader},
		{"part was proposed, the end first", []error{notLeader, nil}, true, ErrNotLeader},
		{"part is unknown", []error{nil, unknown}, true, ErrOutcomeUnknown},
		{"unknown weighs most", []error{notLeader, unknown}, true, ErrOutcomeUnknown},
		{"unknown stays", []error{unknown, notLeader}, true, ErrOutcomeUnknown},
	} {
		q := newLanes(Limits{}.withDefaults(), rand.Reader)
		made := mustPut(t, q, callOf(LaneOrdinary, len(c.answers)*commandEntries, 10))
		for i, err := range c.answers {
			out := make([]ledger.Outcome, commandEntries)
			out[0].Index = uint64(i + 1)
			q.answer(q.next(), out, err)
		}
		<-made.done
		out, err := made.result()
		if !errors.Is(err, c.err) || errors.Is(err, ErrOutcomeUnknown) != c.unknown {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil && (out[0].Index != 1 || out[commandEntries].Index != 2) {
			t.Errorf("%s: outcomes are not in the order of items", c.name)
		}
	}
}

func TestRetryAfterFollowsTheRate(t *testing.T) {
	r := rate{rand: bytes.NewReader(nil)} // no randomness: no spread
	if d := r.time(1 << 20); d != retryLeast {
		t.Fatalf("%s before anything is known", d)
	}
	for range 50 {
		r.observe(100, 100*time.Millisecond)
	}
	if d := r.time(500); d < 450*time.Millisecond || d > 550*time.Millisecond {
		t.Fatalf("500 entries at 1 ms each in %s", d)
	}
	if d := r.time(1 << 30); d != retryMost {
		t.Fatalf("%s is more than anybody should wait", d)
	}
	r.rand = rand.Reader
	seen := map[time.Duration]bool{}
	for range 50 {
		d := r.time(500)
		if d < 450*time.Millisecond || d > 825*time.Millisecond {
			t.Fatalf("spread to %s", d)
		}
		seen[d] = true
	}
	if len(seen) < 10 {
		t.Fatalf("50 callers are told to come back at %d different times", len(seen))
	}
}
