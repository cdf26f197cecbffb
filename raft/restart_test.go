package raft_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/state"
	"indelible/raft"
	"indelible/raft/rafttest"
)

// TestRestartFoldsOnlyWhatWasNotFlushed: a clean restart folds nothing in again;
// after a power cut only what came after the last flush.
func TestRestartFoldsOnlyWhatWasNotFlushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 31)
		fs := vfs.NewCrashableMem()
		o := rafttest.Options{FS: fs, Jurisdictions: []string{"eu"}, Limits: raft.Limits{SnapshotBytes: 16 << 10, TrailingBytes: 1}}
		n := rafttest.Start(t, w, o)
		all := history(t, w, 4, 20)
		for _, s := range all[:60] {
			n.MustAppend(t, s)
		}
		synctest.Wait()
		at := n.Status().Groups[0]
		if at.Durable == 0 || at.FirstLog == 1 || at.FirstLog > at.Durable+1 {
			t.Fatalf("after %d bytes of log: %+v", at.LogBytes, at)
		}
		cut := rafttest.Cut{FS: fs.CrashClone(vfs.CrashCloneCfg{}), Published: n.Published()}
		n.Shut(t)

		n = rafttest.Start(t, w, o)
		if folded := n.Metrics().Folded; folded != 0 {
			t.Errorf("a clean restart folded %d commands in again", folded)
		}
		n.Shut(t)

		n, err := cut.Restart(w, o)
		if err != nil {
			t.Fatal(err)
		}
		if folded, want := n.Metrics().Folded, at.Applied-at.Durable; folded != want {
			t.Errorf("after a power cut %d commands were folded in, %d were not flushed", folded, want)
		}
		if err := cut.Holds(t.Context(), n); err != nil {
			t.Error(err)
		}
		for _, s := range all[60:] {
			n.MustAppend(t, s)
		}
		n.Shut(t)
	})
}

// TestLostDirectories: a log without its state, or a state without its log, is
// not started on (P12).
func TestLostDirectories(t *testing.T) {
	for _, c := range []struct{ lost, text string }{
		{"raftlog", "the log was lost"},
		{"ledger", "entries are missing"},
		{"vault-eu", "entries are missing"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := rafttest.NewWorld(t, 32)
			o := rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{"eu"}, Limits: raft.Limits{SnapshotBytes: 40, TrailingBytes: 1}}
			n := rafttest.Start(t, w, o)
			for _, s := range history(t, w, 1, 20) {
				n.MustAppend(t, s)
				synctest.Wait()
			}
			n.Shut(t)
			for range 12 { // each opens a term, in the vault's log too
				n = rafttest.Start(t, w, o)
				synctest.Wait()
				n.Shut(t)
			}
			if err := o.FS.RemoveAll("node/" + c.lost); err != nil {
				t.Fatal(err)
			}
			n, err := rafttest.Open(w, o)
			if err == nil {
				t.Errorf("without %s the node opens", c.lost)
				err = errors.Join(n.Close())
			}
			if err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("without %s: %v", c.lost, err)
			}
		})
	}
}

// TestRunOnce: a node runs once.
func TestRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 33)
		n := rafttest.Start(t, w, rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{}})
		if err := n.Run(t.Context()); err == nil || errors.Is(err, raft.ErrBroken) {
			t.Errorf("ran twice: %v", err)
		}
		n.Shut(t)
	})
}

// TestDamagedLogEntry: an entry that cannot be read back is an error of Open,
// not the end of the goroutine that called it.
func TestDamagedLogEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 34)
		o := rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{}}
		n := rafttest.Start(t, w, o)
		n.MustAppend(t, w.Staff()...)
		last := n.Status().Groups[0].LastLog
		n.Shut(t)
		db, err := pebble.Open("node/raftlog", &pebble.Options{FS: o.FS, FormatMajorVersion: state.FormatVersion})
		if err != nil {
			t.Fatal(err)
		}
		key := binary.BigEndian.AppendUint64([]byte{0, 1, 1}, last)
		if _, closer, err := db.Get(key); err != nil || closer.Close() != nil {
			t.Fatalf("entry %d: %v", last, err)
		}
		if err := errors.Join(db.Set(key, []byte("damaged"), pebble.Sync), db.Close()); err != nil {
			t.Fatal(err)
		}
		if n, err := rafttest.Open(w, o); err == nil || !strings.Contains(err.Error(), "malformed") {
			t.Errorf("opened %v, %v", n, err)
		}
	})
}
