package raft

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// storageLogger hands Pebble's messages to slog and its fatal ones to the node.
type storageLogger struct {
	to    *slog.Logger
	fault *fault
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
	l.fault.halt("raft log storage", fmt.Errorf(format, args...))
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
