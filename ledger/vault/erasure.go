package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"indelible/ledger/entry"
)

// CheckErasure says whether an erasure of this scope would be refused now: by a
// hold (HOLD_ACTIVE) or a retention floor (RETENTION_FLOOR), each naming the
// class; because one is under way (ERASURE_OPEN) or done (SUBJECT_ERASED); or
// because the handles are not all those of one subject. The api asks it before
// a request is appended.
func (v *Vault) CheckErasure(ctx context.Context, scope entry.Scope, handles []entry.Handle) error {
	now := v.store.view()
	_, who, err := v.subjectWith(now, handles)
	if err != nil {
		return err
	}
	if who.gone.has(entry.ClassIdentity) && scope == entry.ScopeIdentity {
		return errErased()
	}
	slots, err := v.slotsOf(now, handles)
	if err != nil {
		return err
	}
	for _, n := range slots {
		if err := now.noErasureOpen(n); err != nil {
			return err
		}
	}
	return v.permitted(ctx, slots, v.nowMillis(), scopeClasses(scope)...)
}

func (v *Vault) nowMillis() uint64 { return uint64(v.cfg.Now().UnixMilli()) }

// noErasureOpen refuses a second erasure beside one that has not ended.
func (v view) noErasureOpen(slot uint64) error {
	return v.each(key64(rowMark, slot), func(k, _ []byte) (bool, error) {
		row, err := v.erasure(entry.StatementID(k[1+8:]))
		if err != nil {
			return false, err
		}
		if row != nil && row.state != erasureFinished {
			return false, entry.Refuse(entry.CodeErasureOpen, "an erasure of this subject is under way")
		}
		return true, nil
	})
}

// permitted refuses by the first hold or floor that the destruction of these
// classes meets; now is a time in Unix milliseconds.
func (v *Vault) permitted(ctx context.Context, slots []uint64, now uint64, classes ...entry.Class) error {
	class, held, err := v.store.view().held(slots, classes...)
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
	row, err := v.store.view().erasure(request)
	if err != nil {
		return err
	}
	if row == nil || row.state == erasureCancelled {
		return entry.Refuse(entry.CodeWrongState, "the erasure is cancelled or not requested here")
	}
	return v.permitted(ctx, row.slots, v.nowMillis(), scopeClasses(row.scope)...)
}

// BeginErasure makes the vault refuse new records of the subject. It is called
// once the request is in the log and before that is acknowledged, and is
// idempotent.
func (v *Vault) BeginErasure(ctx context.Context, request entry.StatementID) error {
	known, err := v.store.view().erasure(request)
	if err != nil || known != nil {
		return err
	}
	progress, ok, err := v.env.Erasure(request)
	if err != nil {
		return fmt.Errorf("vault: look an erasure up: %w", err)
	}
	if ok && progress.Cancel != (entry.StatementID{}) {
		return nil // cancelled before it began here
	}
	e, s, err := v.evidenceOf(ctx, request)
	if err != nil {
		return err
	}
	n, content, err := v.series(s)
	if err != nil {
		return err
	}
	handles, err := entry.ParseHandleList(content)
	if err != nil {
		return fmt.Errorf("vault: sealed part of an erasure: %w", err)
	}
	slots, err := v.slotsOf(v.store.view(), handles)
	if err != nil {
		return err
	}
	_, err = v.propose(ctx, beginErasureCommand{e, n, slots})
	return err
}

// CancelErasure undoes BeginErasure once a cancellation is in the log: new
// records are accepted again. It is idempotent.
func (v *Vault) CancelErasure(ctx context.Context, request entry.StatementID) error {
	progress, ok, err := v.env.Erasure(request)
	if err != nil {
		return fmt.Errorf("vault: look an erasure up: %w", err)
	}
	if !ok || progress.Cancel == (entry.StatementID{}) {
		return entry.Refuse(entry.CodeWrongState, "the erasure is not cancelled in the log")
	}
	e, _, err := v.evidenceOf(ctx, progress.Cancel)
	if err != nil {
		return err
	}
	_, err = v.propose(ctx, cancelErasureCommand{request, e})
	return err
}

// carry takes every open erasure one step further, if one is due. An erasure
// that cannot go on does not keep the others waiting.
func (v *Vault) carry(ctx context.Context) (bool, error) {
	logged, err := v.env.Erasures()
	if err != nil {
		return false, fmt.Errorf("vault: list erasures: %w", err)
	}
	here, err := v.store.view().openErasures()
	if err != nil {
		return false, err
	}
	acted := false
	var faults []error
	for _, request := range union(here, logged) {
		did, err := v.carryOne(ctx, request)
		acted = acted || did
		if err != nil {
			faults = append(faults, fmt.Errorf("erasure %s: %w", request, err))
		}
	}
	return acted, errors.Join(faults...)
}

// union lists what is in either list, once.
func union(a, b []entry.StatementID) []entry.StatementID {
	list := slices.Concat(a, b)
	slices.SortFunc(list, func(x, y entry.StatementID) int { return slices.Compare(x[:], y[:]) })
	return slices.Compact(list)
}

func (v *Vault) carryOne(ctx context.Context, request entry.StatementID) (bool, error) {
	p, ok, err := v.env.Erasure(request)
	if err != nil || !ok {
		return false, err
	}
	row, err := v.store.view().erasure(request)
	if err != nil {
		return false, err
	}
	switch {
	case row == nil:
		err := v.BeginErasure(ctx, request)
		if isCode(err, entry.CodeSubjectErased) {
			return false, nil // another erasure came first and left nothing to do; an officer may cancel
		}
		return true, err
	case row.state == erasureBegun && p.Cancel != (entry.StatementID{}):
		return true, v.CancelErasure(ctx, request)
	case row.state == erasureBegun:
		return v.execute(ctx, p, row)
	case row.state == erasureCondemned:
		return v.conclude(ctx, p, row)
	}
	return false, nil
}
