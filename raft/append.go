package raft

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	hraft "github.com/hashicorp/raft"

	"indelible/ledger"
)

// appendsInFlight is how many commands are handed to Raft before the first is
// answered. While one is being written and another folded in, callers gather
// for the next: commits are shared without a timer, and a lone caller does
// not wait.
const appendsInFlight = 4

// appender forms commands from what waits in the lanes and hands them to the
// global group.
type appender struct {
	group    *group
	lanes    *lanes
	fault    *fault
	flights  sync.WaitGroup
	inFlight atomic.Int64
	counts   outcomes
}

type outcomes struct {
	entries, duplicates, refused, marked atomic.Uint64
}

func (o *outcomes) add(out []ledger.Outcome) {
	var entries, duplicates, refused, marked uint64
	for i := range out {
		switch {
		case out[i].Refusal != nil:
			refused++
		case out[i].Duplicate:
			duplicates++
		default:
			entries++
			if out[i].Marked {
				marked++
			}
		}
	}
	o.entries.Add(entries)
	o.duplicates.Add(duplicates)
	o.refused.Add(refused)
	o.marked.Add(marked)
}

// run hands over commands until ctx ends. What was handed over by then is
// answered before it returns, or never will be because the node is broken.
func (a *appender) run(ctx context.Context) {
	slots := make(chan struct{}, appendsInFlight)
	defer a.flights.Wait()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		cmd := a.gather(ctx)
		if cmd == nil {
			return
		}
		a.launch(cmd, slots)
	}
}

// gather waits until something is there to propose; nil means ctx ended.
func (a *appender) gather(ctx context.Context) []portion {
	for {
		if cmd := a.lanes.next(); len(cmd) > 0 {
			return cmd
		}
		if !heard(ctx, a.lanes.arrived) {
			return nil
		}
	}
}

// launch proposes one command and leaves a goroutine waiting for its answer.
func (a *appender) launch(cmd []portion, slots <-chan struct{}) {
	began := time.Now()
	future, err := a.hand(cmd)
	if err != nil {
		a.lanes.answer(cmd, nil, err)
		<-slots
		return
	}
	a.inFlight.Add(1)
	a.flights.Go(func() {
		out, err := a.await(future, cmd)
		a.inFlight.Add(-1)
		if err == nil {
			a.counts.add(out)
			a.lanes.rate.observe(len(out), time.Since(began))
		}
		a.lanes.answer(cmd, out, err)
		<-slots
	})
}

// hand encodes a command and hands it over. Its error means that nothing was
// proposed.
func (a *appender) hand(cmd []portion) (hraft.ApplyFuture, error) {
	var items []ledger.Item
	for _, p := range cmd {
		items = append(items, p.of.items[p.from:p.to]...)
	}
	body, err := ledger.EncodeAppend(items)
	if err != nil {
		return nil, err
	}
	return a.group.propose(ledger.CommandAppend, body)
}

func (a *appender) await(future hraft.ApplyFuture, cmd []portion) ([]ledger.Outcome, error) {
	response, err := a.group.resolve(future)
	if err != nil {
		return nil, err
	}
	want := 0
	for _, p := range cmd {
		want += p.to - p.from
	}
	out, ok := response.([]ledger.Outcome)
	if !ok || len(out) != want {
		a.fault.fail("fold in a committed command", fmt.Errorf("%d outcomes for %d statements", len(out), want))
		return nil, ErrOutcomeUnknown
	}
	return out, nil
}
