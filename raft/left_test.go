package raft_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"indelible/raft"
	"indelible/raft/rafttest"
)

// TestStopThatDoesNotEnd: a disk that hangs for longer than a stop waits leaves
// something under way. Run must say so, for a caller that took this for a clean
// stop would close the databases under a fold that still goes on.
func TestStopThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 46)
		v := newValve()
		n := rafttest.Start(t, w, rafttest.Options{FS: v.on(vfs.NewMem()), Jurisdictions: []string{}})
		staff := w.Staff()
		v.shut()
		answer := make(chan error, 1)
		go func() {
			_, err := n.Append(t.Context(), w.Items(staff...), raft.LaneOrdinary)
			answer <- err
		}()
		synctest.Wait()
		if err := n.Stop(); !errors.Is(err, raft.ErrBroken) || !errors.Is(err, raft.ErrLeftBehind) {
			t.Errorf("stopped with %v, want that something was left behind", err)
		}
		if err := <-answer; !errors.Is(err, raft.ErrOutcomeUnknown) {
			t.Errorf("in flight at the stop: %v", err)
		}
		if err := n.Node.Close(); !errors.Is(err, raft.ErrLeftBehind) {
			t.Errorf("closed with %v what is in use", err)
		}
		v.release()
		synctest.Wait()
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestBreakWhileStarting: a node that breaks while a group is being started
// stops at once, and does not go on starting behind the back of who closes it.
func TestBreakWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 47)
		v := newValve()
		n, err := rafttest.Open(w, rafttest.Options{FS: v.on(vfs.NewMem())})
		if err != nil {
			t.Fatal(err)
		}
		v.shut()
		n.Go()
		synctest.Wait() // for the founding of the first group to be written
		reason := errors.New("a block does not match its checksum")
		n.Fail(reason)
		if err := n.Wait(); !errors.Is(err, raft.ErrBroken) || !errors.Is(err, reason) {
			t.Errorf("ended with %v, want %v", err, reason)
		}
		if err := n.Node.Close(); !errors.Is(err, raft.ErrLeftBehind) {
			t.Errorf("closed with %v a log that is being written", err)
		}
		v.release()
		stopped(t, n, reason)
		for _, g := range n.Status().Groups {
			if g.Leading || g.Term > 1 {
				t.Errorf("a group went on without its node: %+v", g)
			}
		}
	})
}

// TestCloseOnAFailingDisk: a table of the Raft log is being written when the
// node is closed, and the disk fails. The close ends with the reason.
func TestCloseOnAFailingDisk(t *testing.T) {
	w := rafttest.NewWorld(t, 48)
	var failing atomic.Bool
	begun, goOn := make(chan struct{}, 1), make(chan struct{})
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind != errorfs.OpFileSync || !strings.Contains(op.Path, "MANIFEST") || !failing.Load() {
			return nil
		}
		begun <- struct{}{}
		<-goOn
		return errorfs.ErrInjected
	}))
	n := rafttest.Start(t, w, rafttest.Options{FS: fs, Jurisdictions: []string{}})
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	failing.Store(true)
	if err := n.FlushLog(); err != nil {
		t.Fatal(err)
	}
	<-begun
	closed := make(chan error, 2)
	for range cap(closed) {
		go func() { closed <- n.Node.Close() }()
	}
	close(goOn)
	for range cap(closed) {
		if err := <-closed; err == nil || !strings.Contains(err.Error(), errorfs.ErrInjected.Error()) {
			t.Errorf("closed with %v, want the disk's error", err)
		}
	}
}
