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

func newCATable() *table[caID, CA] {
	return &table[caID, CA]{
		prefix: keyCA,
		key:    func(id caID) []byte { return bytesKey(keyCA, id[:]) },
		encode: func(c *CA, w *rowWriter) {
			w.bytes(c.Key)
			w.bool(c.Active)
			w.uint(c.Changed)
		},
		decode: func(_ caID, r *rowReader) *CA {
			return &CA{Key: r.bytes(), Active: r.bool(), Changed: r.uint()}
		},
	}
}

// ActiveCAs returns the SubjectPublicKeyInfo of every active device CA, in the
// order of their SHA-256.
func (l *Ledger) ActiveCAs() ([][]byte, error) {
	var keys [][]byte
	err := scan(l.db, []byte{keyCA}, nil, func(key, row []byte) error {
		ca, err := l.tables.cas.parse(caID(key[1:]), row)
		if err == nil && ca.Active {
			keys = append(keys, ca.Key)
		}
		return err
	})
	return keys, err
}
