package state

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"indelible/test/seed"
)

var errDisk = errors.New("the disk says no")

// watched are options whose Broken puts the reason on a channel.
func watched(t *testing.T, fs vfs.FS) (Options, <-chan error) {
	t.Helper()
	told := make(chan error, 1)
	o := testOptions(t, fs)
	o.Broken = func(reason error) {
		select {
		case told <- reason:
		default: // the first is enough
		}
	}
	return o, told
}

// A write that fails in the background reaches no caller. The node is told.
func TestBrokenIsToldOfBackgroundErrors(t *testing.T) {
	for name, kinds := range map[string][]errorfs.OpKind{
		"a table cannot be created": {errorfs.OpCreate},
		"a table cannot be written": {errorfs.OpFileWrite},
		"a table cannot be synced":  {errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo},
	} {
		t.Run(name, func(t *testing.T) {
			faults := errorfs.Any(errorfs.InjectorFunc(func(op errorfs.Op) error {
				for _, kind := range kinds {
					if op.Kind == kind && strings.HasSuffix(op.Path, ".sst") {
						return errDisk
					}
				}
				return nil
			}))
			disk := &errorfs.Toggle{Injector: faults}
			o, told := watched(t, errorfs.Wrap(vfs.NewMem(), disk))
			db := mustOpen(t, o)
			if err := commit(db, step{to: Applied{Index: 1, Term: 1}, writes: []write{{[]byte("row"), []byte("value")}}}); err != nil {
				t.Fatal(err)
			}
			disk.On()
			if _, err := db.AsyncFlush(); err != nil {
				t.Fatal(err)
			}
			reason := <-told
			if !errors.Is(reason, errDisk) {
				t.Errorf("told %v, want the disk's error", reason)
			}
			disk.Off()
			if err := db.Close(); !errors.Is(err, errDisk) {
				t.Errorf("closed with %v, want the disk's error", err)
			}
		})
	}
}

// A manifest that cannot be written leaves Pebble unable to go on. The node is
// told; the process is not ended under its feet.
func TestBrokenIsToldOfFatalErrors(t *testing.T) {
	disk := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSync && strings.Contains(op.Path, "MANIFEST") {
			return errDisk
		}
		return nil
	})}
	o, told := watched(t, errorfs.Wrap(vfs.NewMem(), disk))
	db := mustOpen(t, o)
	if err := commit(db, step{to: Applied{Index: 1, Term: 1}, writes: []write{{[]byte("row"), []byte("value")}}}); err != nil {
		t.Fatal(err)
	}
	disk.On()
	if _, err := db.AsyncFlush(); err != nil {
		t.Fatal(err)
	}
	if reason := <-told; !strings.Contains(reason.Error(), errDisk.Error()) {
		t.Errorf("told %v, want the disk's error", reason)
	}
	// The database is as it fell: nobody may close or use it any more.
}

// The same at start-up is an error, because then somebody still listens: every
// write of Open fails once, on a new directory and on one with data.
func TestOpenReturnsFatalErrors(t *testing.T) {
	for name, before := range map[string]int{"a new directory": 0, "a directory with data": 5} {
		t.Run(name, func(t *testing.T) {
			h := &history{rand: seed.Rand(t)}
			mem := vfs.NewCrashableMem()
			if before > 0 {
				db := mustOpen(t, testOptions(t, mem))
				for range before {
					if err := commit(db, h.next()); err != nil {
						t.Fatal(err)
					}
				}
				mustClose(t, db)
			}
			failed := 0
			for at := int32(0); ; at++ {
				// Where there is data, a flush of Pebble's own may be under way,
				// and a failing directory sync ends the process from there.
				disk := &writeFault{at: at, dirs: before == 0}
				o, _ := watched(t, errorfs.Wrap(mem.CrashClone(vfs.CrashCloneCfg{}), disk))
				db, err := Open(o)
				if err != nil {
					failed++
					continue
				}
				struck := disk.over.Swap(true)
				h.check(t, db, db.Applied().Index)
				if !struck { // Open has fewer writes than that
					mustClose(t, db)
					break
				}
				// Whether a database that met a fault can be closed is another matter.
				if err := db.Close(); err != nil {
					t.Logf("close after a fault: %v", err)
				}
			}
			t.Logf("%d of the writes of Open are such that it fails with them", failed)
			if failed < 5 {
				t.Error("too few: this test shows little")
			}
		})
	}
}

// writeFault lets one write of Open fail, the at-th.
type writeFault struct {
	at   int32
	dirs bool // directory syncs may fail too
	seen atomic.Int32
	over atomic.Bool // it has struck, or Open has returned
}

func (f *writeFault) String() string { return "one failing write" }

func (f *writeFault) MaybeError(op errorfs.Op) error {
	dirSync := op.Kind == errorfs.OpFileSync && op.Path == testDir
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || dirSync && !f.dirs || f.over.Load() || f.seen.Add(1) <= f.at {
		return nil
	}
	if f.over.Swap(true) {
		return nil
	}
	return errDisk
}

// A bit that flipped on the disk is found when it is read, and the node told.
func TestBrokenIsToldOfCorruption(t *testing.T) {
	mem := vfs.NewMem()
	db := mustOpen(t, testOptions(t, mem))
	for index := range uint64(50) {
		s := step{to: Applied{Index: index + 1, Term: 1}, writes: []write{{[]byte{byte(index)}, make([]byte, 2000)}}}
		if err := commit(db, s); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, db)
	flipBits(t, mem)
	o, told := watched(t, mem)
	o.Cache = pebble.NewCache(1 << 20)
	defer o.Cache.Unref()
	db = mustOpen(t, o) // the position lies in a block that is whole
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		continue
	}
	if err := it.Close(); err == nil {
		t.Fatal("corrupt rows were read without an error")
	}
	if reason := <-told; !strings.Contains(reason.Error(), testDir) {
		t.Errorf("told %v, want the directory named", reason)
	}
	if err := db.DB.Close(); err != nil {
		t.Logf("close after corruption: %v", err)
	}
}

// flipBits damages the middle of every table.
func flipBits(t *testing.T, fs *vfs.MemFS) {
	t.Helper()
	names, err := fs.List(testDir)
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		tables++
		f, err := fs.OpenReadWrite(fs.PathJoin(testDir, name), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1)
		if _, err := f.ReadAt(buf, 40); err != nil {
			t.Fatal(err)
		}
		buf[0] ^= 0x10
		if _, err := f.WriteAt(buf, 40); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if tables == 0 {
		t.Fatal("there are no tables to damage")
	}
}

func TestOptionsReportEveryFault(t *testing.T) {
	err := Options{}.Validate()
	for _, field := range []string{"FS", "Dir", "Logger", "Broken"} {
		if err == nil || !strings.Contains(err.Error(), field+" is missing") {
			t.Errorf("error %q does not say that %s is missing", err, field)
		}
	}
	if _, err := Open(Options{}); err == nil {
		t.Error("opened without options")
	}
	o := Options{FS: vfs.NewMem(), Dir: "d", Logger: slog.New(slog.DiscardHandler), Broken: func(error) {}}
	if err := o.Validate(); err != nil {
		t.Errorf("complete options: %v", err)
	}
}
