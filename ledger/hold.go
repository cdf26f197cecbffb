package ledger

import "indelible/ledger/entry"

// Hold is a legal hold. What it covers is sealed.
type Hold struct {
	Set          Step
	Jurisdiction string
	Released     *Step // the entry at which the release took effect
}

func newHoldTable() *table[entry.StatementID, Hold] {
	return &table[entry.StatementID, Hold]{
		prefix: keyHold,
		key:    func(id entry.StatementID) []byte { return bytesKey(keyHold, id[:]) },
		encode: func(h *Hold, w *rowWriter) {
			w.step(&h.Set)
			w.bytes([]byte(h.Jurisdiction))
			w.step(h.Released)
		},
		decode: func(_ entry.StatementID, r *rowReader) *Hold {
			return &Hold{Set: mustStep(r), Jurisdiction: string(r.bytes()), Released: r.step()}
		},
	}
}

// Hold returns the hold set by the statement with this id.
func (l *Ledger) Hold(set entry.StatementID) (*Hold, bool, error) {
	h, err := l.tables.holds.find(l.db, set)
	return h, h != nil, err
}
