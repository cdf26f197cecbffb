package raft_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"indelible/raft/rafttest"
)

// TestReadyMeansCallsAreTaken holds a node up on its way to taking calls:
// meanwhile it must not become ready, or whoever waits for that and calls at
// once would be told that the node has stopped.
func TestReadyMeansCallsAreTaken(t *testing.T) {
	w := rafttest.NewWorld(t, 61)
	var node atomic.Pointer[rafttest.Node]
	var hold sync.Once
	release := make(chan func(), 1)
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if n := node.Load(); n != nil && op.Kind == errorfs.OpFileSyncData { // the founding of a group, after Run has begun
			hold.Do(func() { release <- n.HoldCalls() })
		}
		return nil
	}))
	n, err := rafttest.Open(w, rafttest.Options{FS: fs, Jurisdictions: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	node.Store(n)
	n.Go()
	letGo := <-release
	select {
	case <-n.Ready():
		t.Error("ready, and takes no calls")
	case <-time.After(200 * time.Millisecond): // green however long; red needs a few milliseconds
	}
	letGo()
	if err := n.WaitReady(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Tick(t.Context()); err != nil {
		t.Error(err)
	}
	n.Shut(t)
}
