package ledger

import (
	"crypto/sha256"

	"indelible/ledger/entry"
)

// CA is a device CA key that is or was active.
type CA struct {
	Key     []byte // SubjectPublicKeyInfo
	Active  bool
	Changed uint64 // index of the entry that made it so
}

// caID names a CA key: the SHA-256 of its SubjectPublicKeyInfo.
type caID entry.Hash

func caOf(spki []byte) caID { return sha256.Sum256(spki) }

var caTable = table[caID, CA]{
	prefix: keyCA,
	key:    func(id caID) []byte { return bytesKey(keyCA, id[:]) },
	size:   entry.HashSize,
	fields: func(c *CA, f *form) {
		f.bytes(&c.Key)
		f.bool(&c.Active)
		f.uint(&c.Changed)
	},
}

// ActiveCAs returns the SubjectPublicKeyInfo of every active device CA, in the
// order of their SHA-256.
func (l *Ledger) ActiveCAs() ([][]byte, error) {
	var keys [][]byte
	err := l.tables.cas.each(l.db, nil, func(_ []byte, ca *CA) error {
		if ca.Active {
			keys = append(keys, ca.Key)
		}
		return nil
	})
	return keys, err
}
