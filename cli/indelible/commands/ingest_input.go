package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"

	"indelible/cli/say"
	"indelible/ingest"
)

// inputKey begins the keys under which the spool knows which input lay at a path.
const inputKey = "cli/input/"

// settleInput refuses another input at the path of one that was begun: a line that
// was corrected there would make all of the file new, and everything in it would be
// ingested a second time.
func settleInput(spool *ingest.Spool, path, name string) error {
	if name == ingest.EmptyInput {
		return nil
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return say.Local(err, "the input cannot be named", "name it by its whole path")
	}
	digest := sha256.Sum256([]byte(full))
	known, err := spool.Once(inputKey+hex.EncodeToString(digest[:]), func() ([]byte, error) { return []byte(name), nil })
	if err != nil {
		return say.Local(err, "the name of the input cannot be kept", "look at the disk")
	}
	if string(known) != name {
		return say.Refused("INPUT_CHANGED", "the first line of "+path+" is not the one this folder has begun with", "nothing was ingested",
			"restore that line; or, if these are other readings, give them under another file name")
	}
	return nil
}

// watch listens to what an ingest reports of itself: a line that was passed over is
// remembered with its reason, which never holds a word of it.
type watch struct {
	mu      sync.Mutex
	reasons []string
	more    int
}

// namedLines bounds how many lines one message names.
const namedLines = 10

// Enabled takes warnings and errors.
func (w *watch) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle reads the two attributes it knows.
func (w *watch) Handle(_ context.Context, r slog.Record) error {
	var line uint64
	var reason string
	r.Attrs(func(a slog.Attr) bool {
		switch {
		case a.Key == "line" && a.Value.Kind() == slog.KindUint64:
			line = a.Value.Uint64()
		case a.Key == "reason":
			reason = a.Value.String()
		}
		return true
	})
	if line == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.reasons) == namedLines {
		w.more++
		return nil
	}
	w.reasons = append(w.reasons, fmt.Sprintf("line %d: %s", line, reason))
	return nil
}

// lines are the lines that were passed over, with their reasons.
func (w *watch) lines() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.reasons) == 0 {
		return ""
	}
	text := " (" + strings.Join(w.reasons, "; ")
	if w.more > 0 {
		text += fmt.Sprintf("; and %d more", w.more)
	}
	return text + ")"
}

// WithAttrs and WithGroup change nothing: the two attributes are of the record.
func (w *watch) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup changes nothing.
func (w *watch) WithGroup(string) slog.Handler { return w }
