package vault

import (
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/vault/keytree"
)

// Provider keeps the root versions of one jurisdiction. It is named here so that
// no package but this one imports keytree, whose functions give keys.
type Provider = keytree.Provider

// NewKeyring opens or creates the file provider's directory: one file for each
// root version.
func NewKeyring(on vfs.FS, dir string, random io.Reader) (Provider, error) {
	return keytree.NewKeyring(on, dir, random)
}
