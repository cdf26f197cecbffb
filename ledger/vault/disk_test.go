package vault

import (
	"bytes"
	"math/rand/v2"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// disk is a file system in memory that a power cut can hit at any sync, and
// that keeps every byte ever written to it.
type disk struct {
	vfs.FS
	mem *vfs.MemFS

	mu      sync.Mutex
	syncs   int
	cutAt   int        // take an image when syncs reaches it; 0 for never
	percent int        // of what is not synced that survives in the image
	image   *vfs.MemFS // taken
	onCut   func()
	written *bytes.Buffer // nil: not kept
}

func newDisk(mem *vfs.MemFS) *disk { return &disk{FS: mem, mem: mem} }

// cut arranges for a power cut at the n-th sync from now.
func (d *disk) cut(n, percent int, onCut func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutAt, d.percent, d.image, d.onCut = d.syncs+n, percent, nil, onCut
}

// now takes an image at once.
func (d *disk) now(percent int) *vfs.MemFS {
	return d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, uint64(percent)))})
}

func (d *disk) synced() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	if d.cutAt == 0 || d.syncs != d.cutAt {
		return
	}
	rng := rand.New(rand.NewPCG(uint64(d.syncs), uint64(d.percent)))
	d.image = d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: d.percent, RNG: rng})
	if d.onCut != nil {
		d.onCut()
	}
}

func (d *disk) keep(p []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.written != nil {
		d.written.Write(p)
	}
}

func (d *disk) wrap(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &diskFile{f, d}, nil
}

func (d *disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.wrap(d.FS.Create(name, c))
}

func (d *disk) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return d.wrap(d.FS.OpenReadWrite(name, c, opts...))
}

func (d *disk) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.wrap(d.FS.ReuseForWrite(oldname, newname, c))
}

func (d *disk) OpenDir(name string) (vfs.File, error) { return d.wrap(d.FS.OpenDir(name)) }

func (d *disk) Unwrap() vfs.FS { return d.FS }

type diskFile struct {
	vfs.File
	d *disk
}

func (f *diskFile) Write(p []byte) (int, error) {
	f.d.keep(p)
	return f.File.Write(p)
}

func (f *diskFile) WriteAt(p []byte, at int64) (int, error) {
	f.d.keep(p)
	return f.File.WriteAt(p, at)
}

// The cut comes before the sync has done its work, or after, by turns.
func (f *diskFile) Sync() error {
	f.d.synced()
	err := f.File.Sync()
	f.d.synced()
	return err
}

func (f *diskFile) SyncData() error {
	f.d.synced()
	err := f.File.SyncData()
	f.d.synced()
	return err
}

func (f *diskFile) SyncTo(n int64) (bool, error) {
	f.d.synced()
	return f.File.SyncTo(n)
}
