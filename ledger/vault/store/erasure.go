package store

import (
	"slices"

	"indelible/ledger/entry"
)

// ErasureState is how far an erasure is inside the vault.
type ErasureState uint8

// The states of an erasure.
const (
	ErasureBegun     ErasureState = 1 + iota // requested: new records are refused
	ErasureCondemned                         // its keys must die; no way back
	ErasureCancelled                         // as if it had never been requested
	ErasureFinished                          // complete: rows dropped
)

// Erasure is an erasure known here.
type Erasure struct {
	State   ErasureState
	Scope   entry.Scope
	Subject uint64
	Slots   []uint64
	Leaves  []uint64 // that must be out of the tree before it is executed
}

// Erasure reads the erasure of a request; nil if it has not begun here.
func (v View) Erasure(request entry.StatementID) (*Erasure, error) {
	return parsed[Erasure](v, key(rowErase, request[:]...))
}

func (a *applier) setErasure(request entry.StatementID, e *Erasure) {
	if open := key(rowOpen, request[:]...); e.State == ErasureBegun || e.State == ErasureCondemned {
		a.set(open, nil)
	} else {
		a.delete(open)
	}
	a.put(key(rowErase, request[:]...), e)
}

// OpenErasures lists the erasures that are begun or condemned.
func (v View) OpenErasures() ([]entry.StatementID, error) {
	return keysOf[entry.StatementID](v, rowOpen, 0)
}

// RefuseOpenErasure refuses a second erasure of a slot beside one that has not
// ended.
func (v View) RefuseOpenErasure(slot uint64) error {
	return v.each(key64(rowMark, slot), func(k, _ []byte) (bool, error) {
		e, err := v.Erasure(entry.StatementID(k[1+8:]))
		if err == nil && e != nil && e.State != ErasureFinished {
			err = entry.Refuse(entry.CodeErasureOpen, "an erasure of this subject is under way")
		}
		return true, err
	})
}

// BeginErasure makes the vault refuse new records of a subject: its erasure is
// requested.
type BeginErasure struct {
	Request Evidence
	Subject uint64
	Slots   []uint64 // ascending
}

func (p *BeginErasure) apply(a *applier) *entry.Refusal {
	l, body, fault := a.s.verifyStep(p.Request, entry.StepRequest, entry.StatementID{})
	if fault != nil {
		return fault
	}
	id := l.ID()
	if readAt(a, a.Erasure, id) != nil {
		return nil
	}
	if fault := a.sealedFault(l.Statement, p.Subject, p.Slots); fault != nil {
		return fault
	}
	a.setErasure(id, &Erasure{State: ErasureBegun, Scope: body.Scope, Subject: p.Subject, Slots: p.Slots})
	for _, n := range p.Slots {
		a.set(key64(rowMark, n, id[:]...), nil)
	}
	a.change.Due = true
	a.raise(p.Slots, 0)
	return nil
}

// CancelErasure undoes BeginErasure.
type CancelErasure struct {
	Request entry.StatementID
	Cancel  Evidence
}

func (p *CancelErasure) apply(a *applier) *entry.Refusal {
	if _, _, fault := a.s.verifyStep(p.Cancel, entry.StepCancel, p.Request); fault != nil {
		return fault
	}
	e := readAt(a, a.Erasure, p.Request)
	switch {
	case e == nil || e.State == ErasureCancelled:
		return nil
	case e.State != ErasureBegun:
		return entry.Refuse(entry.CodeGraceOver, "the erasure's keys are condemned")
	}
	e.State = ErasureCancelled
	a.setErasure(p.Request, e)
	for _, n := range e.Slots {
		a.delete(key64(rowMark, n, p.Request[:]...))
	}
	a.raise(e.Slots, 0)
	return nil
}

// KeepStatement keeps what a node signed before it is sent, so that after a
// crash the same bytes are sent again. The answer's Value is the statement kept,
// which is the first.
type KeepStatement struct {
	Request   entry.StatementID
	Author    entry.AuthorID
	Step      entry.ErasureStep
	Statement []byte
}

func (p *KeepStatement) apply(a *applier) *entry.Refusal {
	kept, err := a.Kept(p.Request, p.Author, p.Step)
	a.fail(err)
	if kept != nil {
		a.answer = kept
		return nil
	}
	if e := readAt(a, a.Erasure, p.Request); e == nil || e.State != ErasureCondemned || len(p.Statement) == 0 || len(p.Statement) > entry.MaxStatement {
		return entry.Refuse(entry.CodeWrongState, "the erasure is not being executed")
	}
	a.set(keyKept(p.Request, p.Author, p.Step), p.Statement)
	a.answer = slices.Clone(p.Statement)
	return nil
}

// Kept reads the statement by which an author says a step of an erasure; nil if
// none was kept.
func (v View) Kept(request entry.StatementID, author entry.AuthorID, step entry.ErasureStep) ([]byte, error) {
	return v.get(keyKept(request, author, step))
}

// KeptCompletes calls f for the statements kept that say an erasure is complete,
// until it says stop. Each is valid until f returns.
func (v View) KeptCompletes(request entry.StatementID, f func(statement []byte) (more bool, err error)) error {
	return v.each(key(rowKept, request[:]...), func(k, value []byte) (bool, error) {
		if entry.ErasureStep(k[len(k)-1]) != entry.StepComplete {
			return true, nil
		}
		return f(value)
	})
}

// FinishErasure drops the rows of a completed erasure. They could not be opened
// any more; dropping them gives back the space.
type FinishErasure struct {
	Request  entry.StatementID
	Complete Evidence
}

func (p *FinishErasure) apply(a *applier) *entry.Refusal {
	if _, _, fault := a.s.verifyStep(p.Complete, entry.StepComplete, p.Request); fault != nil {
		return fault
	}
	e := readAt(a, a.Erasure, p.Request)
	if e == nil || e.State == ErasureFinished {
		return nil
	}
	left := readAt(a, a.AnyCondemned, e.Leaves)
	if e.State != ErasureCondemned || left {
		return entry.Refuse(entry.CodeWrongState, "keys of the erasure are still in the tree")
	}
	e.State, e.Leaves = ErasureFinished, nil
	a.setErasure(p.Request, e)
	a.drop(key(rowKept, p.Request[:]...))
	a.dropSubject(e)
	return nil
}

func (a *applier) dropSubject(e *Erasure) {
	who := a.subject(e.Subject)
	who.Record = nil
	if e.Scope == entry.ScopeAll {
		who.Slots = nil
		for _, n := range e.Slots {
			slot := a.slot(n)
			slot.Link = nil
			a.setSlot(n, slot)
			a.drop(DataOf(n).prefix())
		}
		a.drop(SeriesOf(e.Subject).prefix())
	}
	a.setSubject(e.Subject, who)
}
