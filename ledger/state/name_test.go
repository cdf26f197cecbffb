package state

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"indelible/test/seed"
)

// Power is cut before everything that changes the disk while a database is
// made, and made anew at a second opening, and of the names and bytes not
// synced any selection survives: the database opens, with what was durable.
func TestCrashBetweenManifestAndMarker(t *testing.T) {
	h := &history{rand: seed.Rand(t)}
	mem := vfs.NewCrashableMem()
	var mu sync.Mutex // guards images and the source of random numbers
	var images []image
	var durable atomic.Uint64
	cut := func() {
		promised := durable.Load() // before the image, never after
		mu.Lock()
		defer mu.Unlock()
		for range 4 {
			some := vfs.CrashCloneCfg{UnsyncedDataPercent: 20 + h.rand.IntN(61), RNG: h.rand}
			images = append(images, image{fs: mem.CrashClone(some), durable: promised})
		}
	}
	o := testOptions(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			cut()
		}
		return nil
	})))
	for range 3 {
		db := mustOpen(t, o)
		mu.Lock()
		next := h.next()
		mu.Unlock()
		if err := commit(db, next); err != nil {
			t.Fatal(err)
		}
		at, err := db.Durable()
		if err != nil {
			t.Fatal(err)
		}
		durable.Store(at.Index)
		mustClose(t, db)
	}
	checkImages(t, h, testOptions(t, nil), images)
}
