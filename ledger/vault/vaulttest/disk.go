package vaulttest

import (
	"bytes"
	"math/rand/v2"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Disk is a file system in memory that a power cut can hit at any sync, and
// that keeps every byte ever written to it.
type Disk struct {
	vfs.FS
	mem *vfs.MemFS

	mu      sync.Mutex
	Syncs   int
	cutAt   int        // take an image when syncs reaches it; 0 for never
	percent int        // of what is not synced that survives in the image
	Image   *vfs.MemFS // taken
	onCut   func()
	Written *bytes.Buffer // nil: not kept
}

func NewDisk(mem *vfs.MemFS) *Disk { return &Disk{FS: mem, mem: mem} }

// Cut arranges for a power cut at the n-th sync from now.
func (d *Disk) Cut(n, percent int, onCut func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutAt, d.percent, d.Image, d.onCut = d.Syncs+n, percent, nil, onCut
}

// Now takes an image at once.
func (d *Disk) Now(percent int) *vfs.MemFS {
	return d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, uint64(percent)))})
}

func (d *Disk) synced() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Syncs++
	if d.cutAt == 0 || d.Syncs != d.cutAt {
		return
	}
	rng := rand.New(rand.NewPCG(uint64(d.Syncs), uint64(d.percent)))
	d.Image = d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: d.percent, RNG: rng})
	if d.onCut != nil {
		d.onCut()
	}
}

func (d *Disk) keep(p []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Written != nil {
		d.Written.Write(p)
	}
}

func (d *Disk) wrap(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &diskFile{f, d}, nil
}

func (d *Disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.wrap(d.FS.Create(name, c))
}

func (d *Disk) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return d.wrap(d.FS.OpenReadWrite(name, c, opts...))
}

func (d *Disk) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.wrap(d.FS.ReuseForWrite(oldname, newname, c))
}

func (d *Disk) OpenDir(name string) (vfs.File, error) { return d.wrap(d.FS.OpenDir(name)) }

func (d *Disk) Unwrap() vfs.FS { return d.FS }

type diskFile struct {
	vfs.File
	d *Disk
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
