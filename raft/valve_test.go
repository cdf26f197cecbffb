package raft_test

import (
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/raft/rafttest/powercut"
)

// valve is a disk that can be made to hang in its syncs.
type valve struct {
	mu   sync.Mutex
	open chan struct{} // guarded by mu; closed while syncs go through
}

func newValve() *valve {
	v := &valve{open: make(chan struct{})}
	close(v.open)
	return v
}

func (v *valve) on(fs vfs.FS) vfs.FS { return powercut.New(fs, v.pass) }

func (v *valve) pass() {
	v.mu.Lock()
	open := v.open
	v.mu.Unlock()
	<-open
}

// shut makes every sync from now on hang.
func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open = make(chan struct{})
}

// release lets all go on.
func (v *valve) release() {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.open)
}
