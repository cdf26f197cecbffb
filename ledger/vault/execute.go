package vault

import (
	"context"
	"fmt"
	"io"
	"slices"

	"indelible/ledger/entry"
)

// execute condemns the keys of an approved erasure once ledger time has passed
// its grace. From then on the log accepts no cancellation, so that nothing can
// be cancelled that is already destroyed.
func (v *Vault) execute(ctx context.Context, p Progress, row *erasureRow) (bool, error) {
	due := p.Approved + v.store.rule.Grace
	if p.Approval == (entry.StatementID{}) || v.nowMillis() < due || v.state.postponed(p.Request, v.cfg.Now()) {
		return false, nil
	}
	ledgerTime, err := v.env.Tick(ctx)
	if err != nil {
		return false, fmt.Errorf("vault: move ledger time: %w", err)
	}
	if ledgerTime < due {
		return false, nil
	}
	if again, ok, err := v.env.Erasure(p.Request); err != nil || !ok || again.Cancel != (entry.StatementID{}) {
		return false, err
	}
	// A hold may be in the log and not in force: its node died in between.
	if behind, err := v.follow(ctx); err != nil || behind {
		return behind, err
	}
	if err := v.permitted(ctx, row.slots, ledgerTime, scopeClasses(row.scope)...); err != nil {
		return false, v.postpone(ctx, p.Request, err)
	}
	approval, _, err := v.evidenceOf(ctx, p.Approval)
	if err != nil {
		return false, err
	}
	_, err = v.propose(ctx, condemnCommand{p.Request, approval, ledgerTime})
	if isCode(err, entry.CodeHoldActive) {
		return false, v.postpone(ctx, p.Request, err)
	}
	return true, err
}

// conclude signs and appends what the log is to say of a condemned erasure:
// executed when no key of it is in the tree and no older root version is left
// on this node; complete when every member has executed or is lost.
func (v *Vault) conclude(ctx context.Context, p Progress, row *erasureRow) (bool, error) {
	if p.Completed {
		return v.finish(ctx, p.Request)
	}
	if !slices.Contains(p.Executed, v.self) {
		return v.reportExecuted(ctx, p, row)
	}
	members, err := v.env.Members()
	if err != nil {
		return false, fmt.Errorf("vault: list members: %w", err)
	}
	for _, m := range members {
		if !slices.Contains(p.Executed, m.Author) && !slices.Contains(p.Lost, m.Author) {
			return false, nil
		}
	}
	if !v.env.Leads() {
		return false, nil
	}
	return true, v.say(ctx, p.Request, &entry.Erasure{Step: entry.StepComplete, Request: p.Request})
}

func (v *Vault) reportExecuted(ctx context.Context, p Progress, row *erasureRow) (bool, error) {
	left, err := v.store.view().anyDoomed(row.leaves)
	if err != nil || left {
		return false, err
	}
	current, ok, err := v.rootsGone()
	if err != nil {
		return false, err
	}
	if !ok {
		return false, v.strays() // one that somebody put back would keep us waiting for ever
	}
	body := &entry.Erasure{Step: entry.StepExecuted, Request: p.Request, RootVersion: current}
	body.Method, body.Strength = v.provider.Claim()
	return true, v.say(ctx, p.Request, body)
}

// say appends a step of an erasure in this node's name. The signed bytes are
// kept in the group before they are sent, and only those are ever sent.
func (v *Vault) say(ctx context.Context, request entry.StatementID, body *entry.Erasure) error {
	s, err := v.kept(ctx, request, body)
	if err != nil {
		return err
	}
	if _, _, err := v.env.Append(ctx, s, 0); err != nil {
		return fmt.Errorf("vault: append %s of an erasure: %w", body.Step, err)
	}
	return nil
}

func (v *Vault) kept(ctx context.Context, request entry.StatementID, body *entry.Erasure) (*entry.Statement, error) {
	raw, err := v.store.view().get(keyKept(request, v.self, body.Step))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		if raw, err = v.keep(ctx, request, body); err != nil {
			return nil, err
		}
	}
	s, err := entry.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("vault: parse the statement kept: %w", err)
	}
	return s, nil
}

func (v *Vault) keep(ctx context.Context, request entry.StatementID, body *entry.Erasure) ([]byte, error) {
	var id entry.RequestID
	if _, err := io.ReadFull(v.cfg.Rand, id[:]); err != nil {
		return nil, fmt.Errorf("vault: draw a request id: %w", err)
	}
	s, err := v.env.Sign(entry.Draft{
		Kind: entry.KindErasure, Log: v.cfg.Log, IssuedAt: v.nowMillis(), Jurisdiction: v.store.group, Request: &id, Body: body,
	})
	if err != nil {
		return nil, fmt.Errorf("vault: sign %s of an erasure: %w", body.Step, err)
	}
	result, err := v.propose(ctx, keepStatementCommand{request, v.self, body.Step, s.Bytes()})
	return result.Value, err
}

// finish drops the rows of a completed erasure. The complete entry is one of
// those that members kept before they sent them.
func (v *Vault) finish(ctx context.Context, request entry.StatementID) (bool, error) {
	var found *entry.StatementID
	err := v.store.view().each(keyID(rowKept, request[:]), func(k, value []byte) (bool, error) {
		if entry.ErasureStep(k[len(k)-1]) != entry.StepComplete {
			return true, nil
		}
		s, err := entry.Parse(value)
		if err != nil {
			return false, fmt.Errorf("vault: parse the statement kept: %w", err)
		}
		id := s.ID()
		_, logged, err := v.env.Entry(id)
		if logged {
			found = &id
		}
		return !logged, err
	})
	if err != nil || found == nil {
		return false, err
	}
	complete, _, err := v.evidenceOf(ctx, *found)
	if err != nil {
		return false, err
	}
	_, err = v.propose(ctx, finishErasureCommand{request, complete})
	return true, err
}
