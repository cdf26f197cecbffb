package raft

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestOpenFaults: whichever write fails while the log is opened, opening it is
// an error, and the caller goes on.
func TestOpenFaults(t *testing.T) {
	hits := 0
	for at := int64(1); ; at++ {
		var seen atomic.Int64
		fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
			switch op.Kind {
			case errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFileSyncData, errorfs.OpMkdirAll, errorfs.OpRename:
			default:
				return nil
			}
			if seen.Add(1) == at {
				return errorfs.ErrInjected
			}
			return nil
		}))
		cfg := Config{Dir: "node", FS: fs, Logger: slog.New(slog.DiscardHandler), Limits: Limits{}.withDefaults()}
		f := newFault()
		s, err := openLogStore(cfg, f)
		if err == nil {
			err = f.shield(func() error {
				_, err := s.group(GlobalGroup)
				return err
			})
		}
		if seen.Load() < at {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		if err == nil {
			t.Errorf("write %d failed and the log opened", at)
		}
		hits++
	}
	if hits < 5 {
		t.Errorf("only %d writes", hits)
	}
}

// TestShield: work that halts, panics or just ends is an error for who waits.
func TestShield(t *testing.T) {
	reason := errors.New("a reason")
	for name, work := range map[string]func(*fault) error{
		"returns": func(*fault) error { return reason },
		"halts": func(f *fault) error {
			f.halt("a step", reason)
			return nil
		},
		"panics": func(*fault) error { panic(reason) },
		"waits for one who halted": func(f *fault) error {
			go f.halt("a step", reason)
			select {}
		},
	} {
		f := newFault()
		if err := f.shield(func() error { return work(f) }); !errors.Is(err, reason) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := newFault().shield(func() error { return nil }); err != nil {
		t.Errorf("nothing wrong: %v", err)
	}
}
