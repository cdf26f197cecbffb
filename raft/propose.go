package raft

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"

	"indelible/ledger/vault/store"
)

// stamper gives out leader times that never go back, whatever the clock does.
type stamper struct {
	now  func() time.Time
	mu   sync.Mutex
	last uint64 // guarded by mu; Unix milliseconds
}

func (s *stamper) stamp() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, uint64(max(0, s.now().UnixMilli())))
	return s.last
}

// propose stamps a command with the leader's time and hands it to the library.
// One at a time, so that times are in the order of the log. Its error means
// that nothing was proposed.
func (g *group) propose(kind uint16, body []byte) (hraft.ApplyFuture, error) {
	g.proposing.Lock()
	defer g.proposing.Unlock()
	raw, err := envelope{kind: kind, time: g.stamp(), body: body}.encode()
	if err != nil {
		return nil, err
	}
	r := g.raft.Load()
	if r == nil || r.State() != hraft.Leader {
		return nil, &NotLeaderError{Leader: g.leader()}
	}
	g.commands.Add(1)
	return r.Apply(raw, enqueueTimeout), nil
}

// resolve waits for what became of a command and says plainly whether it may
// still take effect.
func (g *group) resolve(future hraft.ApplyFuture) (any, error) {
	err := future.Error()
	switch {
	case errors.Is(err, hraft.ErrNotLeader), errors.Is(err, hraft.ErrLeadershipTransferInProgress):
		return nil, &NotLeaderError{Leader: g.leader()}
	case errors.Is(err, hraft.ErrEnqueueTimeout):
		return nil, &Overloaded{RetryAfter: retryMost}
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
	if err, failed := future.Response().(error); failed {
		return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
	return future.Response(), nil
}

// room bounds the commands in flight to one jurisdiction's group.
type room struct {
	mu       sync.Mutex
	commands int // guarded by mu
	bytes    int // guarded by mu
	limits   Limits
	rate     rate
}

// bulk commands leave an eighth of the room to the others, so that a flood of
// records cannot hold up an erasure.
func bulk(kind uint16) bool {
	return kind == store.CommandPutRecords || kind == store.CommandAllocate || kind == store.CommandRegister
}

func (r *room) enter(c store.Command) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	commands, bytes := r.limits.VaultCommands, r.limits.VaultBytes
	if bulk(c.Type) {
		commands, bytes = commands-commands/8, bytes-bytes/8
	}
	if r.commands+1 > commands || r.bytes+len(c.Body) > bytes {
		return &Overloaded{RetryAfter: r.rate.time(r.commands/2 + 1)}
	}
	r.commands++
	r.bytes += len(c.Body)
	return nil
}

func (r *room) leave(c store.Command, took time.Duration) {
	r.rate.observe(1, took)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commands--
	r.bytes -= len(c.Body)
}

func (r *room) held() (commands, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.commands, r.bytes
}

// commit hands one command over and waits for its answer. Once it is handed
// over, only the answer or the end of the node says what became of it, even if
// the caller has gone; answered is called then.
func (g *group) commit(ctx context.Context, kind uint16, body []byte, answered func()) (any, error) {
	type answer struct {
		response any
		err      error
	}
	answers := make(chan answer, 1)
	g.flights.Go(func() {
		defer answered()
		future, err := g.propose(kind, body)
		if err != nil {
			answers <- answer{err: err}
			return
		}
		response, err := g.resolve(future)
		answers <- answer{response, err}
	})
	select {
	case a := <-answers:
		return a.response, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, ctx.Err())
	case <-g.fault.over:
		return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, ErrStopped)
	}
}

// vaultGroup is a jurisdiction's group with its bound.
type vaultGroup struct {
	*group
	room room
}

func (v *vaultGroup) submit(ctx context.Context, c store.Command) (store.Result, error) {
	if len(c.Body) > MaxCommand-commandHeader {
		return store.Result{}, ErrTooLarge
	}
	if c.Type == commandTermOpen {
		return store.Result{}, fmt.Errorf("raft: command type %d is not a vault's", c.Type)
	}
	if err := v.room.enter(c); err != nil {
		return store.Result{}, err
	}
	began := time.Now()
	response, err := v.commit(ctx, c.Type, c.Body, func() { v.room.leave(c, time.Since(began)) })
	if err != nil {
		return store.Result{}, err
	}
	result, ok := response.(store.Result)
	if !ok {
		return store.Result{}, fmt.Errorf("%w: the command has no result", ErrOutcomeUnknown)
	}
	return result, nil
}
