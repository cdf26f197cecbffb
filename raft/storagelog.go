package raft

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// storageLogger hands Pebble's messages to slog and its fatal ones to the node.
type storageLogger struct {
	to    *slog.Logger
	fault *fault
	wreck *wreck
}

// wreck is what Pebble could not go on after. Who met it never returns, and
// Pebble's own close would wait for them for ever. The node may have stopped
// long before, so its fault does not tell.
type wreck struct {
	once   sync.Once
	there  chan struct{} // closed with reason
	reason error
}

func newWreck() *wreck { return &wreck{there: make(chan struct{})} }

func (w *wreck) note(reason error) {
	w.once.Do(func() {
		w.reason = reason
		close(w.there)
	})
}

// close closes a database unless it is a wreck, or becomes one.
func (w *wreck) close(db *pebble.DB) error {
	if closed(w.there) {
		return w.reason
	}
	done := make(chan error, 1)
	go func() { done <- db.Close() }()
	select {
	case err := <-done:
		return err
	case <-w.there:
		return w.reason
	}
}

// Infof implements pebble.Logger. Pebble's lines carry file numbers and sizes,
// never keys or values.
func (l storageLogger) Infof(format string, args ...any) {
	if l.to.Enabled(context.Background(), slog.LevelDebug) {
		l.to.LogAttrs(context.Background(), slog.LevelDebug, "raft log storage", slog.String("event", fmt.Sprintf(format, args...)))
	}
}

// Errorf implements pebble.Logger.
func (l storageLogger) Errorf(format string, args ...any) {
	l.to.LogAttrs(context.Background(), slog.LevelError, "raft log storage", slog.String("event", fmt.Sprintf(format, args...)))
}

// Fatalf implements pebble.Logger and, as Pebble demands, does not return.
func (l storageLogger) Fatalf(format string, args ...any) {
	reason := fmt.Errorf(format, args...)
	l.wreck.note(fmt.Errorf("raft: the log's storage cannot go on: %w", reason))
	l.fault.halt("raft log storage", reason)
}

func (l storageLogger) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) { l.fault.fail("background write of the raft log", err) },
		DataCorruption:  func(info pebble.DataCorruptionInfo) { l.fault.fail("corrupt file in the raft log", info.Details) },
		DiskSlow: func(info pebble.DiskSlowInfo) {
			l.to.LogAttrs(context.Background(), slog.LevelWarn, "disk is slow",
				slog.String("operation", info.OpType.String()), slog.Duration("for", info.Duration))
		},
	}
}
