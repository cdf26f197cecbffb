package founding

import (
	"errors"
	"fmt"
	"os"

	"indelible/api/client/credential"
)

// ErrLocked is a directory another process is filling.
var ErrLocked = errors.New("another process works in this directory")

// LockDir makes a directory if it is absent and keeps every other caller out of it
// until the lock is closed or the process ends. Two foundings in one directory
// would mix the keys of one log with the genesis of the other.
func LockDir(dir string) (*os.File, error) {
	if err := credential.MakeDir(dir); err != nil {
		return nil, err
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if err := lockFile(f); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	return f, nil
}
