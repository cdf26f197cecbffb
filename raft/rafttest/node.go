package rafttest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/ledger/vault/store"
	"indelible/raft"
)

// Options say how a node is to be built. The zero value of each field but FS
// is what most tests want.
type Options struct {
	FS            vfs.FS           // required
	Dir           string           // "node" if empty
	Jurisdictions []string         // vault stores; nil means eu, in and us, empty means none
	Now           func() time.Time // nil means the world's clock
	Limits        raft.Limits
	MemTableBytes uint64 // of the state databases; 0 means 1 MiB
	Cache         *pebble.Cache
	Logger        *slog.Logger // nil means silence
}

func (o *Options) complete(w *World) {
	if o.Dir == "" {
		o.Dir = "node"
	}
	if o.Jurisdictions == nil {
		o.Jurisdictions = w.Everywhere()
	}
	if o.Now == nil {
		o.Now = w.Clock
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = 1 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Node is one running node.
type Node struct {
	*raft.Node
	World  *World
	Ledger *ledger.Ledger
	Vaults map[string]*store.Store

	stop context.CancelFunc
	ran  chan error

	mu     sync.Mutex
	opened bool  // guarded by mu: Node is set
	early  error // guarded by mu: what a database reported before that
}

// broken stops the node for what one of its databases reports, which may be
// while the node is still being opened.
func (n *Node) broken(reason error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.opened:
		n.Fail(reason)
	case n.early == nil:
		n.early = reason
	}
}

// Open opens ledger, vault stores and node without starting anything. A state
// database that reports a fault stops the node.
func Open(w *World, o Options) (*Node, error) {
	o.complete(w)
	n := &Node{World: w, Vaults: map[string]*store.Store{}}
	if err := n.open(o); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) open(o Options) (err error) {
	w := n.World
	options := func(dir string) state.Options {
		return state.Options{
			FS: o.FS, Dir: o.FS.PathJoin(o.Dir, dir), MemTableBytes: o.MemTableBytes, Cache: o.Cache, Logger: o.Logger,
			Broken: n.broken,
		}
	}
	n.Ledger, err = ledger.Open(ledger.Config{
		State: options("ledger"), Genesis: w.Genesis.Bytes(),
		Verifier: entry.NewVerifier(entry.VerifierConfig{}), Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	for _, j := range o.Jurisdictions {
		n.Vaults[j], err = store.Open(store.Config{
			State: options("vault-" + j), Jurisdiction: j, Genesis: w.Body, Policy: w.Policy,
		})
		if err != nil {
			delete(n.Vaults, j)
			return err
		}
	}
	n.Node, err = raft.Open(raft.Config{
		Name: w.Nodes[0].Record.Name, Dir: o.Dir, FS: o.FS, Cache: o.Cache, Placement: o.Jurisdictions,
		LogKey: w.LogKey, CosignerKey: w.Nodes[0].Cosigner, MLDSAKey: w.MLDSA,
		Now: o.Now, Rand: rand.Reader, Logger: o.Logger, Limits: o.Limits,
	}, n.Ledger, n.Vaults)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.opened = true
	if n.early != nil {
		n.Fail(n.early)
	}
	return nil
}

// Go runs the node in the background.
func (n *Node) Go() {
	ctx, cancel := context.WithCancel(context.Background())
	n.stop, n.ran = cancel, make(chan error, 1)
	go func() { n.ran <- n.Run(ctx) }()
}

// WaitReady returns nil once the node is ready, or why it stopped before.
func (n *Node) WaitReady() error {
	patience := time.NewTimer(readyWithin)
	defer patience.Stop()
	select {
	case <-n.Ready():
		return nil
	case <-patience.C:
		return fmt.Errorf("rafttest: not ready after %s: %+v", readyWithin, n.Status())
	case err := <-n.ran:
		n.ran <- err
		if err == nil {
			err = errors.New("rafttest: the node ended before it was ready")
		}
		return err
	}
}

// readyWithin is far more than a sole voter needs.
const readyWithin = time.Minute

// Stop ends the node as a clean shutdown does and returns what Run returned. It
// closes nothing.
func (n *Node) Stop() error {
	n.stop()
	err := <-n.ran
	n.ran <- err
	return err
}

// Wait returns what Run returns, without stopping the node.
func (n *Node) Wait() error {
	err := <-n.ran
	n.ran <- err
	return err
}

// Close closes everything that was opened, the Raft log first. Nothing is closed
// beneath a log that cannot be: it is in use.
func (n *Node) Close() error {
	var faults []error
	if n.Node != nil {
		if err := n.Node.Close(); err != nil {
			return err
		}
	}
	if n.Ledger != nil {
		faults = append(faults, n.Ledger.Close())
	}
	for _, j := range slices.Sorted(maps.Keys(n.Vaults)) {
		faults = append(faults, n.Vaults[j].Close())
	}
	return errors.Join(faults...)
}

// Start opens and runs a node and waits until it is ready. The test stops and
// closes it with Shut.
func Start(tb testing.TB, w *World, o Options) *Node {
	tb.Helper()
	n, err := Open(w, o)
	if err != nil {
		tb.Fatalf("seed %d: open: %v", w.Seed, err)
	}
	n.Go()
	if err := n.WaitReady(); err != nil {
		tb.Fatalf("seed %d: start: %v", w.Seed, err)
	}
	return n
}

// Shut stops and closes a node; neither may fail.
func (n *Node) Shut(tb testing.TB) {
	tb.Helper()
	if err := n.Stop(); err != nil {
		tb.Fatalf("seed %d: stop: %v", n.World.Seed, err)
	}
	if err := n.Close(); err != nil {
		tb.Fatalf("seed %d: close: %v", n.World.Seed, err)
	}
}

// MustAppend appends statements none of which may be refused.
func (n *Node) MustAppend(tb testing.TB, stmts ...*entry.Statement) []ledger.Outcome {
	tb.Helper()
	out, err := n.Append(tb.Context(), n.World.Items(stmts...), raft.LaneOrdinary)
	if err != nil {
		tb.Fatalf("seed %d: append: %v", n.World.Seed, err)
	}
	for i, o := range out {
		if o.Refusal != nil {
			tb.Fatalf("seed %d: statement %d (%s) was refused: %v", n.World.Seed, i, stmts[i].Kind, error(o.Refusal))
		}
	}
	return out
}
