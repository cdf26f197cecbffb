package ledger

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/entry"
	"indelible/ledger/state"
)

// RowNames are the prefixes of the key space and what each holds.
func RowNames() map[byte]string { return rowNames }

// DecodeAppend reads what EncodeAppend wrote.
func DecodeAppend(body []byte) ([]Item, error) { return decodeAppend(body) }

// TryApply does all of Apply that comes before the commit, on a reader of the
// test's making.
func (l *Ledger) TryApply(from pebble.Reader, cmd state.Command) (err error) {
	t := l.begin()
	defer func() { err = errors.Join(err, t.discard()) }()
	if t.tree, err = openTree(l.meta.size, l.committed()); err != nil {
		return err
	}
	t.from = from
	candidates, err := t.prepare([]state.Command{cmd})
	if err != nil {
		return err
	}
	_, err = t.command(cmd.Time, candidates[0])
	return err
}

// What rows hold that no part of the product asks for yet.

// Unconfirmed returns up to limit logged statements that wait for a second
// signature, in the order of their ids, after the given one.
func (l *Ledger) Unconfirmed(after entry.StatementID, limit int) ([]entry.StatementID, error) {
	var ids []entry.StatementID
	start := append(bytesKey(keyPending, after[:]), 0)
	err := l.tables.pending.each(l.db, start, func(id []byte, c *Confirmation) error {
		if len(ids) >= limit {
			return errEnough
		}
		if c.Confirmed == nil {
			ids = append(ids, entry.StatementID(id))
		}
		return nil
	})
	return ids, err
}

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

// Consents returns up to limit indexes, from the given one on, of the consent
// entries of a handle.
func (l *Ledger) Consents(h entry.Handle, from uint64, limit int) ([]uint64, error) {
	return l.listHandle(keyConsent, h, from, limit)
}

// ByAccessor returns up to limit indexes, from the given one on, of the access
// entries that name a staff handle as accessor.
func (l *Ledger) ByAccessor(h entry.Handle, from uint64, limit int) ([]uint64, error) {
	return l.listHandle(keyByAccessor, h, from, limit)
}

// Marks reports what is noted about an entry: another statement of its author
// has the same number, or it was accepted after its author was revoked.
func (l *Ledger) Marks(index uint64) (equivocation, late bool, err error) {
	m, ok, err := l.tables.marks.find(l.db, index)
	if !ok {
		return false, false, err
	}
	return m.flags&markEquivocation != 0, m.flags&markLate != 0, nil
}

// FirstBad is the lowest index that is not sound; ok is false in a sound ledger.
func (r *Report) FirstBad() (index uint64, ok bool) {
	if r.Sound() {
		return 0, false
	}
	return r.Faults[0].Index, true
}
