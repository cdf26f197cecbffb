package ledger

import (
	"indelible/ledger/entry"
)

// Activation is a policy bundle or code list that was activated.
type Activation struct {
	Index uint64 // at which it took effect
	Hash  entry.Hash
}

// Policies returns what was activated of a type for a regime, oldest first. Of
// bundles the last is in force; code lists add up.
func (l *Ledger) Policies(t entry.PolicyType, r entry.Regime) ([]Activation, error) {
	var list []Activation
	key := policyKey(t, r, 0)
	err := scan(l.db, key[:len(key)-indexSize], nil, func(key, row []byte) error {
		a, f := Activation{Index: lastNumber(key)}, form{data: row}
		f.fixed(a.Hash[:])
		list = append(list, a)
		return f.end(keyPolicy)
	})
	return list, err
}
