package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"indelible/ledger/entry"
)

const (
	followPage  = 256              // entries looked at in one go
	noteEvery   = 30 * time.Second // how often the place reached is committed when little happens
	sweepEvery  = time.Minute
	listOrphans = 100
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

type books struct {
	mu  sync.Mutex
	now Findings
}

// Findings returns what was found so far.
func (v *Vault) Findings() Findings {
	v.books.mu.Lock()
	defer v.books.mu.Unlock()
	f := v.books.now
	f.Orphans = append([]entry.StatementID(nil), f.Orphans...)
	return f
}

func (b *books) change(f func(*Findings)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.now)
}

// follow reads the log forward: it puts into force what a crash kept the api
// from putting into force, and looks for the record of every entry.
func (v *Vault) follow(ctx context.Context) (bool, error) {
	committed, err := v.store.view().followed()
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
		if err := v.look(ctx, e); err != nil {
			return false, fmt.Errorf("vault: follow the log at %d: %w", e.Index, err)
		}
		v.state.followed++
	}
	upto := v.state.followed
	v.books.change(func(f *Findings) { f.Followed = upto })
	full := upto-from == followPage
	if upto == committed || !full && v.cfg.Now().Sub(v.state.noted) < noteEvery {
		return full, nil
	}
	v.state.noted = v.cfg.Now()
	_, err = v.propose(ctx, followCommand{upto})
	return full, err
}

func (v *Vault) look(ctx context.Context, e Logged) error {
	s := e.Statement
	if s.Jurisdiction != v.store.group {
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
	v.books.change(func(f *Findings) { f.Missing++ })
	v.cfg.Logger.LogAttrs(ctx, slog.LevelError, "an entry has no sealed record",
		slog.String("jurisdiction", v.store.group), slog.Uint64("index", e.Index), slog.String("kind", s.Kind.String()))
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
	case ok && v.store.single:
		return v.EndHold(ctx, s.ID())
	}
	return nil
}

// recordOf reports whether a logged statement's record is where it belongs, or
// belongs nowhere any more.
func (v *Vault) recordOf(s *entry.Statement) (bool, error) {
	now := v.store.view()
	id := s.ID()
	if s.Kind == entry.KindErasure || s.Kind == entry.KindHold {
		return now.has(keyID(rowSealer, id[:]))
	}
	h, err := v.env.Owner(s)
	if err != nil {
		return false, err
	}
	n, ok, err := now.slotOf(h)
	if err != nil || !ok {
		return false, err
	}
	slot, err := now.slot(n)
	if err != nil || slot == nil {
		return false, err
	}
	o := owner{space: spaceSlot, number: n, group: groupData}
	class := entry.ClassClinical
	if s.Kind == entry.KindAccess {
		o.group, class = groupAudit, entry.ClassAudit
	}
	if slot.gone.has(class) {
		return true, nil
	}
	return now.has(o.key(id))
}

// noteRefusal writes down that a logged hold could not be put into force or
// lifted here, and lets the follower go on. Any other error is the caller's.
func (v *Vault) noteRefusal(ctx context.Context, e Logged, err error) error {
	var refusal *entry.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	v.books.change(func(f *Findings) { f.Refused++ })
	v.cfg.Logger.LogAttrs(ctx, slog.LevelError, "a logged hold has no effect here",
		slog.String("jurisdiction", v.store.group), slog.Uint64("index", e.Index), slog.String("code", string(refusal.Code)))
	return nil
}

// sweep looks at records sealed over an hour ago that have not been found in
// the log, and drops those that are a day old.
func (v *Vault) sweep(ctx context.Context) (bool, error) {
	now := v.nowMillis()
	if now < orphanAge || v.state.sweepFrom == 0 && v.cfg.Now().Sub(v.state.swept) < sweepEvery {
		return false, nil
	}
	if v.state.sweepFrom == 0 {
		v.state.swept = v.cfg.Now()
		v.books.change(func(f *Findings) { f.Waiting, f.Orphans = 0, nil })
	}
	c, settled, err := v.sweepPage(v.state.sweepFrom, now-settleAge)
	if err != nil {
		return false, err
	}
	if len(c.kept)+len(c.orphans) > 0 {
		// After a start the log may not be replayed as far as the vault is: to
		// call a record an orphan takes a log that is caught up.
		if _, err := v.env.Tick(ctx); err != nil {
			return false, fmt.Errorf("vault: catch up with the log: %w", err)
		}
		if c, settled, err = v.sweepPage(v.state.sweepFrom, now-settleAge); err != nil {
			return false, err
		}
	}
	v.state.sweepFrom = c.to
	if c.to >= now-settleAge {
		v.state.sweepFrom = 0
	}
	v.books.change(func(f *Findings) {
		f.Waiting += len(c.kept)
		for _, e := range c.kept[:min(len(c.kept), listOrphans-len(f.Orphans))] {
			f.Orphans = append(f.Orphans, e.id)
		}
	})
	if settled == 0 && len(c.orphans) == 0 {
		return v.state.sweepFrom != 0, nil
	}
	if _, err := v.propose(ctx, c); err != nil {
		return false, unlessOutdated(err)
	}
	dropped := uint64(len(c.orphans))
	v.books.change(func(f *Findings) { f.Swept += dropped })
	return v.state.sweepFrom != 0, nil
}

// sweepPage reads a page of seal times. It ends between two instants, because
// the command that follows speaks of instants.
func (v *Vault) sweepPage(from, to uint64) (sweepCommand, int, error) {
	c := sweepCommand{from: from, to: to}
	settled, seen := 0, 0
	last := from
	err := v.store.view().span(key64(rowRecent, from), key64(rowRecent, to), func(k, _ []byte) (bool, error) {
		e, err := parseRecent(k)
		if err != nil {
			return false, err
		}
		if seen >= sweepPage && e.at != last {
			c.to = e.at
			return false, nil
		}
		seen, last = seen+1, e.at
		_, ok, err := v.env.Entry(e.id)
		switch {
		case err != nil:
			return false, fmt.Errorf("vault: find the entry of a record: %w", err)
		case ok:
			settled++
		case e.at+orphanAge <= v.nowMillis():
			c.orphans = append(c.orphans, e)
		default:
			c.kept = append(c.kept, e)
		}
		return true, nil
	})
	return c, settled, err
}
