package keytree

import "indelible/ledger/entry"

// Provider keeps the root versions of one jurisdiction: the only keys that are
// ever destroyed one by one. A root version never leaves it, is never in a
// command, a log line or a backup. Keyring is the file provider; hardware and
// key services are others.
type Provider interface {
	// Create makes the key of a version. It fails if that version exists.
	Create(version uint64) error

	// Wrap seals a key under a version, bound to associated data.
	Wrap(version uint64, key *Key, associated []byte) ([]byte, error)

	// Unwrap opens what Wrap sealed.
	Unwrap(version uint64, wrapped, associated []byte) (*Key, error)

	// Destroy destroys a version for good and returns only when that is done
	// to the strength claimed. A version that does not exist is destroyed.
	Destroy(version uint64) error

	// List names every version whose key still exists, ascending.
	List() ([]uint64, error)

	// Claim says how versions are destroyed, and how far that can be relied on.
	Claim() (entry.Method, entry.Strength)
}
