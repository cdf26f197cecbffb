package vault

import (
	"context"
	"slices"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// Guard reads the counter of a handle's slot, linearizably: it is what an
// access entry's audit part must name.
func (v *Vault) Guard(ctx context.Context, h entry.Handle) (uint64, error) {
	if err := v.env.Barrier(ctx); err != nil {
		return 0, err
	}
	_, slot, err := v.store.View().Resolve(h)
	if err != nil {
		return 0, err
	}
	return slot.Guard, nil
}

// RaiseGuard raises the counters of these handles' slots. It returns after
// that is committed; what changed is acknowledged only then.
func (v *Vault) RaiseGuard(ctx context.Context, handles []entry.Handle) error {
	slots, err := slotsOf(v.store.View(), handles)
	if err == nil {
		_, err = v.propose(ctx, &store.RaiseGuard{Slots: slots})
	}
	return err
}

// slotsOf resolves handles to a set of slots.
func slotsOf(now store.View, handles []entry.Handle) ([]uint64, error) {
	slots := make([]uint64, 0, len(handles))
	for _, h := range handles {
		n, _, err := now.Resolve(h)
		if err != nil {
			return nil, err
		}
		slots = append(slots, n)
	}
	slices.Sort(slots)
	return slices.Compact(slots), nil
}
