package store

import (
	"indelible/ledger/entry"
	"indelible/ledger/vault/layout"
)

// Spans of the sweep, milliseconds.
const (
	sealExpiry = 60 * 60 * 1000         // the log refuses what was sealed longer ago
	EntryDue   = sealExpiry + 5*60*1000 // after a record was sealed: by then its entry is in the log or never will be
	OrphanAge  = 24 * 60 * 60 * 1000    // a record without an entry is kept for the client so long
)

// Recent is a record by the time it was sealed, until it is found in the log.
type Recent struct {
	Letter uint8  // of the row: the layout is that of its key
	At     uint64 // seal time, Unix milliseconds
	Owner  Owner
	ID     entry.StatementID
}

func recentKey(at uint64, o Owner, id entry.StatementID) []byte {
	return layout.Encode(&Recent{rowRecent, at, o, id})
}

// Recent calls f for the records sealed from a time on, before another, oldest
// first, until f says stop.
func (v View) Recent(from, to uint64, f func(Recent) (more bool, err error)) error {
	return v.span(key64(rowRecent, from), key64(rowRecent, to), func(k, _ []byte) (bool, error) {
		var e Recent
		if err := layout.Decode(k, &e); err != nil {
			return false, err
		}
		return f(e)
	})
}

// Sweep is done with a range of seal times. What it does not name is in the log.
type Sweep struct {
	From, To uint64   // seal times, To exclusive, Unix milliseconds
	Kept     []Recent // no entry yet; looked at again
	Orphans  []Recent // no entry, and none can come: dropped
}

func (p *Sweep) apply(a *applier) *entry.Refusal {
	if p.From >= p.To || p.To+EntryDue > a.now {
		return entry.Refuse(entry.CodeWrongState, "the range to be swept is too young")
	}
	for _, e := range p.Orphans {
		a.dropOrphan(e)
	}
	a.dropRange(key64(rowRecent, p.From), key64(rowRecent, p.To))
	for _, e := range p.Kept {
		a.set(recentKey(e.At, e.Owner, e.ID), nil)
	}
	n := read(a, a.Counters)
	n.Swept = max(n.Swept, p.To)
	a.put(key(rowCounters), &n)
	return nil
}

// dropOrphan deletes a record unless it was sealed again in the meantime.
func (a *applier) dropOrphan(e Recent) {
	r := a.record(e.Owner, e.ID)
	if r == nil || r.At != e.At || e.At+OrphanAge > a.now {
		return
	}
	if e.Owner.Space == spaceSeries {
		a.delete(key(rowSealer, e.ID[:]...))
	}
	a.delete(e.Owner.key(e.ID))
}

// Follow remembers how far the log has been followed.
type Follow struct{ Upto uint64 } // index of the first entry not looked at

func (p *Follow) apply(a *applier) *entry.Refusal {
	if p.Upto > read(a, a.Followed) {
		a.set(key(rowFollow), layout.Number(p.Upto))
	}
	return nil
}

// Followed is the index of the first entry of the log not looked at.
func (v View) Followed() (uint64, error) {
	n, _, err := v.number(key(rowFollow))
	return n, err
}
