package raft

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// libraryLog hands what the Raft library says to slog. All of it is for debugging
// the library, hence debug level: what an operator must know is said by
// this package itself. Its values are positions, terms and node names.
type libraryLog struct {
	to   *slog.Logger
	name string
	args []any
}

func (l libraryLog) say(level hclog.Level, msg string, args []any) {
	ctx := context.Background() // the library knows no context
	if !l.to.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{slog.String("group", l.name), slog.String("severity", level.String()), slog.String("event", msg)}
	all := append(append([]any(nil), l.args...), args...)
	for i := 0; i+1 < len(all); i += 2 {
		attrs = append(attrs, slog.String(fmt.Sprint(all[i]), printed(all[i+1])))
	}
	l.to.LogAttrs(ctx, slog.LevelDebug, "raft library", attrs...)
}

// printed renders a value; hclog's Format is a format string with its operands.
func printed(v any) string {
	if f, ok := v.(hclog.Format); ok && len(f) > 0 {
		if pattern, ok := f[0].(string); ok {
			return fmt.Sprintf(pattern, f[1:]...)
		}
	}
	return fmt.Sprint(v)
}

func (l libraryLog) Log(level hclog.Level, msg string, args ...any) { l.say(level, msg, args) }
func (l libraryLog) Trace(msg string, args ...any)                  { l.say(hclog.Trace, msg, args) }
func (l libraryLog) Debug(msg string, args ...any)                  { l.say(hclog.Debug, msg, args) }
func (l libraryLog) Info(msg string, args ...any)                   { l.say(hclog.Info, msg, args) }
func (l libraryLog) Warn(msg string, args ...any)                   { l.say(hclog.Warn, msg, args) }
func (l libraryLog) Error(msg string, args ...any)                  { l.say(hclog.Error, msg, args) }
func (l libraryLog) IsTrace() bool                                  { return false }
func (l libraryLog) IsDebug() bool                                  { return l.to.Enabled(context.Background(), slog.LevelDebug) }
func (l libraryLog) IsInfo() bool                                   { return l.IsDebug() }
func (l libraryLog) IsWarn() bool                                   { return l.IsDebug() }
func (l libraryLog) IsError() bool                                  { return l.IsDebug() }
func (l libraryLog) ImpliedArgs() []any                             { return l.args }

func (l libraryLog) With(args ...any) hclog.Logger {
	l.args = append(append([]any(nil), l.args...), args...)
	return l
}

func (l libraryLog) Name() string { return l.name }

func (l libraryLog) Named(name string) hclog.Logger {
	l.name += "." + name
	return l
}

func (l libraryLog) ResetNamed(name string) hclog.Logger {
	l.name = name
	return l
}

// SetLevel implements hclog.Logger: the level is slog's business.
func (l libraryLog) SetLevel(hclog.Level)  {}
func (l libraryLog) GetLevel() hclog.Level { return hclog.Debug }

func (l libraryLog) StandardLogger(o *hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(o), "", 0)
}

func (l libraryLog) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return lineWriter{l} }

type lineWriter struct{ to libraryLog }

func (w lineWriter) Write(line []byte) (int, error) {
	w.to.say(hclog.Info, string(bytes.TrimSpace(line)), nil)
	return len(line), nil
}
