package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir is what a journal needs of a file system: one directory. OpenDir gives one of
// the operating system; journaltest has one that loses power.
type Dir interface {
	Open(name string, create bool) (File, error) // for reading and writing; what it holds stays
	Rename(from, to string) error
	Remove(name string) error
	List() ([]string, error) // in no order
	Sync() error             // makes names durable
	Lock() error             // keeps other processes out until Close; ErrLocked
	Close() error
}

// File is one open file of a Dir. Content is durable after Sync; the name is after
// Dir.Sync.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Stat() (fs.FileInfo, error) // for its size
	Truncate(size int64) error
	Sync() error
}

// ErrLocked says that another process uses the directory.
var ErrLocked = errors.New("ingest: the directory is in use by another process")

type osDir struct {
	*os.Root
	lock *os.File
}

// OpenDir opens a directory, creating it for its owner alone. What is created is
// durable: a name lies in its parent, which must be synced for it.
func OpenDir(path string) (Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("ingest: name a directory: %w", err)
	}
	var parents []string
	for p := path; p != filepath.Dir(p); p = filepath.Dir(p) {
		if _, err := os.Stat(p); !errors.Is(err, os.ErrNotExist) {
			break
		}
		parents = append(parents, filepath.Dir(p))
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("ingest: create a directory: %w", err)
	}
	for _, parent := range parents {
		if err := syncDir(os.Open(parent)); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("ingest: open a directory: %w", err)
	}
	return &osDir{Root: root}, nil
}

func syncDir(dir *os.File, err error) error {
	if err != nil {
		return fmt.Errorf("ingest: open a directory: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("ingest: sync a directory: %w", err)
	}
	return nil
}

func (d *osDir) Open(name string, create bool) (File, error) {
	flag := os.O_RDWR
	if create {
		flag |= os.O_CREATE
	}
	return d.OpenFile(name, flag, 0o600)
}

func (d *osDir) List() ([]string, error) {
	dir, err := d.Root.Open(".")
	if err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(-1)
	return names, errors.Join(err, dir.Close())
}

func (d *osDir) Sync() error { return syncDir(d.Root.Open(".")) }

func (d *osDir) Lock() (err error) {
	if d.lock, err = d.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return fmt.Errorf("ingest: create the lock: %w", err)
	}
	return lockFile(d.lock)
}

func (d *osDir) Close() error {
	if d.lock == nil {
		return d.Root.Close()
	}
	return errors.Join(d.Root.Close(), d.lock.Close())
}

// WriteFile writes a small file in place and makes its content durable; its name is
// durable after dir.Sync. A file that exists keeps its blocks, so that a key is
// overwritten where it lies.
func WriteFile(dir Dir, name string, content []byte) error {
	file, err := dir.Open(name, true)
	if err != nil {
		return fmt.Errorf("ingest: write a file: %w", err)
	}
	_, err = file.WriteAt(content, 0)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("ingest: write a file: %w", err)
	}
	return nil
}
