package ledger

import "indelible/ledger/entry"

// Confirmation is the state of a statement that takes effect only once a second
// author of the same role has confirmed it.
type Confirmation struct {
	Index     uint64 // of the statement
	Confirmed *Step  // the confirmation; nil while it waits
}

var pendingTable = table[entry.StatementID, Confirmation]{
	prefix: keyPending,
	key:    func(id entry.StatementID) []byte { return bytesKey(keyPending, id[:]) },
	size:   entry.HashSize,
	fields: func(c *Confirmation, f *form) {
		f.uint(&c.Index)
		f.optionalStep(&c.Confirmed)
	},
}

// Confirmation returns whether a logged statement waits for a second signature;
// ok is false for one that needs none.
func (l *Ledger) Confirmation(id entry.StatementID) (*Confirmation, bool, error) {
	return l.tables.pending.find(l.db, id)
}
