package vault

import (
	"slices"

	"indelible/ledger/entry"
)

// registerCommand brings an allocation's sealed rows. base is how many
// registrations the proposer had seen when it found that no identifier was
// known yet: another one in between might have been the same person.
type registerCommand struct {
	given  allocation
	base   uint64
	link   []byte // subject number, under the clinical key
	slots  []byte // slot numbers, under the series key
	record []byte // identifiers, under the identity key
}

func (c registerCommand) command() Command {
	var w writer
	w.raw(c.given.encode())
	w.u64(c.base)
	w.bytes(c.link)
	w.bytes(c.slots)
	w.bytes(c.record)
	return Command{CommandRegister, w.b}
}

func readRegister(r *reader) registerCommand {
	c := registerCommand{given: readAllocation(r), base: r.u64()}
	c.link, c.slots, c.record = r.bytes(), r.bytes(), r.bytes()
	return c
}

func (a *applier) register(c registerCommand) (Result, error) {
	n, err := a.counters()
	if err != nil {
		return Result{}, err
	}
	vacant, err := a.vacancies()
	if err != nil {
		return Result{}, err
	}
	at := slices.IndexFunc(vacant, func(v vacancy) bool { return v.subject == c.given.subject })
	if at < 0 || n.registered != c.base {
		return outdated("the directory of subjects")
	}
	given, err := a.allocation(vacant[at].request)
	if err != nil {
		return Result{}, err
	}
	if given == nil || *given != c.given {
		return refuse(entry.CodeMalformed, "a registration names another slot than was allocated")
	}
	who, slot, err := a.pair(given)
	if err != nil {
		return Result{}, err
	}
	slot.link, who.slots, who.record = c.link, c.slots, c.record
	if err := a.setSlot(given.slot, slot); err != nil {
		return Result{}, err
	}
	if err := a.setSubject(given.subject, who); err != nil {
		return Result{}, err
	}
	n.registered++
	if err := a.setCounters(n); err != nil {
		return Result{}, err
	}
	a.effect |= newPerson
	return Result{}, a.setVacancies(slices.Delete(vacant, at, at+1))
}
