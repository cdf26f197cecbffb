package vault

import (
	"context"
	"time"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// floorFault refuses what would destroy a class whose newest entry in one of
// the slots is younger than its floor.
func (v *Vault) floorFault(ctx context.Context, slots []uint64, now uint64, classes ...entry.Class) error {
	for _, class := range classes {
		floor := v.store.Floor(class)
		if floor == 0 {
			continue
		}
		for _, n := range slots {
			until, err := v.keptUntil(ctx, n, class, floor, now)
			if err != nil {
				return err
			}
			if until != 0 {
				return entry.Refuse(entry.CodeRetentionFloor, "%s records are kept at least until %s%s",
					class, time.UnixMilli(int64(until)).UTC().Format(time.RFC3339), narrower(class))
			}
		}
	}
	return nil
}

// narrower is what an officer can do instead.
func narrower(class entry.Class) string {
	if class == entry.ClassClinical {
		return "; an erasure of scope identity is not bound by this"
	}
	return ""
}

// keptUntil looks in a slot for an entry of a class that its floor still
// protects and returns until when; 0 when there is none. A record that was
// sealed long enough ago need not be looked up: its entry came within the hour
// or never.
func (v *Vault) keptUntil(ctx context.Context, slot uint64, class entry.Class, floor, now uint64) (until uint64, err error) {
	owner := store.DataOf(slot)
	if class == entry.ClassAudit {
		owner = store.AuditOf(slot)
	}
	err = v.store.View().Records(owner, func(id entry.StatementID, row *store.Record) (bool, error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if row.Seal(class) == nil || row.At+store.EntryDue+floor <= now {
			return true, nil
		}
		e, ok, err := v.logged(id)
		if ok && e.LedgerTime+floor > now {
			until = e.LedgerTime + floor
		}
		return until == 0, err
	})
	return until, err
}

// condemnAudits condemns the audit keys of erased slots whose floor has passed.
func (v *Vault) condemnAudits(ctx context.Context) (bool, error) {
	left, err := v.store.View().AuditsLeft()
	if err != nil {
		return false, err
	}
	return each(left, func(slot uint64) (bool, error) {
		if v.cfg.Now().Before(v.state.audits[slot]) {
			return false, nil
		}
		err := v.auditFault(ctx, slot)
		if err == nil {
			_, err = v.propose(ctx, &store.CondemnAudit{Slot: slot})
		}
		if mustWait(err) {
			v.state.audits[slot] = v.cfg.Now().Add(postponeFor)
			return false, nil
		}
		if err == nil {
			delete(v.state.audits, slot)
		}
		return err == nil, err
	})
}

// auditFault refuses what would destroy audit records that a hold or their floor
// protects. Our own clock is asked first, because that costs nothing; what
// counts is ledger time, in a log that is caught up.
func (v *Vault) auditFault(ctx context.Context, slot uint64) error {
	if err := v.permitted(ctx, []uint64{slot}, v.nowMillis(), entry.ClassAudit); err != nil {
		return err
	}
	ledgerTime, err := v.catchUp(ctx)
	if err != nil {
		return err
	}
	return v.permitted(ctx, []uint64{slot}, ledgerTime, entry.ClassAudit)
}
