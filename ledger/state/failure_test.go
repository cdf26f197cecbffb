package state

import (
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// hangs is when a call that should have ended at once is taken to hang.
const hangs = 30 * time.Second

// ends fails the test unless work ends, and returns its error.
func ends(t *testing.T, what string, work func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- work() }()
	patience := time.NewTimer(hangs)
	defer patience.Stop()
	select {
	case err := <-done:
		return err
	case <-patience.C:
		t.Fatalf("%s has not ended after %s", what, hangs)
		return nil
	}
}

// A disk that is full, or says no to every write, shall not make a node hang: a
// stop and a snapshot end with the reason, and so does whatever comes after.
// Pebble itself tries a failed flush again for ever, and never returns from what
// it calls fatal.
func TestFailingDiskEndsEveryWait(t *testing.T) {
	writes := []errorfs.OpKind{errorfs.OpFileWrite}
	syncs := []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}
	for name, fault := range map[string]struct {
		path  string
		kinds []errorfs.OpKind
	}{
		"tables cannot be created":       {".sst", []errorfs.OpKind{errorfs.OpCreate}},
		"tables cannot be written":       {".sst", writes},
		"tables cannot be synced":        {".sst", syncs},
		"the manifest cannot be written": {"MANIFEST", writes},
		"the manifest cannot be synced":  {"MANIFEST", syncs},
		"nothing can be written":         {"", writes},
		"nothing can be synced":          {"", syncs},
	} {
		t.Run(name, func(t *testing.T) {
			disk := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
				for _, kind := range fault.kinds {
					if op.Kind == kind && strings.Contains(op.Path, fault.path) {
						return syscall.ENOSPC
					}
				}
				return nil
			})}
			t.Run("a stop", func(t *testing.T) {
				db, told := failing(t, disk)
				defer disk.Off()
				first := ends(t, "Close", db.Close)
				checkFailed(t, db, first, told)
			})
			t.Run("a snapshot and a stop", func(t *testing.T) {
				db, told := failing(t, disk)
				defer disk.Off()
				_, first := durable(t, db)
				checkFailed(t, db, first, told)
			})
		})
	}
}

// failing is a database with one entry that lies in memory, on a disk that has
// just begun to fail, and how often Broken was told.
func failing(t *testing.T, disk *errorfs.Toggle) (*DB, *atomic.Int32) {
	t.Helper()
	o, told := testOptions(t, errorfs.Wrap(vfs.NewMem(), disk)), &atomic.Int32{}
	o.Broken = func(error) { told.Add(1) }
	db := mustOpen(t, o)
	if err := commit(db, step{to: Applied{Index: 1, Term: 1}, writes: []write{{[]byte("row"), []byte("value")}}}); err != nil {
		t.Fatal(err)
	}
	disk.On()
	return db, told
}

func durable(t *testing.T, db *DB) (at Applied, err error) {
	t.Helper()
	err = ends(t, "Durable", func() (err error) {
		at, err = db.Durable()
		return err
	})
	return at, err
}

// checkFailed demands that what already ended with an error named the disk, and
// that everything after it ends too, with that reason, in whatever order.
func checkFailed(t *testing.T, db *DB, first error, told *atomic.Int32) {
	t.Helper()
	_, flushed := durable(t, db)
	for what, err := range map[string]error{
		"what met the failure": first,
		"Durable":              flushed,
		"Commit":               ends(t, "Commit", func() error { return db.FastForward(Applied{Index: 2, Term: 1}) }),
		"Close":                ends(t, "Close", db.Close),
		"a second Close":       ends(t, "a second Close", db.Close),
	} {
		if err == nil || !strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
			t.Errorf("%s: %v, want the disk's error", what, err)
		}
	}
	if at := db.Applied(); at.Index != 1 {
		t.Errorf("at position %d after a commit that failed, want 1", at.Index)
	}
	if n := told.Load(); n != 1 {
		t.Errorf("Broken was told %d times, want once: the rest is consequence", n)
	}
}

// A stop that is asked for twice closes once.
func TestCloseTwice(t *testing.T) {
	db := mustOpen(t, testOptions(t, vfs.NewMem()))
	mustClose(t, db)
	mustClose(t, db)
}
