package raft

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
)

// abandonAfter is how long a broken node waits for its own goroutines. Some may
// never return: they stand inside a disk that hangs.
const abandonAfter = 2 * time.Second

var (
	errRanBefore  = errors.New("raft: Run may be called once")
	errLeftBehind = errors.New("raft: something is still in use and was left open")
)

// Run starts the groups, takes calls in, and publishes checkpoints until ctx
// ends or the node must stop by itself. In the first case it lets finish what
// is in flight and returns nil; in the second, or if something does not come to
// an end in time, it returns an error that is ErrBroken and says why.
func (n *Node) Run(ctx context.Context) error {
	n.mu.Lock()
	again := n.ran
	n.ran = true
	n.mu.Unlock()
	if again {
		return errRanBefore
	}
	// What runs inside outlives ctx by the time it takes to finish.
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var running, news sync.WaitGroup
	silent := make(chan struct{})
	for _, g := range n.groups() {
		news.Go(func() { g.follow(silent) })
	}
	if n.start() {
		n.takeCalls()
		n.serve(inner, &running)
		select {
		case <-ctx.Done():
		case <-n.fault.over:
		}
	}
	n.stop(cancel, &running)
	close(silent)
	news.Wait()
	if n.leftBehind() {
		n.fault.fail("stop", errLeftBehind) // what it uses must not be closed
	}
	n.fault.end()
	return n.fault.err()
}

func (n *Node) groups() []*group {
	all := []*group{n.global}
	for _, v := range n.vaults {
		all = append(all, v.group)
	}
	return all
}

// start starts every group. If the node breaks meanwhile, it does not wait for the
// group that is being started, but it is not forgotten either.
func (n *Node) start() bool {
	ended := make(chan struct{})
	err := n.fault.shield(func() error {
		defer close(ended)
		var faults []error
		for _, g := range n.groups() {
			if n.fault.err() == nil {
				faults = append(faults, g.start())
			}
		}
		if n.fault.err() != nil {
			n.shutdown() // stop may have come by already
		}
		return errors.Join(faults...)
	})
	if err != nil {
		n.fault.fail("start", err)
		n.within(func() { <-ended })
	}
	return err == nil
}

func (n *Node) serve(ctx context.Context, running *sync.WaitGroup) {
	for _, g := range n.groups() {
		running.Go(func() { g.openTerms(ctx) })
		running.Go(func() { g.compact(ctx) })
	}
	running.Go(func() { n.appender.run(ctx) })
	running.Go(func() {
		if heard(ctx, n.global.open) {
			n.pub.run(ctx)
		}
	})
	running.Go(func() { n.pub.runPQ(ctx) })
	running.Go(func() { n.announce(ctx) })
}

// takeCalls comes before everything that leads to ready: a caller that waits for that
// and calls at once would otherwise be told that the node has stopped.
func (n *Node) takeCalls() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running = true
}

func (n *Node) announce(ctx context.Context) {
	for _, g := range n.groups() {
		if !heard(ctx, g.open) {
			return
		}
	}
	if !heard(ctx, n.pub.restored) {
		return
	}
	n.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "node is ready",
		slog.String("node", n.cfg.Name), slog.Uint64("size", n.pub.last.Load().Checkpoint.Size))
	close(n.ready)
}

// stop ends the node in order: no new calls, answers for those taken in, then
// our goroutines, then the library's. A broken node does not wait long.
func (n *Node) stop(cancel context.CancelFunc, running *sync.WaitGroup) {
	n.mu.Lock()
	n.running = false
	n.mu.Unlock()
	close(n.stopping)
	n.within(n.calls.Wait)
	cancel()
	n.within(func() {
		running.Wait()
		n.appender.flights.Wait()
		for _, g := range n.groups() {
			g.flights.Wait()
			g.verifier.rounds.Wait()
		}
	})
	n.within(n.shutdown)
}

func (n *Node) shutdown() {
	var futures []hraft.Future
	for _, g := range n.groups() {
		if r := g.raft.Load(); r != nil {
			futures = append(futures, r.Shutdown())
		}
	}
	for _, f := range futures {
		// A shutdown future only waits; it has no error to give.
		if err := f.Error(); err != nil {
			n.fault.fail("stop", err)
		}
	}
}

// within waits for something for as long as a stop may take. What has not come
// to an end by then is left behind, and Close is told.
func (n *Node) within(wait func()) {
	done := make(chan struct{})
	go func() {
		wait()
		close(done)
	}()
	patience := time.NewTimer(n.cfg.Limits.Drain)
	defer patience.Stop()
	select {
	case <-done:
		return
	case <-patience.C:
	case <-n.fault.over:
		last := time.NewTimer(min(abandonAfter, n.cfg.Limits.Drain))
		defer last.Stop()
		select {
		case <-done:
			return
		case <-last.C:
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.left = append(n.left, done)
}

func (n *Node) leftBehind() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, done := range n.left {
		if !closed(done) {
			return true
		}
	}
	return false
}

// Close closes the Raft log, after Run has returned or if it was never called.
// After a node broke, something may never return from the disk; while that
// is so Close refuses, and the process must end instead: the databases beneath
// are in use, too.
func (n *Node) Close() error {
	if n.leftBehind() {
		return errLeftBehind
	}
	return n.logs.close()
}
