package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// writeSynced writes a small file in place and makes it durable. An existing file
// keeps its blocks, so that a key is overwritten where it lies.
func writeSynced(dir *os.Root, name string, content []byte) error {
	file, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("ingest: write a file: %w", err)
	}
	if _, err := file.Write(content); err != nil {
		return errors.Join(fmt.Errorf("ingest: write a file: %w", err), file.Close())
	}
	if err := file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("ingest: sync a file: %w", err), file.Close())
	}
	return file.Close()
}

// syncDir makes names created, renamed and removed in a directory durable.
func syncDir(dir *os.Root) error {
	file, err := dir.Open(".")
	if err != nil {
		return fmt.Errorf("ingest: open a directory: %w", err)
	}
	if err := file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("ingest: sync a directory: %w", err), file.Close())
	}
	return file.Close()
}

// openDir opens a directory of ours, creating it for its owner alone. What is
// created is durable: a name lives in its parent, which must be synced for it.
func openDir(path string) (*os.Root, error) {
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
		root, err := os.OpenRoot(parent)
		if err != nil {
			return nil, fmt.Errorf("ingest: open a directory: %w", err)
		}
		if err := errors.Join(syncDir(root), root.Close()); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("ingest: open a directory: %w", err)
	}
	return root, nil
}

// segmentNumbers finishes what a crash interrupted and lists, in ascending
// order, the segments that live.
func segmentNumbers(dir *os.Root) ([]uint64, error) {
	names, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("ingest: list segments: %w", err)
	}
	var live, dead []uint64
	published := map[uint64]bool{}
	for _, name := range names {
		if number, ok := numbered(name.Name(), ".seg"); ok {
			published[number] = true
		}
	}
	for _, name := range names {
		number, ok := numbered(name.Name(), ".key")
		if !ok {
			continue
		}
		key, err := dir.ReadFile(name.Name())
		if err != nil {
			return nil, fmt.Errorf("ingest: read a segment key: %w", err)
		}
		// Never published, or its destruction had begun: a segment's key is synced
		// before its file gets its name and zeroed before the file loses it.
		if !published[number] || bytes.Equal(key, make([]byte, keySize)) {
			dead = append(dead, number)
			delete(published, number)
		}
	}
	for _, number := range dead {
		if err := destroyFiles(dir, number); err != nil {
			return nil, err
		}
	}
	for number := range published {
		live = append(live, number)
	}
	slices.Sort(live)
	return live, nil
}

func numbered(name, suffix string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil
}
