package ledger

import "indelible/ledger/entry"

// Confirmation is the state of a statement that takes effect only once a second
// author of the same role has confirmed it.
type Confirmation struct {
	Index     uint64 // of the statement
	Confirmed *Step  // the confirmation; nil while it waits
}

func newPendingTable() *table[entry.StatementID, Confirmation] {
	return &table[entry.StatementID, Confirmation]{
		prefix: keyPending,
		key:    func(id entry.StatementID) []byte { return bytesKey(keyPending, id[:]) },
		encode: func(c *Confirmation, w *rowWriter) {
			w.uint(c.Index)
			w.step(c.Confirmed)
		},
		decode: func(_ entry.StatementID, r *rowReader) *Confirmation {
			return &Confirmation{Index: r.uint(), Confirmed: r.step()}
		},
	}
}

// Confirmation returns whether a logged statement waits for a second signature;
// ok is false for one that needs none.
func (l *Ledger) Confirmation(id entry.StatementID) (*Confirmation, bool, error) {
	c, err := l.tables.pending.find(l.db, id)
	return c, c != nil, err
}

// Unconfirmed returns up to limit logged statements that wait for a second
// signature, in the order of their ids, after the given one.
func (l *Ledger) Unconfirmed(after entry.StatementID, limit int) ([]entry.StatementID, error) {
	var ids []entry.StatementID
	start := append(bytesKey(keyPending, after[:]), 0)
	err := scan(l.db, []byte{keyPending}, start, func(key, row []byte) error {
		if len(ids) >= limit {
			return errEnough
		}
		id := entry.StatementID(key[1:])
		c, err := l.tables.pending.parse(id, row)
		if err == nil && c.Confirmed == nil {
			ids = append(ids, id)
		}
		return err
	})
	return ids, err
}
