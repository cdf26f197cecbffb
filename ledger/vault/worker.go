package vault

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"indelible/ledger/entry"
)

const (
	postponeFor = time.Minute // before a floor that refused is looked at again
	roundSteps  = 256         // rounds without waiting; then the caller's context gets a word
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

// Run carries erasures along, destroys keys, follows the log, sweeps. It acts
// from the replicated state alone: whatever a crash interrupted, on this node
// or on the leader before it, goes on where it stood. It returns nil when ctx is
// done, or an error when this node must stop.
func (v *Vault) Run(ctx context.Context) error {
	v.state = newWorkerState()
	ticker := time.NewTicker(v.cfg.Every)
	defer ticker.Stop()
	if err := v.strays(); err != nil {
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
		slog.String("jurisdiction", v.store.group), slog.String("reason", err.Error()))
}

// fatal reports an error after which nothing here can be trusted.
func fatal(err error) bool {
	return errors.Is(err, errLivingKey) || errors.Is(err, errNode) || errors.Is(err, errWire)
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
	if err := v.broken(); err != nil {
		return false, err
	}
	acted := false
	duties := []func(context.Context) (bool, error){v.setMembers}
	if member, err := v.store.view().member(v.self); err != nil {
		return false, err
	} else if member != nil {
		duties = append(duties, v.destroyHere, v.judge)
	}
	if v.env.Leads() {
		duties = append(duties, v.abandon, v.destroyRoots, v.carry, v.carryAudits, v.giveUp, v.rotate, v.follow, v.sweep)
	} else {
		duties = append(duties, v.reportOnly)
	}
	var faults []error
	for _, duty := range duties {
		did, err := duty(ctx)
		acted = acted || did
		if err != nil {
			faults = append(faults, err)
		}
	}
	return acted && len(faults) == 0, errors.Join(faults...)
}

// reportOnly is what a member that does not lead says of erasures: that it has
// executed them.
func (v *Vault) reportOnly(ctx context.Context) (bool, error) {
	open, err := v.store.view().openErasures()
	if err != nil {
		return false, err
	}
	acted := false
	for _, request := range open {
		p, ok, err := v.env.Erasure(request)
		if err != nil {
			return acted, err
		}
		row, err := v.store.view().erasure(request)
		if err != nil {
			return acted, err
		}
		if !ok || row == nil || row.state != erasureCondemned || slices.Contains(p.Executed, v.self) {
			continue
		}
		did, err := v.reportExecuted(ctx, p, row)
		acted = acted || did
		if err != nil {
			return acted, err
		}
	}
	return acted, nil
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
	if _, err := v.env.Tick(ctx); err != nil { // a log that lags tells of nodes that are no longer, or not of all
		return false, fmt.Errorf("vault: catch up with the log: %w", err)
	}
	list, news, err := v.placed()
	if err != nil || !news {
		return false, err
	}
	_, err = v.propose(ctx, membersCommand{list})
	return true, err
}

// placed lists the nodes placed here by the log, and whether the group knows
// others.
func (v *Vault) placed() (list []Member, news bool, err error) {
	if list, err = v.env.Members(); err != nil {
		return nil, false, fmt.Errorf("vault: list members: %w", err)
	}
	slices.SortFunc(list, compareMembers)
	known, err := v.store.view().membersNow()
	if err != nil {
		return nil, false, err
	}
	same := slices.EqualFunc(list, known, func(a, b Member) bool { return a.Author == b.Author })
	return list, !same && len(list) > 0, nil
}

// postpone puts an erasure off that a hold or a floor refuses, and says so once
// per delay. Any other error is the caller's.
func (v *Vault) postpone(ctx context.Context, request entry.StatementID, err error) error {
	var refusal *entry.Refusal
	if !errors.As(err, &refusal) || refusal.Code != entry.CodeHoldActive && refusal.Code != entry.CodeRetentionFloor {
		return err
	}
	v.state.notBefore[request] = v.cfg.Now().Add(postponeFor)
	v.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "erasure waits",
		slog.String("jurisdiction", v.store.group), slog.String("request", request.String()),
		slog.String("rule", string(refusal.Code)))
	return nil
}

// carryAudits condemns the audit keys of erased slots whose floor has passed.
func (v *Vault) carryAudits(ctx context.Context) (bool, error) {
	var due []uint64
	err := v.store.view().each(key(rowLater), func(k, _ []byte) (bool, error) {
		if n := binary.BigEndian.Uint64(k[1:]); !v.cfg.Now().Before(v.state.audits[n]) {
			due = append(due, n)
		}
		return true, nil
	})
	if err != nil {
		return false, err
	}
	acted := false
	for _, n := range due {
		did, err := v.carryAudit(ctx, n)
		acted = acted || did
		if err != nil {
			return acted, err
		}
	}
	return acted, nil
}

func (v *Vault) carryAudit(ctx context.Context, n uint64) (bool, error) {
	err := v.auditFault(ctx, n)
	if err == nil {
		_, err = v.propose(ctx, condemnAuditCommand{n})
	}
	var refusal *entry.Refusal
	if errors.As(err, &refusal) && (refusal.Code == entry.CodeHoldActive || refusal.Code == entry.CodeRetentionFloor) {
		v.state.audits[n] = v.cfg.Now().Add(postponeFor)
		return false, nil
	}
	if err == nil {
		delete(v.state.audits, n)
	}
	return err == nil, err
}

// auditFault refuses what would destroy audit records that a hold or their floor
// protects. Our own clock is asked first, because that costs nothing; what
// counts is ledger time, in a log that is caught up.
func (v *Vault) auditFault(ctx context.Context, n uint64) error {
	if err := v.permitted(ctx, []uint64{n}, v.nowMillis(), entry.ClassAudit); err != nil {
		return err
	}
	ledgerTime, err := v.env.Tick(ctx)
	if err != nil {
		return fmt.Errorf("vault: move ledger time: %w", err)
	}
	return v.permitted(ctx, []uint64{n}, ledgerTime, entry.ClassAudit)
}
