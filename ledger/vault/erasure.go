package vault

import (
	"context"
	"fmt"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// CheckErasure says whether an erasure of this scope would be refused now: by a
// hold (HOLD_ACTIVE) or a retention floor (RETENTION_FLOOR), each naming the
// class; because one is under way (ERASURE_OPEN) or done (SUBJECT_ERASED); or
// because the handles are not all those of one subject. The api asks it before
// a request is appended.
func (v *Vault) CheckErasure(ctx context.Context, scope entry.Scope, handles []entry.Handle) error {
	now := v.store.View()
	_, who, slots, err := v.subjectWith(now, handles)
	if err != nil {
		return err
	}
	if who.Gone.Has(entry.ClassIdentity) && scope == entry.ScopeIdentity {
		return store.Erased()
	}
	for _, n := range slots {
		if err := now.RefuseOpenErasure(n); err != nil {
			return err
		}
	}
	return v.permitted(ctx, slots, v.nowMillis(), store.ClassesOf(scope)...)
}

// permitted refuses by the first hold or floor that the destruction of these
// classes meets; now is a time in Unix milliseconds.
func (v *Vault) permitted(ctx context.Context, slots []uint64, now uint64, classes ...entry.Class) error {
	class, held, err := v.store.View().Held(slots, classes...)
	if err != nil {
		return err
	}
	if held {
		return entry.Refuse(entry.CodeHoldActive, "a hold covers the %s records%s", class, narrower(class))
	}
	return v.floorFault(ctx, slots, now, classes...)
}

// CheckApproval is CheckErasure for a request that is in the log: what has
// changed since may refuse its approval.
func (v *Vault) CheckApproval(ctx context.Context, request entry.StatementID) error {
	if err := v.BeginErasure(ctx, request); err != nil {
		return err
	}
	e, err := v.store.View().Erasure(request)
	if err != nil {
		return err
	}
	if e == nil || e.State == store.ErasureCancelled {
		return entry.Refuse(entry.CodeWrongState, "the erasure is cancelled or not requested here")
	}
	return v.permitted(ctx, e.Slots, v.nowMillis(), store.ClassesOf(e.Scope)...)
}

// BeginErasure makes the vault refuse new records of the subject. It is called
// once the request is in the log and before that is acknowledged, and is
// idempotent.
func (v *Vault) BeginErasure(ctx context.Context, request entry.StatementID) error {
	known, err := v.store.View().Erasure(request)
	if err != nil || known != nil {
		return err
	}
	progress, ok, err := v.progress(request)
	if err != nil {
		return err
	}
	if ok && progress.Cancel != (entry.StatementID{}) {
		return nil // cancelled before it began here
	}
	e, n, content, err := v.sealedEvidence(ctx, request)
	if err != nil {
		return err
	}
	handles, err := entry.ParseHandleList(content)
	if err != nil {
		return fmt.Errorf("vault: sealed part of an erasure: %w", err)
	}
	slots, err := slotsOf(v.store.View(), handles)
	if err != nil {
		return err
	}
	_, err = v.propose(ctx, &store.BeginErasure{Request: e, Subject: n, Slots: slots})
	return err
}

// CancelErasure undoes BeginErasure once a cancellation is in the log: new
// records are accepted again. It is idempotent.
func (v *Vault) CancelErasure(ctx context.Context, request entry.StatementID) error {
	progress, ok, err := v.progress(request)
	if err != nil {
		return err
	}
	if !ok || progress.Cancel == (entry.StatementID{}) {
		return entry.Refuse(entry.CodeWrongState, "the erasure is not cancelled in the log")
	}
	e, _, err := v.evidenceOf(ctx, progress.Cancel)
	if err != nil {
		return err
	}
	_, err = v.propose(ctx, &store.CancelErasure{Request: request, Cancel: e})
	return err
}
