package ledger

import (
	"slices"

	"indelible/ledger/entry"
)

// Erasure is how far an erasure has come. Which handles it erases is sealed. It
// is shared: do not change it.
type Erasure struct {
	Request      entry.StatementID
	Scope        entry.Scope
	Jurisdiction string
	Requested    Step
	Approved     *Step
	Cancelled    *Step
	Completed    *Step
	Executed     []Execution // in the order of the log
	Lost         []Loss      // in the order of the log
}

// Execution is a node's claim that it destroyed the keys.
type Execution struct {
	Step
	Node        string
	RootVersion uint64
	Method      entry.Method
	Strength    entry.Strength
}

// Loss is an officer's declaration that a node is gone.
type Loss struct {
	Step
	Node     string
	NodeKey  entry.AuthorID // as the officer named it
	Returned bool           // it executed afterwards
}

// Ended reports whether no further step is possible, save that a node declared
// lost may yet execute.
func (e *Erasure) Ended() bool { return e.Cancelled != nil || e.Completed != nil }

// HasExecuted reports whether the node of that name has executed.
func (e *Erasure) HasExecuted(node string) bool {
	return slices.ContainsFunc(e.Executed, func(x Execution) bool { return x.Node == node })
}

// IsLost reports whether the node of that name was declared lost.
func (e *Erasure) IsLost(node string) bool {
	return slices.ContainsFunc(e.Lost, func(x Loss) bool { return x.Node == node })
}

var erasureTable = table[entry.StatementID, Erasure]{
	prefix: keyErasure,
	key:    func(id entry.StatementID) []byte { return bytesKey(keyErasure, id[:]) },
	size:   entry.HashSize,
	named:  func(e *Erasure, id []byte) { e.Request = entry.StatementID(id) },
	fields: (*Erasure).fields,
}

const (
	maxScope    = uint64(entry.ScopeAll) + 1
	maxMethod   = uint64(entry.MethodTPMClear) + 1
	maxStrength = uint64(entry.StrengthExternalScheduled) + 1
)

func (e *Erasure) fields(f *form) {
	below(f, &e.Scope, maxScope)
	f.text(&e.Jurisdiction)
	f.step(&e.Requested)
	f.optionalStep(&e.Approved)
	f.optionalStep(&e.Cancelled)
	f.optionalStep(&e.Completed)
	list(f, &e.Executed, func(f *form, x *Execution) {
		f.step(&x.Step)
		f.text(&x.Node)
		f.uint(&x.RootVersion)
		below(f, &x.Method, maxMethod)
		below(f, &x.Strength, maxStrength)
	})
	list(f, &e.Lost, func(f *form, x *Loss) {
		f.step(&x.Step)
		f.text(&x.Node)
		f.fixed(x.NodeKey[:])
		f.bool(&x.Returned)
	})
}

// Erasure returns how far the erasure with this request has come.
func (l *Ledger) Erasure(request entry.StatementID) (*Erasure, bool, error) {
	return l.tables.erasures.find(l.db, request)
}

// Erasures returns the requests of a jurisdiction that were neither cancelled
// nor completed, in the order of the log.
func (l *Ledger) Erasures(jurisdiction string) ([]entry.StatementID, error) {
	var open []entry.StatementID
	key := openErasureKey(jurisdiction, 0)
	err := scan(l.db, key[:len(key)-indexSize], nil, func(_, row []byte) error {
		f, id := form{data: row}, entry.StatementID{}
		f.fixed(id[:])
		open = append(open, id)
		return f.end(keyOpenErasure)
	})
	return open, err
}
