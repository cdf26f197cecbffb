package vault

import (
	"encoding/binary"
	"errors"

	"indelible/ledger/entry"
)

// A registration is two commands. The first gives the request numbers and keys
// of its own; the second brings what is sealed under them. Were it one, an
// attempt that was refused, or left behind in the log of a deposed leader,
// would have sealed a person's identifiers under keys that the next attempt
// gives to somebody else, and no erasure would reach those bytes.

// Bounds of allocations that were never registered.
const (
	maxVacant  = 1024 // at which further ones are refused
	manyVacant = 64   // at which the worker gives them up
)

// leavesPerSubject: identity, series, clinical, audit, in this order.
const leavesPerSubject = 4

type allocateCommand struct {
	request entry.RequestID
	class   entry.HandleClass
	handle  entry.Handle // drawn by the proposer
}

func (c allocateCommand) command() Command {
	var w writer
	w.raw(c.request[:])
	w.u8(uint8(c.class))
	w.raw(c.handle[:])
	return Command{CommandAllocate, w.b}
}

func readAllocate(r *reader) allocateCommand {
	var c allocateCommand
	r.fixed(c.request[:])
	c.class = entry.HandleClass(r.u8())
	r.fixed(c.handle[:])
	return c
}

// allocation is what a request was given.
type allocation struct {
	subject, slot uint64
}

func (a allocation) encode() []byte {
	var w writer
	w.u64(a.subject)
	w.u64(a.slot)
	return w.b
}

func readAllocation(r *reader) allocation { return allocation{r.u64(), r.u64()} }

func (v view) allocation(request entry.RequestID) (*allocation, error) {
	return parsed(v, keyID(rowRequest, request[:]), readAllocation)
}

func (a *applier) allocate(c allocateCommand) (Result, error) {
	known, err := a.allocation(c.request)
	if err != nil {
		return Result{}, err
	}
	if known != nil {
		return Result{Value: known.encode()}, nil
	}
	n, err := a.counters()
	if err != nil {
		return Result{}, err
	}
	fault, err := a.allocateFault(c, n)
	if err != nil || fault != nil {
		return Result{Refusal: fault}, err
	}
	given := allocation{subject: n.subjects, slot: n.slots}
	if err := a.place(c, given, n.leaves); err != nil {
		return Result{}, err
	}
	n.subjects++
	n.slots++
	n.leaves += leavesPerSubject
	return Result{Value: given.encode()}, a.setCounters(n)
}

func (a *applier) allocateFault(c allocateCommand, n counters) (*entry.Refusal, error) {
	t, err := a.top()
	if err != nil {
		return nil, err
	}
	if t == nil || n.leaves+leavesPerSubject > t.blocks*fanOut {
		return entry.Refuse(entry.CodeWrongState, "no keys are left to allocate"), nil
	}
	if c.class < entry.HandleSubject || c.class > entry.HandleOrganisation {
		return entry.Refuse(entry.CodeUnknownCode, "no such handle class"), nil
	}
	taken, err := a.has(keyID(rowHandle, c.handle[:]))
	if err != nil {
		return nil, err
	}
	if taken {
		return entry.Refuse(entry.CodeHandleExists, "the handle drawn is taken"), nil
	}
	vacant, err := a.vacancies()
	if err != nil {
		return nil, err
	}
	if len(vacant) >= maxVacant {
		return entry.Refuse(entry.CodeOverloaded, "%d allocations wait for their registration", maxVacant), nil
	}
	return nil, nil
}

func (a *applier) place(c allocateCommand, given allocation, leaf uint64) error {
	slot := slotRow{handle: c.handle, class: c.class, clinical: leaf + 2, audit: leaf + 3}
	who := subject{class: c.class, identity: leaf, series: leaf + 1}
	if err := a.setSlot(given.slot, &slot); err != nil {
		return err
	}
	if err := a.setSubject(given.subject, &who); err != nil {
		return err
	}
	number := binary.BigEndian.AppendUint64(nil, given.slot)
	if err := a.set(keyID(rowHandle, c.handle[:]), number); err != nil {
		return err
	}
	if err := a.set(keyID(rowRequest, c.request[:]), given.encode()); err != nil {
		return err
	}
	vacant, err := a.vacancies()
	if err != nil {
		return err
	}
	return a.setVacancies(append(vacant, vacancy{given.subject, c.request}))
}

// vacancy is an allocation that was never registered.
type vacancy struct {
	subject uint64
	request entry.RequestID
}

func (v view) vacancies() ([]vacancy, error) {
	list, err := parsed(v, key(rowVacant), func(r *reader) []vacancy {
		list := make([]vacancy, r.count(8+entry.IDSize))
		for i := range list {
			list[i].subject = r.u64()
			r.fixed(list[i].request[:])
		}
		return list
	})
	if err != nil || list == nil {
		return nil, err
	}
	return *list, nil
}

func (a *applier) setVacancies(list []vacancy) error {
	var w writer
	w.count(len(list))
	for _, v := range list {
		w.u64(v.subject)
		w.raw(v.request[:])
	}
	return a.set(key(rowVacant), w.b)
}

// vacate gives up every vacancy and condemns its keys: an attempt to register a
// person may lie in some log under them, and that person may be the one who is
// being erased under the numbers of a later attempt. A client that comes back
// with the request is allocated anew.
func (a *applier) vacate() (leaves []uint64, err error) {
	list, err := a.vacancies()
	if err != nil || len(list) == 0 {
		return nil, err
	}
	for _, v := range list {
		died, err := a.vacateOne(v)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, died...)
	}
	return leaves, a.setVacancies(nil)
}

type vacateCommand struct{}

func (vacateCommand) command() Command { return Command{Type: CommandVacate} }

func readVacate(*reader) vacateCommand { return vacateCommand{} }

func (a *applier) vacateAll(vacateCommand) (Result, error) {
	_, err := a.vacate()
	return Result{}, err
}

func (a *applier) vacateOne(v vacancy) ([]uint64, error) {
	given, err := a.allocation(v.request)
	if err != nil {
		return nil, err
	}
	who, slot, err := a.pair(given)
	if err != nil {
		return nil, err
	}
	leaves := []uint64{who.identity, who.series, slot.clinical, slot.audit}
	for _, k := range [][]byte{
		keyID(rowRequest, v.request[:]), keyID(rowHandle, slot.handle[:]),
		key64(rowSubject, given.subject), key64(rowSlot, given.slot),
	} {
		if err := a.delete(k); err != nil {
			return nil, err
		}
	}
	return leaves, a.doomLeaves(leaves)
}

// errVacated: an allocation was given up between two reads.
var errVacated = errors.New("vault: the allocation has no rows")

// pair reads the two rows of an allocation, which exist if it does.
func (v view) pair(given *allocation) (*subject, *slotRow, error) {
	if given == nil {
		return nil, nil, errWire
	}
	who, err := v.subject(given.subject)
	if err != nil {
		return nil, nil, err
	}
	slot, err := v.slot(given.slot)
	if err != nil {
		return nil, nil, err
	}
	if who == nil || slot == nil {
		return nil, nil, errVacated
	}
	return who, slot, nil
}
