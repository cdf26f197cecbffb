package ledgertest

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/state"
)

// Config is the configuration of a ledger of this world.
func (w *World) Config(fs vfs.FS, dir string) ledger.Config {
	return ledger.Config{
		State:    w.Options(fs, dir),
		Genesis:  w.Genesis.Bytes(),
		Verifier: entry.NewVerifier(entry.VerifierConfig{}),
		Logger:   Quiet(),
	}
}

// Options are those of a state database whose faults fail the test.
func (w *World) Options(fs vfs.FS, dir string) state.Options {
	return state.Options{
		FS: fs, Dir: dir, Logger: Quiet(),
		Broken: func(reason error) { w.tb.Errorf("seed %d: storage: %v", w.Seed, reason) },
	}
}

// Quiet is a logger that says nothing.
func Quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Open opens a ledger of this world and closes it with the test.
func (w *World) Open(tb testing.TB, fs vfs.FS, dir string) *ledger.Ledger {
	tb.Helper()
	l, err := ledger.Open(w.Config(fs, dir))
	if err != nil {
		tb.Fatalf("seed %d: open: %v", w.Seed, err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Errorf("seed %d: close: %v", w.Seed, err)
		}
	})
	return l
}

// Item is a statement ready to be ordered: sealed just now if it has parts.
func (w *World) Item(s *entry.Statement) ledger.Item {
	item := ledger.Item{Statement: s.Bytes()}
	if s.Parts != nil {
		item.SealedAt = w.Now
	}
	return item
}

// Items are statements ready to be ordered.
func (w *World) Items(stmts ...*entry.Statement) []ledger.Item {
	items := make([]ledger.Item, len(stmts))
	for i, s := range stmts {
		items[i] = w.Item(s)
	}
	return items
}

// Command is an append of statements at a place in the Raft log, of the time
// w.Now.
func (w *World) Command(index uint64, items ...ledger.Item) state.Command {
	w.tb.Helper()
	body, err := ledger.EncodeAppend(items)
	if err != nil {
		w.tb.Fatalf("seed %d: encode: %v", w.Seed, err)
	}
	return state.Command{Index: index, Term: 1, Time: w.Now, Type: ledger.CommandAppend, Body: body}
}

// Submit applies statements in one command and returns what became of them.
func (w *World) Submit(tb testing.TB, l *ledger.Ledger, stmts ...*entry.Statement) []ledger.Outcome {
	tb.Helper()
	next := l.State().Applied().Index + 1
	out, err := l.Apply([]state.Command{w.Command(next, w.Items(stmts...)...)})
	if err != nil {
		tb.Fatalf("seed %d: apply: %v", w.Seed, err)
	}
	return out[0]
}

// Apply is Submit for statements none of which may be refused.
func (w *World) Apply(tb testing.TB, l *ledger.Ledger, stmts ...*entry.Statement) []ledger.Outcome {
	tb.Helper()
	out := w.Submit(tb, l, stmts...)
	for i, o := range out {
		if o.Refusal != nil {
			tb.Fatalf("seed %d: statement %d (%s) was refused: %v", w.Seed, i, stmts[i].Kind, error(o.Refusal))
		}
	}
	return out
}

// Refused is Submit of one statement that must be refused with a code.
func (w *World) Refused(tb testing.TB, l *ledger.Ledger, s *entry.Statement, code entry.Code) {
	tb.Helper()
	size := l.Size()
	o := w.Submit(tb, l, s)[0]
	if o.Refusal == nil || o.Refusal.Code != code {
		tb.Fatalf("seed %d: a %s got %+v, want a refusal with %s", w.Seed, s.Kind, o, code)
	}
	if l.Size() != size {
		tb.Fatal(errors.New("a refused statement made the log grow"))
	}
}
