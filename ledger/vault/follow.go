package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

const (
	followPage = 256              // entries looked at in one go
	noteEvery  = 30 * time.Second // how often the place reached is committed when little happens
)

// Findings is what the vault's worker found when it compared records with the
// log, since this process began.
type Findings struct {
	Followed uint64              // entries of the log looked at, from its beginning
	Missing  uint64              // entries whose sealed record is not here: a fault
	Refused  uint64              // holds in the log that could not be put into force or lifted: a fault
	Waiting  int                 // records without an entry, sealed over an hour ago, as of the last sweep
	Orphans  []entry.StatementID // the first of them
	Swept    uint64              // records dropped because no entry came in 24 hours
}

type findings struct {
	mu  sync.Mutex
	now Findings
}

// Findings returns what was found so far.
func (v *Vault) Findings() Findings {
	v.findings.mu.Lock()
	defer v.findings.mu.Unlock()
	f := v.findings.now
	f.Orphans = append([]entry.StatementID(nil), f.Orphans...)
	return f
}

func (f *findings) change(by func(*Findings)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	by(&f.now)
}

// follow reads the log forward: it puts into force what a crash kept the api
// from putting into force, and looks for the record of every entry.
func (v *Vault) follow(ctx context.Context) (bool, error) {
	committed, err := v.store.View().Followed()
	if err != nil {
		return false, err
	}
	v.state.followed = max(v.state.followed, committed)
	from := v.state.followed
	for v.state.followed < from+followPage {
		e, ok, err := v.env.At(v.state.followed)
		if err != nil {
			return false, fmt.Errorf("vault: follow the log: %w", err)
		}
		if !ok {
			break
		}
		if err := v.lookAt(ctx, e); err != nil {
			return false, fmt.Errorf("vault: follow the log at %d: %w", e.Index, err)
		}
		v.state.followed++
	}
	upto := v.state.followed
	v.findings.change(func(f *Findings) { f.Followed = upto })
	full := upto-from == followPage
	if upto == committed || !full && v.cfg.Now().Sub(v.state.noted) < noteEvery {
		return full, nil
	}
	v.state.noted = v.cfg.Now()
	_, err = v.propose(ctx, &store.Follow{Upto: upto})
	return full, err
}

func (v *Vault) lookAt(ctx context.Context, e Logged) error {
	s := e.Statement
	if s.Jurisdiction != v.group {
		return nil
	}
	if s.Kind == entry.KindHold {
		if err := v.lookHold(ctx, s); err != nil {
			return v.noteRefusal(ctx, e, err)
		}
	}
	if s.Parts == nil {
		return nil
	}
	found, err := v.recordOf(s)
	if err != nil || found {
		return err
	}
	v.findings.change(func(f *Findings) { f.Missing++ })
	v.cfg.Logger.LogAttrs(ctx, slog.LevelError, "an entry has no sealed record",
		slog.String("jurisdiction", v.group), slog.Uint64("index", e.Index), slog.String("kind", s.Kind.String()))
	return nil
}

// lookHold does what the api does after a hold's entry was committed.
func (v *Vault) lookHold(ctx context.Context, s *entry.Statement) error {
	if s.Confirms != nil {
		return v.EndHold(ctx, s.ID())
	}
	body, ok := s.Body.(*entry.Hold)
	switch {
	case ok && body.Action == entry.HoldSet:
		return v.BeginHold(ctx, s.ID())
	case ok && v.store.SingleAuthority():
		return v.EndHold(ctx, s.ID())
	}
	return nil
}

// recordOf reports whether a logged statement's record is where it belongs, or
// belongs nowhere any more.
func (v *Vault) recordOf(s *entry.Statement) (bool, error) {
	now := v.store.View()
	if s.Kind == entry.KindErasure || s.Kind == entry.KindHold {
		_, ok, err := now.Sealer(s.ID())
		return ok, err
	}
	h, err := v.env.Owner(s)
	if err != nil {
		return false, err
	}
	n, ok, err := now.Find(h)
	if err != nil || !ok {
		return false, err
	}
	slot, err := now.Slot(n)
	if err != nil || slot == nil {
		return false, err
	}
	owner, class := store.DataOf(n), entry.ClassClinical
	if s.Kind == entry.KindAccess {
		owner, class = store.AuditOf(n), entry.ClassAudit
	}
	if slot.Gone.Has(class) {
		return true, nil
	}
	return now.HasRecord(owner, s.ID())
}

// noteRefusal writes down that a logged hold could not be put into force or
// lifted here, and lets the follower go on. Any other error is the caller's.
func (v *Vault) noteRefusal(ctx context.Context, e Logged, err error) error {
	var refusal *entry.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	v.findings.change(func(f *Findings) { f.Refused++ })
	v.cfg.Logger.LogAttrs(ctx, slog.LevelError, "a logged hold has no effect here",
		slog.String("jurisdiction", v.group), slog.Uint64("index", e.Index), slog.String("code", string(refusal.Code)))
	return nil
}
