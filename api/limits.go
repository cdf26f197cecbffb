package api

import (
	"errors"
	"fmt"
	"sync"

	"indelible/api/wire"
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

// Limits bound what callers may have under way at once. Zero means the default
// named beside each field.
type Limits struct {
	Calls          int   // calls and streams of all callers, ordinary lane (DefaultCalls)
	CallerCalls    int   // of one caller (DefaultCallerCalls)
	ReservedCalls  int   // reads, lookups, erasures and holds of all callers, beside Calls (DefaultReservedCalls)
	Bytes          int64 // request bytes held for all callers (DefaultBytes)
	CallerBytes    int64 // of one caller (DefaultCallerBytes)
	RequestBytes   int64 // one request, or one message of a stream (DefaultRequestBytes)
	StreamBatches  int   // batches of one stream under way (DefaultStreamBatches)
	Connections    int   // open connections (DefaultConnections)
	AddressConns   int   // of one address (DefaultAddressConns)
	ConnectionRPCs int   // calls at once on one connection (DefaultConnectionRPCs)
}

// Defaults of Limits.
const (
	DefaultCalls                = 1024
	DefaultCallerCalls          = 128
	DefaultReservedCalls        = 256
	DefaultBytes          int64 = 256 << 20
	DefaultCallerBytes    int64 = 96 << 20
	DefaultRequestBytes   int64 = 16 << 20 // holds a full batch of ordinary readings, or a few of the largest openings
	DefaultStreamBatches        = 8
	DefaultConnections          = 4096
	DefaultAddressConns         = 1024
	DefaultConnectionRPCs       = 256

	openCalls   = 64  // health checks and reflection queries of all callers
	staticCalls = 256 // plain requests of all callers; a bundle of entries can have 4 MiB
	callerShare = 4   // one caller gets at most this part of any but the ordinary lane
)

func (l Limits) withDefaults() Limits {
	count := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	size := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	count(&l.Calls, DefaultCalls)
	count(&l.CallerCalls, DefaultCallerCalls)
	count(&l.ReservedCalls, DefaultReservedCalls)
	count(&l.StreamBatches, DefaultStreamBatches)
	count(&l.Connections, DefaultConnections)
	count(&l.AddressConns, DefaultAddressConns)
	count(&l.ConnectionRPCs, DefaultConnectionRPCs)
	size(&l.Bytes, DefaultBytes)
	size(&l.CallerBytes, DefaultCallerBytes)
	size(&l.RequestBytes, DefaultRequestBytes)
	return l
}

// usage is what one caller has under way.
type usage struct {
	calls int // in all lanes
	lanes [laneCount]int
	bytes int64
}

// admission counts calls and bytes under way. Nobody waits in it: what does
// not fit is refused at once.
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
	limit, share := a.room(in)
	u := a.byCaller[who]
	if a.calls[in] >= limit || (u != nil && (u.calls >= a.limits.CallerCalls || u.lanes[in] >= share)) {
		return nil, wire.Refuse(entry.CodeOverloaded)
	}
	if u == nil {
		u = &usage{}
		a.byCaller[who] = u
	}
	u.calls++
	u.lanes[in]++
	a.calls[in]++
	a.metrics.calling.Inc()
	return func() { a.leave(who, in) }, nil
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
	u := a.byCaller[who]
	if u == nil {
		u = &usage{}
		a.byCaller[who] = u
	}
	if a.bytes+n > a.limits.Bytes || u.bytes+n > a.limits.CallerBytes {
		a.forget(who)
		return wire.Refuse(entry.CodeOverloaded)
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

// forget drops the row of a caller with nothing under way, so that the map
// holds at most as many rows as there are calls.
func (a *admission) forget(who entry.AuthorID) {
	if u := a.byCaller[who]; u.calls == 0 && u.bytes == 0 {
		delete(a.byCaller, who)
	}
}

func (l Limits) validate() error {
	values := []struct {
		name  string
		value int64
	}{
		{"Calls", int64(l.Calls)}, {"CallerCalls", int64(l.CallerCalls)}, {"ReservedCalls", int64(l.ReservedCalls)},
		{"Bytes", l.Bytes}, {"CallerBytes", l.CallerBytes}, {"RequestBytes", l.RequestBytes},
		{"StreamBatches", int64(l.StreamBatches)}, {"Connections", int64(l.Connections)}, {"AddressConns", int64(l.AddressConns)}, {"ConnectionRPCs", int64(l.ConnectionRPCs)},
	}
	var faults []error
	for _, v := range values {
		if v.value < 0 {
			faults = append(faults, fmt.Errorf("api: Limits.%s is negative", v.name))
		}
	}
	return errors.Join(faults...)
}
