package vault

import (
	"context"
	"slices"

	"indelible/ledger/entry"
)

type raiseGuardCommand struct{ slots []uint64 }

func (c raiseGuardCommand) command() Command {
	var w writer
	w.u64s(c.slots)
	return Command{CommandRaiseGuard, w.b}
}

func readRaiseGuard(r *reader) raiseGuardCommand { return raiseGuardCommand{r.u64s()} }

func (a *applier) raiseGuard(c raiseGuardCommand) (Result, error) {
	for _, n := range c.slots {
		slot, err := a.view.slot(n)
		if err != nil {
			return Result{}, err
		}
		if slot == nil {
			return refuse(entry.CodeUnknownHandle, "the vault knows no such slot")
		}
	}
	return Result{}, a.raise(c.slots, 0)
}

// raise raises the guard of slots and notes which classes are gone from them.
func (a *applier) raise(slots []uint64, died gone) error {
	for _, n := range slots {
		slot, err := a.view.slot(n)
		if err != nil {
			return err
		}
		if slot == nil {
			return errWire // an erasure or hold names only slots that exist
		}
		slot.guard++
		slot.gone |= died
		if err := a.setSlot(n, slot); err != nil {
			return err
		}
	}
	return nil
}

// knownSlots reports whether a list is a set of slots that exist.
func (v view) knownSlots(slots []uint64) (bool, error) {
	if len(slots) == 0 || !ascending(slots) {
		return false, nil
	}
	for _, n := range slots {
		slot, err := v.slot(n)
		if err != nil || slot == nil {
			return false, err
		}
	}
	return true, nil
}

// Guard reads the counter of a handle's slot, linearizably: it is what an
// access entry's audit part must name.
func (v *Vault) Guard(ctx context.Context, h entry.Handle) (uint64, error) {
	if err := v.env.Barrier(ctx); err != nil {
		return 0, err
	}
	_, slot, err := v.resolve(v.store.view(), h)
	if err != nil {
		return 0, err
	}
	return slot.guard, nil
}

// RaiseGuard raises the counters of these handles' slots. It returns after
// that is committed; what changed is acknowledged only then.
func (v *Vault) RaiseGuard(ctx context.Context, handles []entry.Handle) error {
	slots := make([]uint64, 0, len(handles))
	for _, h := range handles {
		n, _, err := v.resolve(v.store.view(), h)
		if err != nil {
			return err
		}
		slots = append(slots, n)
	}
	slices.Sort(slots)
	_, err := v.propose(ctx, raiseGuardCommand{slices.Compact(slots)})
	return err
}

// resolve finds the slot of a handle.
func (v *Vault) resolve(at view, h entry.Handle) (uint64, *slotRow, error) {
	n, ok, err := at.slotOf(h)
	if err != nil {
		return 0, nil, err
	}
	if !ok {
		return 0, nil, entry.Refuse(entry.CodeUnknownHandle, "the vault knows no such handle")
	}
	slot, err := at.slot(n)
	if err != nil {
		return 0, nil, err
	}
	if slot == nil {
		return 0, nil, errWire
	}
	return n, slot, nil
}
