package store

import (
	"errors"
	"slices"

	"indelible/ledger/entry"
	"indelible/ledger/vault/layout"
)

// A registration is two commands. The first gives the request numbers and keys
// of its own; the second brings what is sealed under them. Were it one, an
// attempt that was refused, or left behind in the log of a deposed leader,
// would have sealed a person's identifiers under keys that the next attempt
// gives to another person, and no erasure would reach those bytes.

const (
	maxVacant        = 1024 // allocations without a registration, at which further ones are refused
	leavesPerSubject = 4    // identity, series, clinical, audit, in this order
)

// ErrVacated says that an allocation was given up between two reads.
var ErrVacated = errors.New("vault: the allocation has no rows")

// Allocate gives a request numbers and keys: a subject and its first slot.
type Allocate struct {
	Request entry.RequestID
	Class   entry.HandleClass
	Handle  entry.Handle // drawn by the proposer
}

// Allocation is what a request was given.
type Allocation struct{ Subject, Slot uint64 }

// Allocation reads what a request was given; nil if nothing.
func (v View) Allocation(request entry.RequestID) (*Allocation, error) {
	return parsed[Allocation](v, key(rowRequest, request[:]...))
}

// Allocated reads the two rows of an allocation. Where they are gone it is
// ErrVacated.
func (v View) Allocated(g Allocation) (*Subject, *Slot, error) {
	who, err := v.Subject(g.Subject)
	if err != nil {
		return nil, nil, err
	}
	slot, err := v.Slot(g.Slot)
	if err == nil && (who == nil || slot == nil) {
		err = ErrVacated
	}
	return who, slot, err
}

// MustMint reports whether no keys are left to allocate.
func (v View) MustMint() (bool, error) {
	t, err := v.Top()
	if err != nil {
		return false, err
	}
	n, err := v.Counters()
	return t == nil || n.Leaves+leavesPerSubject > t.Leaves(), err
}

func (p *Allocate) apply(a *applier) *entry.Refusal {
	if known := readAt(a, a.Allocation, p.Request); known != nil {
		a.answer = layout.Encode(known)
		return nil
	}
	vacant := read(a, a.View.vacancies)
	full := read(a, a.MustMint)
	switch {
	case full:
		return entry.Refuse(entry.CodeWrongState, "no keys are left to allocate")
	case p.Class < entry.HandleSubject || p.Class > entry.HandleOrganisation:
		return entry.Refuse(entry.CodeUnknownCode, "no such handle class")
	case a.has(key(rowHandle, p.Handle[:]...)):
		return entry.Refuse(entry.CodeHandleExists, "the handle drawn is taken")
	case len(vacant) >= maxVacant:
		return entry.Refuse(entry.CodeOverloaded, "%d allocations wait for their registration", maxVacant)
	}
	n := read(a, a.Counters)
	given, leaf := Allocation{n.Subjects, n.Slots}, n.Leaves
	a.setSlot(given.Slot, &Slot{Handle: p.Handle, Class: p.Class, Clinical: leaf + 2, Audit: leaf + 3})
	a.setSubject(given.Subject, &Subject{Class: p.Class, Identity: leaf, Series: leaf + 1})
	a.set(key(rowHandle, p.Handle[:]...), layout.Number(given.Slot))
	a.put(key(rowRequest, p.Request[:]...), &given)
	a.setVacancies(append(vacant, vacancy{given.Subject, p.Request}))
	n.Subjects++
	n.Slots++
	n.Leaves += leavesPerSubject
	a.put(key(rowCounters), &n)
	a.answer = layout.Encode(&given)
	return nil
}

// vacancy is an allocation that was never registered.
type vacancy struct {
	Subject uint64
	Request entry.RequestID
}

// Vacancies is how many allocations were never registered.
func (v View) Vacancies() (int, error) {
	list, err := v.vacancies()
	return len(list), err
}

func (v View) vacancies() ([]vacancy, error) { return valueOf[[]vacancy](v, key(rowVacant)) }

func (a *applier) setVacancies(list []vacancy) { a.put(key(rowVacant), &list) }

// Vacate gives up every vacancy.
type Vacate struct{}

func (*Vacate) apply(a *applier) *entry.Refusal {
	a.vacate()
	return nil
}

// vacate gives up every vacancy and condemns its keys: an attempt to register a
// person may lie in some log under them, and that person may be the one who is
// being erased under the numbers of a later attempt. A client that comes back
// with the request is allocated anew.
func (a *applier) vacate() (leaves []uint64) {
	list := read(a, a.View.vacancies)
	if len(list) == 0 {
		return nil
	}
	for _, v := range list {
		given, err := a.Allocation(v.Request)
		given = found(a, given, err)
		who, slot := a.subject(given.Subject), a.slot(given.Slot)
		leaves = append(leaves, who.Identity, who.Series, slot.Clinical, slot.Audit)
		a.delete(key(rowRequest, v.Request[:]...))
		a.delete(key(rowHandle, slot.Handle[:]...))
		a.delete(key64(rowSubject, given.Subject))
		a.delete(key64(rowSlot, given.Slot))
	}
	a.condemnLeaves(leaves)
	a.setVacancies(nil)
	return leaves
}

// Register brings an allocation's sealed rows. Base is how many registrations
// the proposer had seen when it found that no identifier was known yet: another
// one in between might have been the same person.
type Register struct {
	Given  Allocation
	Base   uint64
	Link   []byte // subject number, under the clinical key
	Slots  []byte // slot numbers, under the series key
	Record []byte // identifiers, under the identity key
}

func (p *Register) apply(a *applier) *entry.Refusal {
	n, vacant := read(a, a.Counters), read(a, a.View.vacancies)
	at := slices.IndexFunc(vacant, func(v vacancy) bool { return v.Subject == p.Given.Subject })
	if at < 0 || n.Registered != p.Base {
		return outdated("the directory of subjects")
	}
	if given := readAt(a, a.Allocation, vacant[at].Request); given == nil || *given != p.Given {
		return entry.Refuse(entry.CodeMalformed, "a registration names another slot than was allocated")
	}
	who, slot := a.subject(p.Given.Subject), a.slot(p.Given.Slot)
	slot.Link, who.Slots, who.Record = p.Link, p.Slots, p.Record
	a.setSlot(p.Given.Slot, slot)
	a.setSubject(p.Given.Subject, who)
	n.Registered++
	a.put(key(rowCounters), &n)
	a.setVacancies(slices.Delete(vacant, at, at+1))
	return nil
}
