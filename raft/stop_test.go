package raft_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/raft"
	"indelible/raft/rafttest"
)

// stopped waits for a node to stop by itself for a reason, and closes it.
func stopped(t *testing.T, n *rafttest.Node, reason error) {
	t.Helper()
	err := n.Wait()
	if !errors.Is(err, raft.ErrBroken) || !errors.Is(err, reason) {
		t.Errorf("the node ended with %v, want %v", err, reason)
	}
	if s := n.Status(); s.Ready || s.Stopped == "" {
		t.Errorf("status of a stopped node: %+v", s)
	}
	synctest.Wait()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

// TestClockSetBack is P12: a small step back is smoothed over, a large one stops
// the node, and so does starting with such a clock.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 41)
		var back atomic.Int64 // time.Duration
		o := rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{}, Now: func() time.Time {
			return w.Clock().Add(-time.Duration(back.Load()))
		}}
		n := rafttest.Start(t, w, o)
		all := history(t, w, 1, 5)
		<-time.After(time.Minute)
		out := n.MustAppend(t, all[:10]...)
		back.Store(int64(4 * time.Second))
		later := n.MustAppend(t, all[10])
		if later[0].LedgerTime < out[0].LedgerTime {
			t.Errorf("ledger time went back from %d to %d", out[0].LedgerTime, later[0].LedgerTime)
		}
		if _, err := n.Await(t.Context(), later[0].Index+1); err != nil {
			t.Fatal(err)
		}
		back.Store(int64(10 * time.Second))
		size := n.Published().Checkpoint.Size
		// The node stops at the next publication, which may come before the answer.
		if _, err := n.Append(t.Context(), w.Items(all[11]), raft.LaneOrdinary); err != nil && !errors.Is(err, raft.ErrOutcomeUnknown) {
			t.Errorf("append with a clock set back: %v", err)
		}
		if _, err := n.Await(t.Context(), size+1); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("waited for a checkpoint of a node without a clock: %v", err)
		}
		stopped(t, n, raft.ErrClock)

		// The next start has entries to publish and still no clock.
		n, err := rafttest.Open(w, o)
		if err != nil {
			t.Fatal(err)
		}
		n.Go()
		stopped(t, n, raft.ErrClock)
		back.Store(0)
		n = rafttest.Start(t, w, o)
		if p, err := n.Await(t.Context(), n.Ledger.Size()); err != nil || p.Checkpoint.Size <= size {
			t.Errorf("with the clock set right: %+v, %v", p, err)
		}
		n.Shut(t)
	})
}

// TestUnknownCommandStops: an entry nobody knows is not skipped, now or after a
// restart.
func TestUnknownCommandStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 42)
		o := rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{"eu"}}
		n := rafttest.Start(t, w, o)
		n.MustAppend(t, w.Staff()...)
		size := n.Ledger.Size()
		if err := n.Poison(); err != nil {
			t.Fatal(err)
		}
		stopped(t, n, raft.ErrBroken)
		if n, err := rafttest.Open(w, o); err != nil {
			t.Error(err)
		} else {
			n.Go()
			stopped(t, n, raft.ErrBroken)
			if n.Ledger.Size() != size {
				t.Errorf("%d entries became %d", size, n.Ledger.Size())
			}
		}
	})
}

// TestDiskHangs: a write that does not return ends the node in time, and those
// who wait hear that the outcome is unknown.
func TestDiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 43)
		v := newValve()
		n := rafttest.Start(t, w, rafttest.Options{FS: v.on(vfs.NewMem()), Jurisdictions: []string{}})
		staff := w.Staff()
		v.shut()
		began := time.Now()
		_, err := n.Append(t.Context(), w.Items(staff...), raft.LaneOrdinary)
		if took := time.Since(began); !errors.Is(err, raft.ErrOutcomeUnknown) || took != raft.DefaultDiskHang {
			t.Errorf("append into a disk that hangs: %v after %s", err, took)
		}
		if err := n.Wait(); !errors.Is(err, raft.ErrDiskHangs) {
			t.Errorf("the node ended with %v", err)
		}
		if err := n.Node.Close(); err == nil {
			t.Error("closed a log that is still being written")
		}
		v.release()
		stopped(t, n, raft.ErrDiskHangs)
	})
}

// TestForeignKeys: a node with keys that are not in the log does not start.
func TestForeignKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 44)
		w.Nodes[0].Cosigner = w.LogKey
		n, err := rafttest.Open(w, rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{}})
		if err != nil {
			t.Fatal(err)
		}
		n.Go()
		stopped(t, n, raft.ErrStranger)
		if n.Published() != nil {
			t.Error("published with a key that is not in the log")
		}
	})
}

// TestFailFromBelow: what a state database reports stops the node.
func TestFailFromBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 45)
		n := rafttest.Start(t, w, rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{}})
		reason := errors.New("a block does not match its checksum")
		n.Fail(reason)
		// The stop has hardly begun, but nothing is answered from that store.
		if err := n.Barrier(t.Context(), ""); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("a barrier after a fault: %v", err)
		}
		if _, err := n.Tick(t.Context()); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("a command after a fault: %v", err)
		}
		stopped(t, n, reason)
	})
}
