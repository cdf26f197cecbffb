package state

import (
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"indelible/ledger/state/statetest"
	"indelible/test/seed"
)

// image is what a power cut left on the disk, and what had been promised by then.
type image struct {
	fs      *vfs.MemFS
	durable uint64
}

// Power is cut at random between commits and inside flushes; of what was not
// synced a random part survives. Data and position agree in every image, and
// nothing promised durable is gone.
func TestCrashAtRandomPoints(t *testing.T) {
	for name, wal := range map[string]bool{"without WAL": false, "with WAL": true} {
		t.Run(name, func(t *testing.T) {
			number := seed.Of(t)
			synctest.Test(t, func(t *testing.T) {
				r := newRandomCrashes(t, number, wal)
				r.run()
				checkImages(t, r.history, r.options, r.images)
			})
		})
	}
}

// A seed that is printed is worth its line only if it does the same again.
func TestRandomCrashesRepeat(t *testing.T) {
	for _, wal := range []bool{false, true} {
		number := seed.Of(t)
		var runs [2][]uint64
		for i := range runs {
			synctest.Test(t, func(t *testing.T) {
				r := newRandomCrashes(t, number, wal)
				r.run()
				runs[i] = checkImages(t, r.history, r.options, r.images)
			})
		}
		if !slices.Equal(runs[0], runs[1]) {
			t.Errorf("WAL %v: of the same seed, images stood at\n%d, and then at\n%d", wal, runs[0], runs[1])
		}
	}
}

// randomCrashes is a history with the images that were cut out of it. It runs in
// a synctest bubble, and acts only when the background work of the database has
// come to rest: so the seed decides everything.
type randomCrashes struct {
	*history
	t       *testing.T
	seed    uint64
	plan    *rand.Rand
	mem     *vfs.MemFS
	pause   pause
	options Options
	images  []image
	durable uint64
}

func newRandomCrashes(t *testing.T, number uint64, wal bool) *randomCrashes {
	r := &randomCrashes{
		t: t, history: &history{rand: rand.New(rand.NewPCG(number, 1))},
		seed: number, plan: rand.New(rand.NewPCG(number, 2)), mem: vfs.NewCrashableMem(),
	}
	r.options = testOptions(t, errorfs.Wrap(r.mem, &r.pause))
	r.options.WAL = wal
	r.options.MemTableBytes = 0 // the plan says when to flush, not how Pebble fills its memory
	return r
}

func (r *randomCrashes) run() {
	db := mustOpen(r.t, r.options)
	for range 200 {
		if err := commit(db, r.next()); err != nil {
			r.t.Fatal(err)
		}
		synctest.Wait()
		switch r.plan.IntN(40) {
		case 0:
			at, err := db.Durable()
			if err != nil || at.Index != db.Applied().Index {
				r.t.Fatalf("durable up to %d of %d, %v", at.Index, db.Applied().Index, err)
			}
			r.durable = at.Index
		case 1, 2, 3:
			r.flush(db)
		case 4, 5, 6, 7:
			r.between(db)
		}
	}
	mustClose(r.t, db)
}

// flush lets a flush go on until one of its writes, and cuts the power there.
func (r *randomCrashes) flush(db *DB) {
	if r.options.WAL {
		if err := db.LogData(nil, pebble.Sync); err != nil {
			r.t.Fatal(err)
		}
	}
	r.cutAt(isTableWrite, r.plan.IntN(25), func() error {
		_, err := db.AsyncFlush()
		return err
	})
}

// between cuts the power when nothing is going on. How much of Pebble's own log
// has been written by then is up to its goroutines, unless somebody waits for
// it: so the cut comes when all is written and nothing synced.
func (r *randomCrashes) between(db *DB) {
	if !r.options.WAL {
		r.cut()
		return
	}
	r.cutAt(isSync, 0, func() error { return db.LogData(nil, pebble.Sync) })
}

// cutAt begins something, holds it up when n operations of a kind are done, cuts
// the power, and lets it end.
func (r *randomCrashes) cutAt(kind func(errorfs.Op) bool, n int, begin func() error) {
	resume := r.pause.after(kind, n)
	ended := make(chan error, 1)
	go func() { ended <- begin() }()
	synctest.Wait()
	r.cut()
	resume()
	if err := <-ended; err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
}

func (r *randomCrashes) cut() {
	chance := rand.New(rand.NewPCG(r.seed, 3+uint64(len(r.images))))
	percent := chance.IntN(101)
	r.images = append(r.images, image{fs: statetest.Cut(r.t, r.mem, percent, chance), durable: r.durable})
}

// isTableWrite leaves out Pebble's own log, which is turned over meanwhile by a
// goroutine of its own.
func isTableWrite(op errorfs.Op) bool {
	return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && path.Ext(op.Path) != ".log"
}

func isSync(op errorfs.Op) bool {
	return op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
}

// pause is an injector that fails nothing and can hold up one operation.
type pause struct {
	mu   sync.Mutex
	kind func(errorfs.Op) bool
	left int           // of that kind until the one that waits
	wait chan struct{} // nil: none does
}

// after holds up the operation after the next n of a kind, until resume is called.
func (p *pause) after(kind func(errorfs.Op) bool, n int) (resume func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := make(chan struct{})
	p.kind, p.left, p.wait = kind, n, wait
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.wait = nil
		close(wait)
	}
}

// MaybeError implements errorfs.Injector.
func (p *pause) MaybeError(op errorfs.Op) error {
	if wait := p.turn(op); wait != nil {
		<-wait
	}
	return nil
}

func (p *pause) turn(op errorfs.Op) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wait == nil || !p.kind(op) {
		return nil
	}
	p.left--
	if p.left != -1 {
		return nil
	}
	return p.wait
}

// String implements errorfs.Injector.
func (p *pause) String() string { return "pause" }

// checkImages opens every image, checks it, and tells at which position it stood.
func checkImages(t *testing.T, h *history, o Options, images []image) (positions []uint64) {
	t.Helper()
	if len(images) == 0 {
		t.Fatal("no crash image was taken")
	}
	for _, img := range images {
		o.FS = img.fs
		db := mustOpen(t, o)
		h.check(t, db, img.durable)
		positions = append(positions, db.Applied().Index)
		mustClose(t, db)
	}
	different := len(slices.Compact(slices.Sorted(slices.Values(positions))))
	t.Logf("%d crash images opened at %d different positions of %d", len(images), different, len(h.steps))
	if different < 3 {
		t.Error("the images hardly differ: this test shows little")
	}
	return positions
}

// Power is cut before and after everything that changes the disk. Exactly what
// was synced survives.
func TestCrashAtEverySyncPoint(t *testing.T) {
	h := &history{rand: seed.Rand(t)}
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
	h := &history{rand: seed.Rand(t)}
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
	h := &history{rand: seed.Rand(t)}
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
