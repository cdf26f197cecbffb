package raft

import (
	"errors"
	"runtime"
	"sync"
	"time"
)

var errGaveUp = errors.New("a database gave up while it was being used")

// fault keeps the first reason for which this node must stop by itself. Later
// ones are consequences and are dropped.
type fault struct {
	mu     sync.Mutex
	reason error         // guarded by mu
	ended  bool          // guarded by mu
	over   chan struct{} // closed with the first reason, or when Run ends
}

func newFault() *fault { return &fault{over: make(chan struct{})} }

// fail records the reason. It may be called from any goroutine and returns at
// once; the node's Run sees it.
func (f *fault) fail(step string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ended {
		f.reason, f.ended = broken(step, err), true
		close(f.over)
	}
}

// end tells those who still wait that nothing will be answered any more.
func (f *fault) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ended {
		f.ended = true
		close(f.over)
	}
}

// halt records the reason and ends the calling goroutine. It stands where the
// caller has no way to hear "no": hashicorp/raft panics when a term cannot be
// stored or an entry cannot be read, and Pebble goes on as if a failed write
// had succeeded.
func (f *fault) halt(step string, err error) {
	f.fail(step, err)
	runtime.Goexit()
}

// shield runs work in a goroutine of its own, so that a store that halts does
// not end the caller's, nor leave it waiting for a goroutine that has ended. What
// storage panics with while it is being opened is an error; a fault of the
// program stays a panic.
func (f *fault) shield(work func() error) error {
	done := make(chan error, 1)
	go func() {
		defer close(done)
		defer func() {
			switch p := recover().(type) {
			case nil:
			case runtime.Error:
				panic(p)
			case error:
				done <- p
			default:
				panic(p)
			}
		}()
		done <- work()
	}()
	select {
	case err, returned := <-done:
		if returned {
			return err
		}
	case <-f.over:
	}
	if err := f.err(); err != nil {
		return err
	}
	return broken("storage", errGaveUp)
}

func (f *fault) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reason
}

// watchdog fences a node whose disk hangs. Without it a leader would go on
// answering heartbeats while nothing it accepts reaches the disk, and no
// other would take over (decision 0026).
type watchdog struct {
	fault *fault
	limit time.Duration
}

// watch starts the clock for one disk operation; the caller stops it with the
// returned function when the operation has returned.
func (w watchdog) watch(step string) (stop func()) {
	t := time.AfterFunc(w.limit, func() { w.fault.fail(step, errDiskHangs) })
	return func() { t.Stop() }
}
