package raft

import (
	"context"
	"sync"
)

// watermark is a number that only grows and that others wait for.
type watermark struct {
	mu    sync.Mutex
	value uint64        // guarded by mu
	moved chan struct{} // guarded by mu; closed and replaced when value grows
}

func newWatermark(value uint64) *watermark {
	return &watermark{value: value, moved: make(chan struct{})}
}

// raise sets the value if that makes it larger, and wakes all who wait.
func (w *watermark) raise(to uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if to <= w.value {
		return
	}
	w.value = to
	close(w.moved)
	w.moved = make(chan struct{})
}

func (w *watermark) load() (value uint64, moved <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.value, w.moved
}

func (w *watermark) wait(ctx context.Context, want uint64, stop <-chan struct{}) error {
	for {
		value, moved := w.load()
		if value >= want {
			return nil
		}
		select {
		case <-moved:
		case <-stop:
			return ErrStopped
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
