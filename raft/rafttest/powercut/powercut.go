package powercut

import (
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS passes everything on and calls a hook around each sync.
type FS struct {
	vfs.FS
	mu   sync.Mutex // one hook at a time
	hook func()     // guarded by mu
}

// New wraps a file system. The hook runs on the goroutine that syncs, and never
// twice at once; it must not sync itself.
func New(fs vfs.FS, hook func()) *FS { return &FS{FS: fs, hook: hook} }

// Unwrap returns the file system beneath.
func (f *FS) Unwrap() vfs.FS { return f.FS }

func (f *FS) around(sync func() error) error {
	f.call()
	err := sync()
	f.call()
	return err
}

func (f *FS) call() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook()
}

func (f *FS) wrap(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return synced{file, f}, nil
}

// Create implements vfs.FS.
func (f *FS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.wrap(f.FS.Create(name, c))
}

// OpenReadWrite implements vfs.FS.
func (f *FS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return f.wrap(f.FS.OpenReadWrite(name, c, o...))
}

// OpenDir implements vfs.FS.
func (f *FS) OpenDir(name string) (vfs.File, error) { return f.wrap(f.FS.OpenDir(name)) }

// ReuseForWrite implements vfs.FS.
func (f *FS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.wrap(f.FS.ReuseForWrite(old, name, c))
}

type synced struct {
	vfs.File
	fs *FS
}

// Sync implements vfs.File.
func (s synced) Sync() error { return s.fs.around(s.File.Sync) }

// SyncData implements vfs.File.
func (s synced) SyncData() error { return s.fs.around(s.File.SyncData) }

// SyncTo implements vfs.File.
func (s synced) SyncTo(length int64) (full bool, err error) {
	err = s.fs.around(func() error {
		full, err = s.File.SyncTo(length)
		return err
	})
	return full, err
}
