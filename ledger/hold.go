package ledger

import "indelible/ledger/entry"

// Hold is a legal hold. What it covers is sealed.
type Hold struct {
	Set          Step
	Jurisdiction string
	Released     *Step // the entry at which the release took effect
}

var holdTable = table[entry.StatementID, Hold]{
	prefix: keyHold,
	key:    func(id entry.StatementID) []byte { return bytesKey(keyHold, id[:]) },
	size:   entry.HashSize,
	fields: func(h *Hold, f *form) {
		f.step(&h.Set)
		f.text(&h.Jurisdiction)
		f.optionalStep(&h.Released)
	},
}

// Hold returns the hold set by the statement with this id.
func (l *Ledger) Hold(set entry.StatementID) (*Hold, bool, error) {
	return l.tables.holds.find(l.db, set)
}
