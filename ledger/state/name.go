package state

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// DurableNames is a file system on which a file that was synced has a durable
// name too, as ext4 does it and POSIX does not promise.
//
// Pebble syncs the directory once, after it has written both a manifest and the
// marker that says which manifest counts. A power cut just before may keep the
// marker's name and lose the manifest's, and such a database never opens again.
func DurableNames(fs vfs.FS) vfs.FS { return durableNames{fs} }

type durableNames struct{ vfs.FS }

func (d durableNames) Unwrap() vfs.FS { return d.FS }

func (d durableNames) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.named(name)(d.FS.Create(name, c))
}

func (d durableNames) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.named(name)(d.FS.ReuseForWrite(old, name, c))
}

func (d durableNames) named(name string) func(vfs.File, error) (vfs.File, error) {
	return func(f vfs.File, err error) (vfs.File, error) {
		if err != nil {
			return nil, err
		}
		return &namedFile{File: f, fs: d.FS, dir: d.PathDir(name)}, nil
	}
}

// namedFile is a new file whose name becomes durable with its first sync.
type namedFile struct {
	vfs.File
	fs  vfs.FS
	dir string

	mu      sync.Mutex
	durable bool // guarded by mu
}

func (f *namedFile) Sync() error {
	if err := f.File.Sync(); err != nil {
		return err
	}
	return f.keepName()
}

func (f *namedFile) SyncData() error {
	if err := f.File.SyncData(); err != nil {
		return err
	}
	return f.keepName()
}

func (f *namedFile) keepName() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.durable {
		return nil
	}
	if err := SyncDir(f.fs, f.dir); err != nil {
		return fmt.Errorf("state: make a name in %s durable: %w", f.dir, err)
	}
	f.durable = true
	return nil
}
