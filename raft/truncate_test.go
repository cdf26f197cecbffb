package raft

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/raft/rafttest/powercut"
)

// TestTruncationThatHangs: whoever extends the log waits for a truncation under
// way, so a disk that hangs in one has to be noticed like any other.
func TestTruncationThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hang atomic.Bool
		release := make(chan struct{})
		s := logOn(t, powercut.New(vfs.NewMem(), func() {
			if hang.Load() {
				<-release
			}
		}))
		g := groupOn(t, s, GlobalGroup)
		mustStore(t, g, entries(1, 9, 1))
		hang.Store(true)
		cut := make(chan error, 1)
		go func() { cut <- g.DeleteRange(5, 9) }()
		<-s.fault.over // in the bubble's time, or never
		if err := s.fault.err(); !errors.Is(err, errDiskHangs) {
			t.Errorf("the node stopped for %v", err)
		}
		close(release)
		if err := <-cut; err != nil {
			t.Error(err)
		}
	})
}
