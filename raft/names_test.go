package raft

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestCrashWhileTheLogIsMade cuts the power before everything that changes the
// disk while the log's database is made, and made anew at a second opening. Of
// the names and bytes not synced any selection survives: the log opens, with
// every entry that was acknowledged.
func TestCrashWhileTheLogIsMade(t *testing.T) {
	type image struct {
		fs    *vfs.MemFS
		acked uint64
	}
	rng := rand.New(rand.NewPCG(71, 0)) //nolint:gosec // a test repeats from its seed
	mem := vfs.NewCrashableMem()
	var mu sync.Mutex // guards images and rng
	var images []image
	var acked atomic.Uint64
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		promised := acked.Load() // before the image, never after
		mu.Lock()
		defer mu.Unlock()
		for range 4 {
			some := vfs.CrashCloneCfg{UnsyncedDataPercent: 20 + rng.IntN(61), RNG: rng}
			images = append(images, image{mem.CrashClone(some), promised})
		}
		return nil
	}))
	for life := range uint64(3) {
		s := logOn(t, fs)
		mustStore(t, groupOn(t, s, GlobalGroup), entries(3*life+1, 3*life+3, life+1))
		acked.Store(3*life + 3)
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(images) < 100 {
		t.Fatalf("only %d images: this test shows little", len(images))
	}
	for i, image := range images {
		s := logOn(t, image.fs)
		if _, last := groupOn(t, s, GlobalGroup).bounds(); last < image.acked {
			t.Errorf("image %d: the log ends at %d, %d was acknowledged", i, last, image.acked)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	}
}
