package state

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// image is what a power cut left on the disk, and what had been promised by then.
type image struct {
	fs      *vfs.MemFS
	durable uint64
}

// Power is cut at random between commits; of what was not synced a random part
// survives. Data and position agree in every image, and nothing promised
// durable is gone.
func TestCrashAtRandomPoints(t *testing.T) {
	for name, wal := range map[string]bool{"without WAL": false, "with WAL": true} {
		t.Run(name, func(t *testing.T) {
			h := &history{rand: testRand(t)}
			fs := vfs.NewCrashableMem()
			o := testOptions(t, fs)
			o.WAL = wal
			db := mustOpen(t, o)
			var images []image
			var durable uint64
			for range 200 {
				if err := commit(db, h.next()); err != nil {
					t.Fatal(err)
				}
				if h.rand.IntN(40) == 0 {
					at, err := db.Durable()
					if err != nil || at.Index != db.Applied().Index {
						t.Fatalf("durable up to %d of %d, %v", at.Index, db.Applied().Index, err)
					}
					durable = at.Index
				}
				if h.rand.IntN(10) == 0 {
					cut := vfs.CrashCloneCfg{UnsyncedDataPercent: h.rand.IntN(101), RNG: h.rand}
					images = append(images, image{fs: fs.CrashClone(cut), durable: durable})
				}
			}
			mustClose(t, db)
			checkImages(t, h, o, images)
		})
	}
}

func checkImages(t *testing.T, h *history, o Options, images []image) {
	t.Helper()
	if len(images) == 0 {
		t.Fatal("no crash image was taken")
	}
	positions := make(map[uint64]bool)
	for _, img := range images {
		o.FS = img.fs
		db := mustOpen(t, o)
		h.check(t, db, img.durable)
		positions[db.Applied().Index] = true
		mustClose(t, db)
	}
	t.Logf("%d crash images opened at %d different positions of %d", len(images), len(positions), len(h.steps))
	if len(positions) < 3 {
		t.Error("the images hardly differ: this test shows little")
	}
}

// Power is cut before and after everything that changes the disk. Exactly what
// was synced survives.
func TestCrashAtEverySyncPoint(t *testing.T) {
	h := &history{rand: testRand(t)}
	mem := vfs.NewCrashableMem()
	var mu sync.Mutex // guards images: background flushes come from other goroutines
	var images []image
	var durable atomic.Uint64
	cut := func() {
		promised := durable.Load() // before the image, never after
		img := image{fs: mem.CrashClone(vfs.CrashCloneCfg{}), durable: promised}
		mu.Lock()
		defer mu.Unlock()
		images = append(images, img)
	}
	o := testOptions(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			cut()
		}
		return nil
	})))
	db := mustOpen(t, o)
	for i := range 80 {
		if err := commit(db, h.next()); err != nil {
			t.Fatal(err)
		}
		if i%10 == 9 {
			at, err := db.Durable()
			if err != nil {
				t.Fatal(err)
			}
			durable.Store(at.Index)
			cut()
		}
	}
	mustClose(t, db)
	cut()
	checkImages(t, h, testOptions(t, nil), images)
	if last := images[len(images)-1]; last.durable == 0 {
		t.Error("nothing was ever durable")
	}
}

// A clean stop costs no replay, even though nothing was synced on the way.
func TestCloseKeepsEverything(t *testing.T) {
	h := &history{rand: testRand(t)}
	mem := vfs.NewCrashableMem()
	db := mustOpen(t, testOptions(t, mem))
	for range 30 {
		if err := commit(db, h.next()); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, db)
	again := mustOpen(t, testOptions(t, mem.CrashClone(vfs.CrashCloneCfg{})))
	h.check(t, again, h.steps[len(h.steps)-1].to.Index)
	mustClose(t, again)
}

// Between a commit and a flush the position is applied but not durable; only
// what lies in synced tables counts, whatever the memory says.
func TestDurableSeesOnlyWhatIsFlushed(t *testing.T) {
	mem := vfs.NewCrashableMem()
	db := mustOpen(t, testOptions(t, mem))
	synced := func() uint64 {
		t.Helper()
		at, err := db.readApplied(&pebble.IterOptions{OnlyReadGuaranteedDurable: true})
		if err != nil {
			t.Fatal(err)
		}
		return at.Index
	}
	for index := uint64(1); index <= 5; index++ {
		if err := commit(db, step{to: Applied{Index: index, Term: 1}, writes: []write{{[]byte("row"), []byte{byte(index)}}}}); err != nil {
			t.Fatal(err)
		}
		if db.Applied().Index != index || synced() != 0 {
			t.Errorf("after commit %d: applied %d, durable %d before any flush", index, db.Applied().Index, synced())
		}
	}
	lost := mustOpen(t, testOptions(t, mem.CrashClone(vfs.CrashCloneCfg{})))
	if lost.Applied().Index != 0 {
		t.Errorf("position %d survived a crash before any flush", lost.Applied().Index)
	}
	mustClose(t, lost)
	if at, err := db.Durable(); err != nil || at.Index != 5 || synced() != 5 {
		t.Errorf("durable up to %d, by the tables %d, %v", at.Index, synced(), err)
	}
	if err := commit(db, step{to: Applied{Index: 6, Term: 1}, writes: []write{{[]byte("row"), []byte{6}}}}); err != nil {
		t.Fatal(err)
	}
	if synced() != 5 {
		t.Errorf("durable up to %d after a commit without flush, want 5", synced())
	}
	kept := mustOpen(t, testOptions(t, mem.CrashClone(vfs.CrashCloneCfg{})))
	if kept.Applied().Index != 5 {
		t.Errorf("position %d after the crash, 5 was durable", kept.Applied().Index)
	}
	mustClose(t, kept)
	mustClose(t, db)
}

// Durable promises nothing that came after its own flush.
func TestDurableWhileCommitting(t *testing.T) {
	h := &history{rand: testRand(t)}
	mem := vfs.NewCrashableMem()
	db := mustOpen(t, testOptions(t, mem))
	stop, done := make(chan struct{}), make(chan error, 1)
	committed := make(chan struct{}) // somebody may wait for one more commit
	go func() {
		for {
			if err := commit(db, h.next()); err != nil {
				done <- err
				return
			}
			select {
			case <-stop:
				done <- nil
				return
			case committed <- struct{}{}:
			default:
			}
		}
	}()
	var images []image
	for range 25 {
		select {
		case <-committed:
		case err := <-done:
			t.Fatal(err)
		}
		at, err := db.Durable()
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, image{fs: mem.CrashClone(vfs.CrashCloneCfg{}), durable: at.Index})
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mustClose(t, db)
	checkImages(t, h, testOptions(t, nil), images)
}

// The Raft log is the write-ahead log; Pebble's own is there only if asked for.
func TestWALIsOffUnlessAskedFor(t *testing.T) {
	for _, wal := range []bool{false, true} {
		mem := vfs.NewMem()
		o := testOptions(t, mem)
		o.WAL = wal
		db := mustOpen(t, o)
		row := make([]byte, 100<<10)
		if err := commit(db, step{to: Applied{Index: 1, Term: 1}, writes: []write{{[]byte("row"), row}}}); err != nil {
			t.Fatal(err)
		}
		if err := db.LogData(nil, pebble.Sync); err != nil && wal {
			t.Fatal(err)
		}
		if logged := db.Metrics().WAL.BytesWritten; (logged > uint64(len(row))) != wal {
			t.Errorf("WAL %v: %d bytes were logged of a row of %d", wal, logged, len(row))
		}
		mustClose(t, db)
	}
}
