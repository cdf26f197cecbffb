//go:build !unix

package vault

import "github.com/cockroachdb/pebble/v2/vfs"

// ownerOnly has nothing to do where the directory's permissions decide.
func ownerOnly(vfs.File) error { return nil }
