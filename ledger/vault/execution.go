package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// advance takes every open erasure one step further, if one is due.
func (v *Vault) advance(ctx context.Context) (bool, error) {
	logged, err := v.env.Erasures()
	if err != nil {
		return false, fmt.Errorf("vault: list erasures: %w", err)
	}
	here, err := v.store.View().OpenErasures()
	if err != nil {
		return false, err
	}
	list := slices.Concat(here, logged)
	slices.SortFunc(list, func(a, b entry.StatementID) int { return bytes.Compare(a[:], b[:]) })
	return each(slices.Compact(list), func(request entry.StatementID) (bool, error) {
		did, err := v.advanceOne(ctx, request)
		if err != nil {
			err = fmt.Errorf("erasure %s: %w", request, err)
		}
		return did, err
	})
}

func (v *Vault) advanceOne(ctx context.Context, request entry.StatementID) (bool, error) {
	p, ok, err := v.progress(request)
	if err != nil || !ok {
		return false, err
	}
	e, err := v.store.View().Erasure(request)
	if err != nil {
		return false, err
	}
	switch {
	case e == nil:
		err := v.BeginErasure(ctx, request)
		if isCode(err, entry.CodeSubjectErased) {
			return false, nil // another erasure came first and left nothing to do; an officer may cancel
		}
		return true, err
	case e.State == store.ErasureBegun && p.Cancel != (entry.StatementID{}):
		return true, v.CancelErasure(ctx, request)
	case e.State == store.ErasureBegun:
		return v.condemn(ctx, p, e)
	case e.State == store.ErasureCondemned:
		return v.conclude(ctx, p, e)
	}
	return false, nil
}

// condemn condemns the keys of an approved erasure once ledger time has passed
// its grace. From then on the log accepts no cancellation, so that nothing can
// be cancelled that is already destroyed.
func (v *Vault) condemn(ctx context.Context, p Progress, e *store.Erasure) (bool, error) {
	due := p.Approved + v.store.Grace()
	if p.Approval == (entry.StatementID{}) || v.nowMillis() < due || v.state.postponed(p.Request, v.cfg.Now()) {
		return false, nil
	}
	ledgerTime, err := v.catchUp(ctx)
	if err != nil || ledgerTime < due {
		return false, err
	}
	if again, ok, err := v.progress(p.Request); err != nil || !ok || again.Cancel != (entry.StatementID{}) {
		return false, err
	}
	// A hold may be in the log and not in force: its node died in between.
	if behind, err := v.follow(ctx); err != nil || behind {
		return behind, err
	}
	if err := v.permitted(ctx, e.Slots, ledgerTime, store.ClassesOf(e.Scope)...); err != nil {
		return false, v.postpone(ctx, p.Request, err)
	}
	approval, _, err := v.evidenceOf(ctx, p.Approval)
	if err != nil {
		return false, err
	}
	_, err = v.propose(ctx, &store.Condemn{Request: p.Request, Approval: approval, LedgerTime: ledgerTime})
	if isCode(err, entry.CodeHoldActive) {
		return false, v.postpone(ctx, p.Request, err)
	}
	return true, err
}

// conclude signs and appends what the log is to say of a condemned erasure:
// executed when no key of it is in the tree and no older root version is left
// on this node; complete when every member has executed or is lost.
func (v *Vault) conclude(ctx context.Context, p Progress, e *store.Erasure) (bool, error) {
	if p.Completed {
		return v.finish(ctx, p.Request)
	}
	if !slices.Contains(p.Executed, v.self) {
		return v.reportExecuted(ctx, p, e)
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
	return true, v.appendStep(ctx, p.Request, &entry.Erasure{Step: entry.StepComplete, Request: p.Request})
}

func (v *Vault) reportExecuted(ctx context.Context, p Progress, e *store.Erasure) (bool, error) {
	left, err := v.store.View().AnyCondemned(e.Leaves)
	if err != nil || left {
		return false, err
	}
	current, ok, err := v.keys.OnlyCurrent()
	if err != nil {
		return false, err
	}
	if !ok {
		return false, v.keys.DestroyAgain() // a version that was put back would keep us waiting
	}
	body := &entry.Erasure{Step: entry.StepExecuted, Request: p.Request, RootVersion: current}
	body.Method, body.Strength = v.keys.Claim()
	return true, v.appendStep(ctx, p.Request, body)
}

// reportAll is what a member that does not lead says of erasures: that it has
// executed them.
func (v *Vault) reportAll(ctx context.Context) (bool, error) {
	open, err := v.store.View().OpenErasures()
	if err != nil {
		return false, err
	}
	return each(open, func(request entry.StatementID) (bool, error) {
		p, ok, err := v.progress(request)
		if err != nil || !ok || slices.Contains(p.Executed, v.self) {
			return false, err
		}
		e, err := v.store.View().Erasure(request)
		if err != nil || e == nil || e.State != store.ErasureCondemned {
			return false, err
		}
		return v.reportExecuted(ctx, p, e)
	})
}

// appendStep appends a step of an erasure in this node's name. The signed bytes are
// kept in the group before they are sent, and only those are ever sent.
func (v *Vault) appendStep(ctx context.Context, request entry.StatementID, body *entry.Erasure) error {
	s, err := v.keptStep(ctx, request, body)
	if err != nil {
		return err
	}
	if _, _, err := v.env.Append(ctx, s, 0); err != nil {
		return fmt.Errorf("vault: append %s of an erasure: %w", body.Step, err)
	}
	return nil
}

func (v *Vault) keptStep(ctx context.Context, request entry.StatementID, body *entry.Erasure) (*entry.Statement, error) {
	raw, err := v.store.View().Kept(request, v.self, body.Step)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		if raw, err = v.keepStep(ctx, request, body); err != nil {
			return nil, err
		}
	}
	s, err := entry.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("vault: parse the statement kept: %w", err)
	}
	return s, nil
}

func (v *Vault) keepStep(ctx context.Context, request entry.StatementID, body *entry.Erasure) ([]byte, error) {
	var id entry.RequestID
	if _, err := io.ReadFull(v.cfg.Rand, id[:]); err != nil {
		return nil, fmt.Errorf("vault: draw a request id: %w", err)
	}
	s, err := v.env.Sign(entry.Draft{
		Kind: entry.KindErasure, Log: v.cfg.Log, IssuedAt: v.nowMillis(), Jurisdiction: v.group, Request: &id, Body: body,
	})
	if err != nil {
		return nil, fmt.Errorf("vault: sign %s of an erasure: %w", body.Step, err)
	}
	result, err := v.propose(ctx, &store.KeepStatement{Request: request, Author: v.self, Step: body.Step, Statement: s.Bytes()})
	return result.Value, err
}

// finish drops the rows of a completed erasure. The complete entry is one of
// those that members kept before they sent them.
func (v *Vault) finish(ctx context.Context, request entry.StatementID) (bool, error) {
	var found *entry.StatementID
	err := v.store.View().KeptCompletes(request, func(statement []byte) (bool, error) {
		s, err := entry.Parse(statement)
		if err != nil {
			return false, fmt.Errorf("vault: parse the statement kept: %w", err)
		}
		id := s.ID()
		_, logged, err := v.logged(id)
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
	_, err = v.propose(ctx, &store.FinishErasure{Request: request, Complete: complete})
	return true, err
}

// postpone puts an erasure off that a hold or a floor refuses, and says so once
// per delay. Any other error is the caller's.
func (v *Vault) postpone(ctx context.Context, request entry.StatementID, err error) error {
	if !mustWait(err) {
		return err
	}
	var refusal *entry.Refusal
	errors.As(err, &refusal)
	v.state.notBefore[request] = v.cfg.Now().Add(postponeFor)
	v.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "erasure waits",
		slog.String("jurisdiction", v.group), slog.String("request", request.String()),
		slog.String("rule", string(refusal.Code)))
	return nil
}

// mustWait reports whether an error is the refusal of a hold or a floor.
func mustWait(err error) bool {
	return isCode(err, entry.CodeHoldActive) || isCode(err, entry.CodeRetentionFloor)
}
