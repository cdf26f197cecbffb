package store

import (
	"indelible/ledger/entry"
)

// hold is a hold known here.
type hold struct {
	Released bool
	Class    entry.Class
	Subject  uint64
	Slots    []uint64
}

// HasHold reports whether a hold is known here, in force or released.
func (v View) HasHold(set entry.StatementID) (bool, error) { return v.has(key(rowHold, set[:]...)) }

// SetHold puts a hold into force. What it covers is sealed in its series part;
// the slots in the command are the proposer's reading of it.
type SetHold struct {
	Set     Evidence
	Subject uint64
	Class   entry.Class
	Slots   []uint64 // ascending
}

func (p *SetHold) apply(a *applier) *entry.Refusal {
	l, _, fault := a.s.verifyHold(p.Set, entry.HoldSet, "sets")
	if fault != nil {
		return fault
	}
	id := l.ID()
	if a.has(key(rowHold, id[:]...)) {
		return nil
	}
	if fault := a.sealedFault(l.Statement, p.Subject, p.Slots); fault != nil {
		return fault
	}
	outlived := a.is(a.Outlived(p.Slots, p.Class))
	if outlived {
		return Erased()
	}
	a.put(key(rowHold, id[:]...), &hold{Class: p.Class, Subject: p.Subject, Slots: p.Slots})
	for _, n := range p.Slots {
		a.set(keyHeld(n, p.Class, id), nil)
	}
	a.raise(p.Slots, 0)
	return nil
}

// ReleaseHold lifts a hold. Confirmation is empty where one authority is enough.
type ReleaseHold struct {
	Release      Evidence
	Confirmation Evidence
}

func (p *ReleaseHold) apply(a *applier) *entry.Refusal {
	l, body, fault := a.s.verifyHold(p.Release, entry.HoldRelease, "releases")
	if fault == nil && !a.s.single {
		fault = a.s.unconfirmed(l, p.Confirmation)
	}
	if fault != nil {
		return fault
	}
	set := key(rowHold, body.Set[:]...)
	h, err := parsed[hold](a.View, set)
	a.fail(err)
	if h == nil || h.Released {
		return nil
	}
	h.Released = true
	a.put(set, h)
	for _, n := range h.Slots {
		a.delete(keyHeld(n, h.Class, body.Set))
	}
	a.change.Due = true
	a.raise(h.Slots, 0)
	return nil
}

// unconfirmed refuses a release that no second statement in the log confirms.
func (s *Store) unconfirmed(first *logged, confirmation Evidence) *entry.Refusal {
	if len(confirmation.Statement) > 0 {
		second, fault := s.verify(confirmation, entry.KindHold)
		if fault != nil {
			return fault
		}
		if second.Confirms != nil && *second.Confirms == first.ID() {
			return nil
		}
	}
	return entry.Refuse(entry.CodeWrongState, "the release is not confirmed")
}

// Held names the first of these classes that a hold covers in one of the slots.
func (v View) Held(slots []uint64, classes ...entry.Class) (entry.Class, bool, error) {
	for _, class := range classes {
		for _, n := range slots {
			held, err := v.any(key64(rowHeld, n, byte(class)))
			if err != nil || held {
				return class, held, err
			}
		}
	}
	return 0, false, nil
}

func (a *applier) heldFault(slots []uint64, classes ...entry.Class) *entry.Refusal {
	class, held, err := a.Held(slots, classes...)
	a.fail(err)
	if held {
		return entry.Refuse(entry.CodeHoldActive, "a hold covers the %s records", class)
	}
	return nil
}

// Outlived reports whether a class is gone from all of these slots: a hold on it
// would promise what cannot be kept.
func (v View) Outlived(slots []uint64, class entry.Class) (bool, error) {
	for _, n := range slots {
		slot, err := v.Slot(n)
		if err != nil || slot == nil || !slot.Gone.Has(class) {
			return false, err
		}
	}
	return true, nil
}
