package edge

import (
	"fmt"
	"sync"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// lane separates calls that must get through a flood from the flood.
type lane int

const (
	laneOrdinary lane = iota
	laneReserved      // access entries, erasures, holds
	laneOpen          // health checks and reflection
	laneStatic        // checkpoints, tiles, metrics
	laneCount
)

const (
	openCalls   = 64  // health checks and reflection queries of all callers
	staticCalls = 256 // plain requests of all callers; a bundle of entries can have 4 MiB
	callerShare = 4   // one caller gets at most this part of any but the ordinary lane
)

// usage is what one caller has under way.
type usage struct {
	calls int // in all lanes
	lanes [laneCount]int
	bytes int64
}

// admission counts calls and bytes under way. Calls do not wait in it: what
// does not fit is refused at once.
type admission struct {
	limits  Limits
	metrics *metrics

	mu       sync.Mutex // guards everything below
	calls    [laneCount]int
	bytes    int64
	byCaller map[entry.AuthorID]*usage
}

func newAdmission(l Limits, m *metrics) *admission {
	return &admission{limits: l, metrics: m, byCaller: make(map[entry.AuthorID]*usage)}
}

// enter admits one call. leave must be called when it is answered.
func (a *admission) enter(who entry.AuthorID, in lane) (leave func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	all, one := a.room(in)
	u := a.of(who)
	switch {
	case u.calls >= a.limits.CallerCalls:
		err = full(indeliblev1.Bound_BOUND_CALLER_CALLS, "%d calls of this caller are under way", u.calls)
	case u.lanes[in] >= one:
		err = full(indeliblev1.Bound_BOUND_CALLER_CALLS, "%d calls of this kind are under way for this caller", u.lanes[in])
	case a.calls[in] >= all:
		err = full(indeliblev1.Bound_BOUND_CALLS, "%d calls of all callers are under way", a.calls[in])
	}
	if err != nil {
		a.forget(who)
		return nil, err
	}
	u.calls++
	u.lanes[in]++
	a.calls[in]++
	a.metrics.calling.Inc()
	return func() { a.leave(who, in) }, nil
}

func full(bound indeliblev1.Bound, format string, n any) error {
	return Overloaded(bound, fmt.Sprintf(format, n)+", which is the most.", RetryDelay)
}

// room is how many calls a lane takes of all callers, and of one: a few callers
// with slow requests must not keep everyone from reading and erasing.
func (a *admission) room(in lane) (all, one int) {
	switch in {
	case laneReserved:
		return a.limits.ReservedCalls, max(a.limits.ReservedCalls/callerShare, 1)
	case laneOpen:
		return openCalls, openCalls / callerShare
	case laneStatic:
		return staticCalls, staticCalls / callerShare
	}
	return a.limits.Calls, a.limits.CallerCalls
}

func (a *admission) leave(who entry.AuthorID, in lane) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[in]--
	a.metrics.calling.Dec()
	a.byCaller[who].calls--
	a.byCaller[who].lanes[in]--
	a.forget(who)
}

// hold counts n request bytes against the caller until release.
func (a *admission) hold(who entry.AuthorID, n int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.of(who)
	var err error
	switch {
	case u.bytes+n > int64(a.limits.CallerBytes):
		err = full(indeliblev1.Bound_BOUND_CALLER_BYTES, "Requests of this caller hold nearly %d bytes", a.limits.CallerBytes)
	case a.bytes+n > int64(a.limits.Bytes):
		err = full(indeliblev1.Bound_BOUND_BYTES, "Requests of all callers hold nearly %d bytes", a.limits.Bytes)
	}
	if err != nil {
		a.forget(who)
		return err
	}
	u.bytes += n
	a.bytes += n
	a.metrics.bytes.Add(float64(n))
	return nil
}

func (a *admission) release(who entry.AuthorID, n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bytes -= n
	a.metrics.bytes.Sub(float64(n))
	a.byCaller[who].bytes -= n
	a.forget(who)
}

// of is the row of a caller.
func (a *admission) of(who entry.AuthorID) *usage {
	u := a.byCaller[who]
	if u == nil {
		u = &usage{}
		a.byCaller[who] = u
	}
	return u
}

// forget drops the row of a caller with nothing under way, so that the map
// holds at most as many rows as there are calls.
func (a *admission) forget(who entry.AuthorID) {
	if u := a.byCaller[who]; u.calls == 0 && u.bytes == 0 {
		delete(a.byCaller, who)
	}
}
