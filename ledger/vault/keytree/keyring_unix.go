//go:build unix

package keytree

import (
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// permit sets the permissions of a file or directory. Those in memory have none.
func permit(f vfs.File, mode uint32) error {
	if f.Fd() == vfs.InvalidFd {
		return nil
	}
	return syscall.Fchmod(int(f.Fd()), mode)
}
