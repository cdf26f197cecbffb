package state

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
)

// quiet hands Pebble's messages to slog. Its information lines are for storage
// engineers, hence debug level; they carry file numbers and sizes, never keys.
type quiet struct {
	to    *slog.Logger
	name  string
	fatal func(reason error)
}

// Infof implements pebble.Logger.
func (q quiet) Infof(format string, args ...any) {
	if q.to.Enabled(context.Background(), slog.LevelDebug) {
		q.to.LogAttrs(context.Background(), slog.LevelDebug, q.name, slog.String("event", fmt.Sprintf(format, args...))) //nolint:sloglint // one of two constants
	}
}

// Errorf implements pebble.Logger.
func (q quiet) Errorf(format string, args ...any) {
	q.to.LogAttrs(context.Background(), slog.LevelError, q.name, slog.String("event", fmt.Sprintf(format, args...))) //nolint:sloglint // one of two constants
}

// Fatalf implements pebble.Logger: Pebble calls it when it can no longer vouch
// for what is on disk, and goes on as if nothing had happened should it return.
func (q quiet) Fatalf(format string, args ...any) {
	q.fatal(fmt.Errorf("state: storage cannot go on: %s", fmt.Sprintf(format, args...)))
	runtime.Goexit()
}
