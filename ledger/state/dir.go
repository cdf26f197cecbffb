package state

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// MakeDir creates a directory with its ancestors, readable by its owner alone,
// so that a power cut cannot take it away again: a new directory's name lies in
// its parent, which has to be synced too, however well the files inside are.
func MakeDir(fs vfs.FS, dir string) error {
	var parents []string // of what is missing, the deepest first
	for at := dir; ; {
		if _, err := fs.Stat(at); err == nil {
			break
		}
		parent := fs.PathDir(at)
		if parent == at {
			break
		}
		parents = append(parents, parent)
		at = parent
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("state: create %s: %w", dir, err)
	}
	slices.Reverse(parents)
	for _, parent := range parents {
		if err := SyncDir(fs, parent); err != nil {
			return fmt.Errorf("state: make %s durable: %w", dir, err)
		}
	}
	return nil
}

// SyncDir makes the names in a directory durable.
func SyncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
