//go:build unix

package founding

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes an advisory lock; the system drops it with the process. A file
// system without such locks is used without one.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return ErrLocked
	case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOSYS):
		return nil
	}
	return err
}
