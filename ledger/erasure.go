package ledger

import "indelible/ledger/entry"

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
	for _, x := range e.Executed {
		if x.Node == node {
			return true
		}
	}
	return false
}

// IsLost reports whether the node of that name was declared lost.
func (e *Erasure) IsLost(node string) bool {
	for _, x := range e.Lost {
		if x.Node == node {
			return true
		}
	}
	return false
}

func newErasureTable() *table[entry.StatementID, Erasure] {
	return &table[entry.StatementID, Erasure]{
		prefix: keyErasure,
		key:    func(id entry.StatementID) []byte { return bytesKey(keyErasure, id[:]) },
		encode: encodeErasure,
		decode: decodeErasure,
	}
}

func encodeErasure(e *Erasure, w *rowWriter) {
	w.uint(uint64(e.Scope))
	w.bytes([]byte(e.Jurisdiction))
	w.step(&e.Requested)
	w.step(e.Approved)
	w.step(e.Cancelled)
	w.step(e.Completed)
	w.uint(uint64(len(e.Executed)))
	for i := range e.Executed {
		x := &e.Executed[i]
		w.step(&x.Step)
		w.bytes([]byte(x.Node))
		w.uint(x.RootVersion)
		w.uint(uint64(x.Method))
		w.uint(uint64(x.Strength))
	}
	w.uint(uint64(len(e.Lost)))
	for i := range e.Lost {
		x := &e.Lost[i]
		w.step(&x.Step)
		w.bytes([]byte(x.Node))
		w.fixed(x.NodeKey[:])
		w.bool(x.Returned)
	}
}

const (
	maxScope    = uint64(entry.ScopeAll) + 1
	maxMethod   = uint64(entry.MethodTPMClear) + 1
	maxStrength = uint64(entry.StrengthExternalScheduled) + 1
)

func decodeErasure(id entry.StatementID, r *rowReader) *Erasure {
	e := &Erasure{Request: id, Scope: entry.Scope(r.below(maxScope)), Jurisdiction: string(r.bytes())}
	e.Requested = mustStep(r)
	e.Approved, e.Cancelled, e.Completed = r.step(), r.step(), r.step()
	for n := r.uint(); n > 0 && !r.fault; n-- {
		e.Executed = append(e.Executed, Execution{
			Step: mustStep(r), Node: string(r.bytes()), RootVersion: r.uint(),
			Method: entry.Method(r.below(maxMethod)), Strength: entry.Strength(r.below(maxStrength)),
		})
	}
	for n := r.uint(); n > 0 && !r.fault; n-- {
		x := Loss{Step: mustStep(r), Node: string(r.bytes())}
		r.fixed(x.NodeKey[:])
		x.Returned = r.bool()
		e.Lost = append(e.Lost, x)
	}
	return e
}

func mustStep(r *rowReader) Step {
	s := r.step()
	if s == nil {
		r.fail()
		return Step{}
	}
	return *s
}

// Erasure returns how far the erasure with this request has come.
func (l *Ledger) Erasure(request entry.StatementID) (*Erasure, bool, error) {
	e, err := l.tables.erasures.find(l.db, request)
	return e, e != nil, err
}

// Erasures returns the requests of a jurisdiction that were neither cancelled
// nor completed, in the order of the log.
func (l *Ledger) Erasures(jurisdiction string) ([]entry.StatementID, error) {
	var open []entry.StatementID
	key := openErasureKey(jurisdiction, 0)
	err := scan(l.db, key[:len(key)-indexSize], nil, func(_, row []byte) error {
		r, id := rowReader{rest: row}, entry.StatementID{}
		r.fixed(id[:])
		open = append(open, id)
		return r.end(keyOpenErasure)
	})
	return open, err
}
