package api

import (
	"context"
	"fmt"

	"indelible/ledger/entry"
	"indelible/ledger/vault"
)

// checkErasure asks the vault whether a hold or a retention floor forbids an
// erasure that is requested or approved, before that reaches the log.
func (b *batch) checkErasure(ctx context.Context, sub *submission) error {
	erasure, ok := sub.statement.Body.(*entry.Erasure)
	if !ok || erasure.Step != entry.StepRequest && erasure.Step != entry.StepApprove {
		return nil
	}
	v, err := b.server.vault(b.who.Jurisdiction)
	if err != nil {
		return err
	}
	if erasure.Step == entry.StepApprove {
		return v.CheckApproval(ctx, erasure.Request)
	}
	opening, err := entry.ParseOpening(sub.openings[entry.ClassSeries])
	if err != nil {
		return err
	}
	handles, err := entry.ParseHandleList(opening.Content)
	if err != nil {
		return err
	}
	return v.CheckErasure(ctx, erasure.Scope, handles)
}

// settle does what must have happened before a logged statement is
// acknowledged: a consent raises its subject's guard, an erasure request closes
// the vault to its subject, a hold is in force. It runs for duplicates too,
// because the first attempt may have ended between the log and here.
func (b *batch) settle(ctx context.Context) error {
	for _, sub := range b.submissions {
		if sub.logged == nil {
			continue
		}
		if err := b.settleOne(ctx, sub.statement); err != nil {
			return fmt.Errorf("api: settle: %w", err)
		}
	}
	return nil
}

func (b *batch) settleOne(ctx context.Context, s *entry.Statement) error {
	switch s.Kind {
	case entry.KindConsent, entry.KindErasure, entry.KindHold:
	default:
		return nil
	}
	v, err := b.server.vault(s.Jurisdiction)
	if err != nil {
		return err
	}
	switch body := s.Body.(type) {
	case *entry.Consent:
		return v.RaiseGuard(ctx, []entry.Handle{s.Sub.Handle()})
	case *entry.Erasure:
		return settleErasure(ctx, v, s.ID(), body)
	case *entry.Hold:
		if body.Action == entry.HoldSet {
			return v.BeginHold(ctx, s.ID())
		}
	}
	return b.settleRelease(ctx, v, s)
}

func settleErasure(ctx context.Context, v *vault.Vault, id entry.StatementID, e *entry.Erasure) error {
	switch e.Step {
	case entry.StepRequest:
		return v.BeginErasure(ctx, id)
	case entry.StepCancel:
		return v.CancelErasure(ctx, e.Request)
	}
	v.Wake()
	return nil
}

// settleRelease lifts a hold once its release counts: by the second officer's
// confirmation, or at once where the log has a single authority.
func (b *batch) settleRelease(ctx context.Context, v *vault.Vault, s *entry.Statement) error {
	if s.Kind != entry.KindHold || s.Confirms == nil && !b.server.log.SingleAuthority() {
		return nil
	}
	return v.EndHold(ctx, s.ID())
}
