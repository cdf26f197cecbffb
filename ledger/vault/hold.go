package vault

import (
	"context"
	"fmt"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// BeginHold puts a hold into force once its set entry is in the log and before
// that is acknowledged. It is idempotent.
func (v *Vault) BeginHold(ctx context.Context, set entry.StatementID) error {
	known, err := v.store.View().HasHold(set)
	if err != nil || known {
		return err
	}
	e, who, opening, err := v.sealedEvidence(ctx, set)
	if err != nil {
		return err
	}
	target, err := entry.ParseHoldTarget(opening)
	if err != nil {
		return fmt.Errorf("vault: sealed part of a hold: %w", err)
	}
	slots, err := slotsOf(v.store.View(), target.Handles)
	if err != nil {
		return err
	}
	_, err = v.propose(ctx, &store.SetHold{Set: e, Subject: who, Class: target.Class, Slots: slots})
	return err
}

// EndHold lifts a hold. The statement named is the one by which the release
// took effect: its confirmation, or, in a log with a single authority, the
// release itself. It is idempotent.
func (v *Vault) EndHold(ctx context.Context, effective entry.StatementID) error {
	last, s, err := v.evidenceOf(ctx, effective)
	if err != nil {
		return err
	}
	c := &store.ReleaseHold{Release: last}
	if s.Confirms != nil {
		c.Confirmation = last
		if c.Release, _, err = v.evidenceOf(ctx, *s.Confirms); err != nil {
			return err
		}
	}
	_, err = v.propose(ctx, c)
	return err
}
