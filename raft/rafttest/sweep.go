package rafttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/proof"
	"indelible/raft"
	"indelible/raft/rafttest/powercut"
)

// Acknowledged is a statement whose outcome somebody was told.
type Acknowledged struct {
	Statement *entry.Statement
	Outcome   ledger.Outcome
}

// Record is what the outside world has been told while work went on. Anything
// noted before a cut must still hold after it.
type Record struct {
	mu    sync.Mutex
	acked []Acknowledged // guarded by mu
	notes []any          // guarded by mu
}

// Ack records outcomes that were returned to a caller.
func (r *Record) Ack(stmts []*entry.Statement, out []ledger.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range stmts {
		r.acked = append(r.acked, Acknowledged{stmts[i], out[i]})
	}
}

// Note records anything else that a check after the cut wants to know was
// promised before it, such as an erasure.
func (r *Record) Note(promise any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, promise)
}

// Cut is what a power cut would have left at one moment, and what had been
// promised by then.
type Cut struct {
	Name      string
	FS        *vfs.MemFS
	Acked     []Acknowledged
	Notes     []any
	Published *raft.Published // newest anybody could have seen; nil if none
}

// Sweep runs work on a fresh node and returns a cut for every moment just
// before and just after something was synced: one that keeps only what was
// synced, and now and then one that keeps a random part of the rest. The node
// is shut down in the end, which is swept too.
func Sweep(tb testing.TB, w *World, o Options, work func(n *Node, r *Record)) []Cut {
	tb.Helper()
	fs, record := vfs.NewCrashableMem(), &Record{}
	rng := rand.New(rand.NewPCG(w.Seed, 0)) //nolint:gosec // a test repeats from its seed
	var cuts []Cut
	var node *Node
	var mu sync.Mutex // guards node
	o.FS = powercut.New(fs, func() {
		mu.Lock()
		n := node
		mu.Unlock()
		cuts = append(cuts, record.cut(n, fs, 0, rng, len(cuts)))
		if rng.IntN(4) == 0 {
			cuts = append(cuts, record.cut(n, fs, 1+rng.IntN(100), rng, len(cuts)))
		}
	})
	n, err := Open(w, o)
	if err != nil {
		tb.Fatalf("seed %d: open: %v", w.Seed, err)
	}
	mu.Lock()
	node = n
	mu.Unlock()
	n.Go()
	if err := n.WaitReady(); err != nil {
		tb.Fatalf("seed %d: start: %v", w.Seed, err)
	}
	work(n, record)
	n.Shut(tb)
	return cuts
}

// Cut puts what was promised so far beside an image that was taken after.
func (r *Record) Cut(name string, image *vfs.MemFS, published *raft.Published) Cut {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Cut{
		Name: name, FS: image, Published: published,
		Acked: r.acked[:len(r.acked):len(r.acked)], Notes: r.notes[:len(r.notes):len(r.notes)],
	}
}

// cut takes promises first and the image after them.
func (r *Record) cut(n *Node, fs *vfs.MemFS, percent int, rng *rand.Rand, number int) Cut {
	var published *raft.Published
	if n != nil {
		published = n.Published()
	}
	c := r.Cut("", nil, published)
	c.Name = fmt.Sprintf("cut %d with %d acknowledged and %d %% of what was not synced", number, len(c.Acked), percent)
	c.FS = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
	return c
}

// Restart opens and runs a node on what a cut left. It returns an error instead
// of failing the test, so that a test can demand one.
func (c Cut) Restart(w *World, o Options) (*Node, error) {
	o.FS = c.FS
	n, err := Open(w, o)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	n.Go()
	if err := n.WaitReady(); err != nil {
		return n, fmt.Errorf("start: %w", err)
	}
	return n, nil
}

// Holds checks a restarted node against what was promised before the cut: every
// acknowledged entry at its place and in the tree, nothing published taken
// back, and the whole log sound.
func (c Cut) Holds(ctx context.Context, n *Node) error {
	if err := c.publishedHolds(n); err != nil {
		return err
	}
	for _, a := range c.Acked {
		if a.Outcome.Refusal != nil {
			continue
		}
		o, known, err := n.Ledger.Known(a.Statement.ID())
		if err != nil {
			return err
		}
		if !known || o.Index != a.Outcome.Index || o.LeafHash != a.Outcome.LeafHash || o.LedgerTime != a.Outcome.LedgerTime {
			return fmt.Errorf("acknowledged as entry %d at %d, now known %v as %d at %d: %+v",
				a.Outcome.Index, a.Outcome.LedgerTime, known, o.Index, o.LedgerTime, n.Status())
		}
	}
	report, err := n.Ledger.Fsck(ctx, nil)
	if err != nil {
		return fmt.Errorf("fsck: %w", err)
	}
	if err := report.Err(); err != nil {
		return fmt.Errorf("fsck: %w", err)
	}
	if report.Size != n.Ledger.Size() {
		return fmt.Errorf("fsck saw %d of %d entries", report.Size, n.Ledger.Size())
	}
	return nil
}

func (c Cut) publishedHolds(n *Node) error {
	if c.Published == nil {
		return nil
	}
	was, now := c.Published.Checkpoint, n.Published().Checkpoint
	if now.Size < was.Size {
		return fmt.Errorf("published %d entries before the cut and %d after it", was.Size, now.Size)
	}
	path, err := n.Ledger.Consistency(was.Size, now.Size)
	if err != nil {
		return err
	}
	if err := proof.VerifyConsistency(was.Size, now.Size, path, was.Root, now.Root); err != nil {
		return fmt.Errorf("published checkpoints of %d and %d entries: %w", was.Size, now.Size, err)
	}
	return nil
}
