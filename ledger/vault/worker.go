package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"indelible/ledger/entry"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/layout"
	"indelible/ledger/vault/store"
)

const (
	postponeFor = time.Minute // before a hold or a floor that refused is looked at again
	roundSteps  = 256         // steps without waiting; then the caller's context is asked
	manyVacant  = 64          // allocations without a registration at which they are given up
)

// workerState is what Run remembers between rounds. It may be lost.
type workerState struct {
	notBefore map[entry.StatementID]time.Time // erasures a rule has refused
	audits    map[uint64]time.Time            // slots whose audit floor has not passed
	swept     time.Time                       // when the last sweep began
	sweepFrom uint64                          // seal time it goes on from
	followed  uint64                          // index of the next entry to look at
	noted     time.Time                       // when followed was last committed
}

func newWorkerState() workerState {
	return workerState{notBefore: make(map[entry.StatementID]time.Time), audits: make(map[uint64]time.Time)}
}

func (w *workerState) postponed(request entry.StatementID, now time.Time) bool {
	return now.Before(w.notBefore[request])
}

// Run advances erasures, destroys keys, follows the log, sweeps. It acts
// from the replicated state alone: what a crash interrupted, on this node
// or on the leader before it, goes on where it stood. It returns nil when ctx is
// done, or an error when this node must stop.
func (v *Vault) Run(ctx context.Context) error {
	v.state = newWorkerState()
	ticker := time.NewTicker(v.cfg.Every)
	defer ticker.Stop()
	if err := v.keys.DestroyAgain(); err != nil {
		return err
	}
	if _, _, _, err := v.directory.find(true); err != nil { // now, and not while the first caller waits
		if fatal(err) {
			return err
		}
		v.warn(ctx, err)
	}
	for {
		err := v.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if fatal(err) {
			return err
		}
		wake := v.wake
		if err != nil {
			wake = nil // what failed may itself be what wakes; wait for the clock
			v.warn(ctx, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-wake:
		}
	}
}

// warn logs an error of ours, which holds no content.
func (v *Vault) warn(ctx context.Context, err error) {
	v.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "vault work goes on later",
		slog.String("jurisdiction", v.group), slog.String("reason", err.Error()))
}

// fatal reports an error after which nothing here can be trusted.
func fatal(err error) bool {
	return errors.Is(err, keytree.ErrLivingKey) || errors.Is(err, keytree.ErrNode) || errors.Is(err, layout.ErrMalformed)
}

// round does everything that is due, until nothing is.
func (v *Vault) round(ctx context.Context) error {
	for range roundSteps {
		acted, err := v.step(ctx)
		if err != nil || !acted {
			return err
		}
	}
	return nil
}

// step goes through the duties in the order in which they depend on each other.
// A member's own come first; most of the leader's wait for them.
func (v *Vault) step(ctx context.Context) (bool, error) {
	if err := v.keys.Broken(); err != nil {
		return false, err
	}
	duties := []func(context.Context) (bool, error){v.setMembers}
	if member, err := v.store.View().IsMember(v.self); err != nil {
		return false, err
	} else if member {
		duties = append(duties, v.keys.DestroyRoots, v.keys.GiveVerdict)
	}
	if v.env.Leads() {
		duties = append(duties, v.keys.Abandon, v.keys.OrderDestruction, v.advance, v.condemnAudits, v.vacate, v.keys.Rekey, v.follow, v.sweep)
	} else {
		duties = append(duties, v.reportAll)
	}
	acted, err := each(duties, func(duty func(context.Context) (bool, error)) (bool, error) { return duty(ctx) })
	return acted && err == nil, err
}

// each does something for every item, and reports whether any of it was done.
// One that fails does not keep the others waiting.
func each[T any](list []T, do func(T) (bool, error)) (acted bool, err error) {
	var faults []error
	for _, item := range list {
		did, err := do(item)
		acted = acted || did
		faults = append(faults, err)
	}
	return acted, errors.Join(faults...)
}

// vacate gives up allocations when many of them were never registered. A caller
// that is still at work on one makes another.
func (v *Vault) vacate(ctx context.Context) (bool, error) {
	vacant, err := v.store.View().Vacancies()
	if err != nil || vacant < manyVacant {
		return false, err
	}
	_, err = v.propose(ctx, &store.Vacate{})
	return err == nil, err
}

// setMembers tells the group who holds this vault, when the log says so
// differently.
func (v *Vault) setMembers(ctx context.Context) (bool, error) {
	if !v.env.Leads() {
		return false, nil
	}
	if _, news, err := v.placed(); err != nil || !news {
		return false, err
	}
	if _, err := v.catchUp(ctx); err != nil { // a log that lags tells of nodes that are no longer, or not of all
		return false, err
	}
	list, news, err := v.placed()
	if err != nil || !news {
		return false, err
	}
	_, err = v.propose(ctx, &store.Members{List: list})
	return true, err
}

// placed lists the nodes placed here by the log, and whether the group knows
// others.
func (v *Vault) placed() (list []store.Member, news bool, err error) {
	if list, err = v.env.Members(); err != nil {
		return nil, false, fmt.Errorf("vault: list members: %w", err)
	}
	slices.SortFunc(list, store.CompareMembers)
	known, err := v.store.View().Members()
	if err != nil {
		return nil, false, err
	}
	same := slices.EqualFunc(list, known, func(a, b store.Member) bool { return a.Author == b.Author })
	return list, !same && len(list) > 0, nil
}
