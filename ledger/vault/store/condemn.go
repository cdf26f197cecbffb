package store

import (
	"slices"

	"indelible/ledger/entry"
)

// Condemn orders that the keys of an approved erasure die: there is no way back.
// Holds are checked here; floors by the proposer, who can see the log.
type Condemn struct {
	Request    entry.StatementID
	Approval   Evidence
	LedgerTime uint64 // to which the proposer has moved the log, Unix milliseconds
}

// ClassesOf are the classes an erasure destroys at once. Audit follows when its
// own floor has passed.
func ClassesOf(s entry.Scope) []entry.Class {
	if s == entry.ScopeAll {
		return []entry.Class{entry.ClassClinical, entry.ClassIdentity, entry.ClassSeries}
	}
	return []entry.Class{entry.ClassIdentity}
}

func (p *Condemn) apply(a *applier) *entry.Refusal {
	l, _, fault := a.s.verifyStep(p.Approval, entry.StepApprove, p.Request)
	if fault != nil {
		return fault
	}
	e := readAt(a, a.Erasure, p.Request)
	switch {
	case e == nil || e.State == ErasureCancelled:
		return entry.Refuse(entry.CodeWrongState, "the erasure has not begun or is cancelled")
	case e.State != ErasureBegun:
		return nil
	case p.LedgerTime < l.ledgerTime+a.s.rule.Grace:
		return entry.Refuse(entry.CodeGraceRunning, "the grace period ends at ledger time %d", l.ledgerTime+a.s.rule.Grace)
	}
	if fault := a.heldFault(e.Slots, ClassesOf(e.Scope)...); fault != nil {
		return fault
	}
	a.condemn(p.Request, e)
	return nil
}

func (a *applier) condemn(request entry.StatementID, e *Erasure) {
	died := classSet(ClassesOf(e.Scope)...)
	all, living := a.leavesOf(e)
	a.raise(e.Slots, died)
	who := a.subject(e.Subject)
	who.Gone |= died
	a.setSubject(e.Subject, who)
	a.change.Persons = append(a.change.Persons, e.Subject)
	a.condemnLeaves(living)
	e.State, e.Leaves = ErasureCondemned, slices.Concat(all, a.vacate())
	a.setErasure(request, e)
	if e.Scope != entry.ScopeAll {
		return
	}
	for _, n := range e.Slots { // whose audit key is left to its own floor
		a.set(key64(rowLater, n), request[:])
	}
}

// leavesOf lists the keys an erasure destroys, and those of them that no
// erasure before it has condemned.
func (a *applier) leavesOf(e *Erasure) (all, living []uint64) {
	add := func(leaf uint64, condemned bool) {
		all = append(all, leaf)
		if !condemned {
			living = append(living, leaf)
		}
	}
	who := a.subject(e.Subject)
	add(who.Identity, who.Gone.Has(entry.ClassIdentity))
	if e.Scope != entry.ScopeAll {
		return all, living
	}
	add(who.Series, who.Gone.Has(entry.ClassSeries))
	for _, n := range e.Slots {
		slot := a.slot(n)
		add(slot.Clinical, slot.Gone.Has(entry.ClassClinical))
	}
	return all, living
}

// CondemnAudit destroys the audit records of an erased slot, once the proposer
// has seen their floor pass. What was sealed after it looked is judged here.
type CondemnAudit struct{ Slot uint64 }

func (p *CondemnAudit) apply(a *applier) *entry.Refusal {
	if !a.has(key64(rowLater, p.Slot)) {
		return nil
	}
	if fault := a.heldFault([]uint64{p.Slot}, entry.ClassAudit); fault != nil {
		return fault
	}
	if a.youngAudit(p.Slot) {
		return entry.Refuse(entry.CodeRetentionFloor, "an audit record came while the command was under way")
	}
	a.delete(key64(rowLater, p.Slot))
	a.drop(AuditOf(p.Slot).prefix())
	a.condemnLeaves([]uint64{a.slot(p.Slot).Audit})
	a.raise([]uint64{p.Slot}, classSet(entry.ClassAudit))
	return nil
}

// AuditsLeft lists the slots of erased subjects whose audit key still waits for
// its floor.
func (v View) AuditsLeft() ([]uint64, error) { return keysOf[uint64](v, rowLater, 0) }
