package vault

import (
	"slices"

	"indelible/ledger/entry"
)

// condemnCommand begins the execution: from here on the keys of the erasure
// must die. Holds are checked here; floors by the proposer, who can see the
// log.
type condemnCommand struct {
	request    entry.StatementID
	approval   evidence
	ledgerTime uint64 // to which the proposer has moved the log, Unix milliseconds
}

func (c condemnCommand) command() Command {
	var w writer
	w.raw(c.request[:])
	w.evidence(c.approval)
	w.u64(c.ledgerTime)
	return Command{CommandCondemn, w.b}
}

func readCondemn(r *reader) condemnCommand {
	var c condemnCommand
	r.fixed(c.request[:])
	c.approval, c.ledgerTime = r.evidence(), r.u64()
	return c
}

// scopeClasses are the classes an erasure destroys at once. Audit follows when
// its own floor has passed.
func scopeClasses(s entry.Scope) []entry.Class {
	if s == entry.ScopeAll {
		return []entry.Class{entry.ClassClinical, entry.ClassIdentity, entry.ClassSeries}
	}
	return []entry.Class{entry.ClassIdentity}
}

func (a *applier) condemn(c condemnCommand) (Result, error) {
	l, fault := a.s.verifyStep(c.approval, entry.StepApprove, c.request)
	if fault != nil {
		return Result{Refusal: fault}, nil
	}
	row, err := a.erasure(c.request)
	if err != nil {
		return Result{}, err
	}
	switch {
	case row == nil || row.state == erasureCancelled:
		return refuse(entry.CodeWrongState, "the erasure has not begun or is cancelled")
	case row.state != erasureBegun:
		return Result{}, nil
	case c.ledgerTime < l.ledgerTime+a.s.rule.Grace:
		return refuse(entry.CodeGraceRunning, "the grace period ends at ledger time %d", l.ledgerTime+a.s.rule.Grace)
	}
	class, held, err := a.held(row.slots, scopeClasses(row.scope)...)
	if err != nil {
		return Result{}, err
	}
	if held {
		return refuse(entry.CodeHoldActive, "a hold covers the %s records", class)
	}
	return Result{}, a.condemnSubject(c.request, row)
}

func (a *applier) condemnSubject(request entry.StatementID, row *erasureRow) error {
	died := classSet(scopeClasses(row.scope)...)
	all, living, err := a.leavesOf(row)
	if err != nil {
		return err
	}
	if err := a.raise(row.slots, died); err != nil {
		return err
	}
	who, err := a.view.subject(row.subject)
	if err != nil {
		return err
	}
	who.gone |= died
	a.people = append(a.people, row.subject)
	if err := a.setSubject(row.subject, who); err != nil {
		return err
	}
	if err := a.doomLeaves(living); err != nil {
		return err
	}
	vacant, err := a.vacate()
	if err != nil {
		return err
	}
	row.state, row.leaves = erasureCondemned, slices.Concat(all, vacant)
	if err := a.setErasure(request, row); err != nil {
		return err
	}
	return a.scheduleAudit(request, row)
}

// leavesOf lists the keys an erasure destroys, and those of them that no
// erasure before it has condemned.
func (a *applier) leavesOf(row *erasureRow) (all, living []uint64, err error) {
	who, err := a.view.subject(row.subject)
	if err != nil {
		return nil, nil, err
	}
	if who == nil {
		return nil, nil, errWire
	}
	add := func(leaf uint64, condemned bool) {
		all = append(all, leaf)
		if !condemned {
			living = append(living, leaf)
		}
	}
	add(who.identity, who.gone.has(entry.ClassIdentity))
	if row.scope != entry.ScopeAll {
		return all, living, nil
	}
	add(who.series, who.gone.has(entry.ClassSeries))
	for _, n := range row.slots {
		slot, err := a.view.slot(n)
		if err != nil {
			return nil, nil, err
		}
		if slot == nil {
			return nil, nil, errWire
		}
		add(slot.clinical, slot.gone.has(entry.ClassClinical))
	}
	return all, living, nil
}

// scheduleAudit remembers the slots whose audit key an erasure of all leaves to
// its floor.
func (a *applier) scheduleAudit(request entry.StatementID, row *erasureRow) error {
	if row.scope != entry.ScopeAll {
		return nil
	}
	for _, n := range row.slots {
		if err := a.set(key64(rowLater, n), request[:]); err != nil {
			return err
		}
	}
	return nil
}

type condemnAuditCommand struct{ slot uint64 }

func (c condemnAuditCommand) command() Command {
	var w writer
	w.u64(c.slot)
	return Command{CommandCondemnAudit, w.b}
}

func readCondemnAudit(r *reader) condemnAuditCommand { return condemnAuditCommand{r.u64()} }

// condemnAudit destroys the audit records of an erased slot, once the proposer
// has seen their floor pass. What was sealed after it looked is judged here.
func (a *applier) condemnAudit(c condemnAuditCommand) (Result, error) {
	due, err := a.has(key64(rowLater, c.slot))
	if err != nil || !due {
		return Result{}, err
	}
	class, held, err := a.held([]uint64{c.slot}, entry.ClassAudit)
	if err != nil {
		return Result{}, err
	}
	if held {
		return refuse(entry.CodeHoldActive, "a hold covers the %s records", class)
	}
	young, err := a.youngAudit(c.slot)
	if err != nil {
		return Result{}, err
	}
	if young {
		return refuse(entry.CodeRetentionFloor, "an audit record came while the command was under way")
	}
	slot, err := a.view.slot(c.slot)
	if err != nil {
		return Result{}, err
	}
	if slot == nil {
		return Result{}, errWire
	}
	if err := a.delete(key64(rowLater, c.slot)); err != nil {
		return Result{}, err
	}
	if err := a.drop(append(key64(rowRecord, c.slot), groupAudit)); err != nil {
		return Result{}, err
	}
	if err := a.doomLeaves([]uint64{slot.audit}); err != nil {
		return Result{}, err
	}
	return Result{}, a.raise([]uint64{c.slot}, classSet(entry.ClassAudit))
}

// youngAudit reports whether a slot has an audit record that was sealed within
// its floor. Unlike data, audit records are taken in until the key dies.
func (a *applier) youngAudit(slot uint64) (young bool, err error) {
	floor := a.s.floorOf(entry.ClassAudit)
	if floor == 0 {
		return false, nil
	}
	err = a.each(append(key64(rowRecord, slot), groupAudit), func(_, value []byte) (bool, error) {
		r := &reader{b: value}
		young = r.u64()+floor > a.now // a record begins with its seal time
		if r.broken {
			return false, errWire
		}
		return !young, nil
	})
	return young, err
}
