package store

import (
	"encoding/binary"

	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/ledger/vault/layout"
)

// Classes is a set of classes: of those whose key is condemned or destroyed.
type Classes uint8

// Has reports whether a class is in the set.
func (s Classes) Has(c entry.Class) bool { return s&(1<<c) != 0 }

func classSet(classes ...entry.Class) (s Classes) {
	for _, c := range classes {
		s |= 1 << c
	}
	return s
}

// Slot is what a handle is inside the vault.
type Slot struct {
	Handle   entry.Handle
	Class    entry.HandleClass
	Gone     Classes // of clinical, identity and audit
	Clinical uint64  // leaf
	Audit    uint64  // leaf
	Guard    uint64  // raised whenever a rule about the slot has changed
	Link     []byte  // subject number, sealed under the clinical key; nil until registered
}

// Slot reads a slot; nil if there is none.
func (v View) Slot(n uint64) (*Slot, error) { return parsed[Slot](v, key64(rowSlot, n)) }

// slot reads a slot that exists.
func (a *applier) slot(n uint64) *Slot {
	s, err := a.Slot(n)
	return found(a, s, err)
}

func (a *applier) setSlot(n uint64, s *Slot) { a.put(key64(rowSlot, n), s) }

// Find returns the slot of a handle; ok is false for one the vault never gave.
func (v View) Find(h entry.Handle) (n uint64, ok bool, err error) {
	return v.number(key(rowHandle, h[:]...))
}

// Resolve reads the slot of a handle, and refuses UNKNOWN_HANDLE where there is
// none.
func (v View) Resolve(h entry.Handle) (uint64, *Slot, error) {
	n, ok, err := v.Find(h)
	if err != nil {
		return 0, nil, err
	}
	if !ok {
		return 0, nil, entry.Refuse(entry.CodeUnknownHandle, "the vault knows no such handle")
	}
	s, err := v.Slot(n)
	if err == nil && s == nil {
		err = layout.ErrMalformed
	}
	return n, s, err
}

// Subject is a person, a member of staff, a device with a fixed key or an
// organisation: its identity and series keys, and what lies under them.
type Subject struct {
	Class    entry.HandleClass
	Gone     Classes // of identity and series
	Identity uint64  // leaf
	Series   uint64  // leaf
	Slots    []byte  // slot numbers, sealed under the series key; nil until registered
	Record   []byte  // identifiers, sealed under the identity key; nil until registered
}

// Subject reads a subject; nil if there is none.
func (v View) Subject(n uint64) (*Subject, error) { return parsed[Subject](v, key64(rowSubject, n)) }

// Subjects calls f for the subjects from a number on, in order. Each is valid
// until f returns.
func (v View) Subjects(from uint64, f func(n uint64, s *Subject) error) error {
	return v.span(key64(rowSubject, from), state.After(key(rowSubject)), func(k, value []byte) (bool, error) {
		var s Subject
		if err := layout.Decode(value, &s); err != nil {
			return false, err
		}
		return true, f(binary.BigEndian.Uint64(k[1:]), &s)
	})
}

// subject reads a subject that exists.
func (a *applier) subject(n uint64) *Subject {
	s, err := a.Subject(n)
	return found(a, s, err)
}

func (a *applier) setSubject(n uint64, s *Subject) { a.put(key64(rowSubject, n), s) }

// RaiseGuard raises the guards of slots: a rule about them has changed.
type RaiseGuard struct{ Slots []uint64 }

func (r *RaiseGuard) apply(a *applier) *entry.Refusal {
	for _, n := range r.Slots {
		if !a.has(key64(rowSlot, n)) {
			return entry.Refuse(entry.CodeUnknownHandle, "the vault knows no such slot")
		}
	}
	a.raise(r.Slots, 0)
	return nil
}

// raise raises the guards of slots, which exist, and notes which classes are
// gone from them.
func (a *applier) raise(slots []uint64, died Classes) {
	for _, n := range slots {
		s := a.slot(n)
		s.Guard++
		s.Gone |= died
		a.setSlot(n, s)
	}
}

// knownSlots reports whether a list is a set of slots that exist.
func (a *applier) knownSlots(slots []uint64) bool {
	for _, n := range slots {
		if !a.has(key64(rowSlot, n)) {
			return false
		}
	}
	return len(slots) > 0 && ascending(slots)
}
