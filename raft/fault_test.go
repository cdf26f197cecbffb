package raft_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"indelible/ledger/entry"
	"indelible/raft"
	"indelible/raft/rafttest"
)

// faults fails the write numbered at, counted from when it was armed, once: a
// disk that recovers must not be believed either.
type faults struct {
	armed atomic.Bool
	seen  atomic.Int64
	at    int64
	hit   atomic.Pointer[string]
}

func (f *faults) inject(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
	default:
		return nil
	}
	if !f.armed.Load() || f.seen.Add(1) != f.at {
		return nil
	}
	what := fmt.Sprintf("kind %d of %s", op.Kind, op.Path)
	f.hit.Store(&what)
	return errorfs.ErrInjected
}

// TestEveryWriteFault: whichever write or sync fails, once, the node stops and
// says why, and what it had acknowledged is there after a restart. Nothing of a
// stopped node is closed, as in a process that ends.
func TestEveryWriteFault(t *testing.T) {
	total := faultyLife(t, 0)
	if total < 60 {
		t.Fatalf("only %d writes in a life", total)
	}
	t.Logf("%d writes", total)
	for at := int64(1); at <= total; at += every * (1 + at/40) {
		faultyLife(t, at)
	}
}

// faultyLife runs a node through a small life whose write number at fails, and
// returns how many writes there were.
func faultyLife(t *testing.T, at int64) int64 {
	t.Helper()
	w := rafttest.NewWorld(t, 51)
	disk, f := vfs.NewCrashableMem(), &faults{at: at}
	o := rafttest.Options{
		FS: errorfs.Wrap(disk, errorfs.InjectorFunc(f.inject)), Jurisdictions: []string{"eu"},
		Limits: raft.Limits{SnapshotBytes: 4 << 10, TrailingBytes: 1},
	}
	if at > 0 {
		o.Limits.Drain = 200 * time.Millisecond // what a fault leaves behind never ends
	}
	n := rafttest.Start(t, w, o)
	f.armed.Store(true)
	record := &rafttest.Record{}
	all := history(t, w, 1, 30)
	err := liveOn(t, n, record, all)
	if at == 0 {
		if err != nil {
			t.Fatal(err)
		}
		total := f.seen.Load()
		n.Shut(t)
		return total
	}
	if f.hit.Load() == nil {
		err := n.Stop() // the life was shorter this time; its end may still be hit
		if f.hit.Load() == nil {
			err = errors.Join(err, n.Close())
			if err != nil && f.hit.Load() == nil && !errors.Is(err, raft.ErrLeftBehind) { // slow, not hit
				t.Fatal(err)
			}
			return 0
		}
	}
	if err := endOf(n); !errors.Is(err, raft.ErrBroken) {
		t.Fatalf("write %d failed (%s) and the node ended with %v", at, *f.hit.Load(), err)
	}
	cut := record.Cut(fmt.Sprintf("write %d failed (%s)", at, *f.hit.Load()), disk.CrashClone(vfs.CrashCloneCfg{}), n.Published())
	o.FS, o.Limits.Drain = nil, 0
	survives(t, w, o, cut, all)
	return 0
}

// endOf is how a node ended, if it did.
func endOf(n *rafttest.Node) error {
	ended := make(chan error, 1)
	go func() { ended <- n.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(time.Minute): // far beyond DefaultDiskHang, by which it must have ended
		return errors.New("it goes on")
	}
}

// liveOn appends one statement after another until one fails, or all are in and
// the node has had the time to settle.
func liveOn(t *testing.T, n *rafttest.Node, r *rafttest.Record, all []*entry.Statement) error {
	t.Helper()
	for _, s := range all {
		these := []*entry.Statement{s}
		out, err := n.Append(t.Context(), n.World.Items(these...), raft.LaneOrdinary)
		if err != nil {
			return err
		}
		r.Ack(these, out)
		if _, err := n.Await(t.Context(), out[0].Index+1); err != nil {
			return err
		}
	}
	return nil
}
