//go:build unix

package vault

import (
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ownerOnly takes a file's permissions from everyone else before a key is
// written into it. Files in memory have none.
func ownerOnly(f vfs.File) error {
	if f.Fd() == vfs.InvalidFd {
		return nil
	}
	return syscall.Fchmod(int(f.Fd()), 0o600)
}
