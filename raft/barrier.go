package raft

import (
	"context"
	"sync"

	hraft "github.com/hashicorp/raft"
)

// barrier returns when everything that was acknowledged before the call is
// folded in here, on whatever node it was acknowledged: the linearizable read of
// decision 0024. What the library calls AppliedIndex is only what it has
// handed over, so our own watermark is waited for.
func (g *group) barrier(ctx context.Context, stop <-chan struct{}) error {
	r, term, err := g.leading()
	if err != nil {
		return err
	}
	committed := r.CommitIndex()
	if err := g.verifier.join(ctx, r, stop); err != nil {
		return err
	}
	if r.CurrentTerm() != term {
		return &NotLeaderError{Leader: g.leader()}
	}
	if err := g.fold.applied.wait(ctx, committed, stop); err != nil {
		return err
	}
	g.barriers.Add(1)
	return nil
}

// verifier shares rounds of leadership verification among all who wait for one.
type verifier struct {
	mu      sync.Mutex
	next    *verification // guarded by mu; not begun yet
	running bool          // guarded by mu
	rounds  sync.WaitGroup
}

type verification struct {
	done chan struct{}
	err  error // set before done is closed
}

// join waits for a round that begins after the call: one already under way may
// have asked the others before.
func (v *verifier) join(ctx context.Context, r *hraft.Raft, stop <-chan struct{}) error {
	v.mu.Lock()
	if v.next == nil {
		v.next = &verification{done: make(chan struct{})}
	}
	mine := v.next
	if !v.running {
		v.running = true
		v.rounds.Go(func() { v.run(r) })
	}
	v.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-stop:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (v *verifier) run(r *hraft.Raft) {
	for {
		v.mu.Lock()
		round := v.next
		v.next = nil
		v.running = round != nil
		v.mu.Unlock()
		if round == nil {
			return
		}
		if err := r.VerifyLeader().Error(); err != nil {
			round.err = &NotLeaderError{}
		}
		close(round.done)
	}
}
