package state

import "sync"

// failure is the first reason for which Pebble cannot be waited for any more: a
// failed flush is tried again without end, as fast as the disk says no, and a call
// that met something fatal never returns. It is told once; what follows is consequence.
type failure struct {
	tell func(reason error) // Options.Broken

	mu     sync.Mutex
	noted  bool          // guarded by mu
	reason error         // guarded by mu; nil until it is told
	there  chan struct{} // closed with reason
}

func newFailure(tell func(reason error)) *failure {
	return &failure{tell: tell, there: make(chan struct{})}
}

// note may be called from any goroutine, and with Pebble's locks held. Waiters
// are woken after Broken was told, so that none is ahead of the node.
func (f *failure) note(reason error) {
	f.mu.Lock()
	first := !f.noted
	f.noted = true
	f.mu.Unlock()
	if !first {
		return
	}
	f.tell(reason)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reason = reason
	close(f.there)
}

func (f *failure) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reason
}

// bound returns what work returns, or the failure that keeps it from returning.
// After a failure it is not begun.
func (f *failure) bound(work func() error) error {
	if err := f.err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- work() }()
	select {
	case err := <-done:
		return err
	case <-f.there:
		return f.err()
	}
}
