package vault

import (
	"context"
	"fmt"
	"time"

	"indelible/ledger/entry"
)

// floorOf is a class's retention floor in this jurisdiction, milliseconds.
func (s *Store) floorOf(class entry.Class) uint64 {
	switch class {
	case entry.ClassClinical:
		return s.rule.FloorClinical
	case entry.ClassIdentity:
		return s.rule.FloorIdentity
	case entry.ClassAudit:
		return s.rule.FloorAudit
	}
	return 0
}

// floorFault refuses what would destroy a class whose newest entry in one of
// the slots is younger than its floor.
func (v *Vault) floorFault(ctx context.Context, slots []uint64, now uint64, classes ...entry.Class) error {
	for _, class := range classes {
		floor := v.store.floorOf(class)
		if floor == 0 {
			continue
		}
		for _, n := range slots {
			until, err := v.heldUntil(ctx, n, class, floor, now)
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

// heldUntil looks in a slot for an entry of a class that its floor still
// protects and returns until when; 0 when there is none. A record that was
// sealed long enough ago need not be looked up: its entry came within the hour
// or never.
func (v *Vault) heldUntil(ctx context.Context, slot uint64, class entry.Class, floor, now uint64) (until uint64, err error) {
	group := byte(groupData)
	if class == entry.ClassAudit {
		group = groupAudit
	}
	prefix := append(key64(rowRecord, slot), group)
	err = v.store.view().each(prefix, func(k, value []byte) (bool, error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		r := &reader{b: value}
		row := readSealedRecord(r)
		if err := r.end(); err != nil {
			return false, err
		}
		if !row.has(class) || row.at+settleAge+floor <= now {
			return true, nil
		}
		e, ok, err := v.env.Entry(entry.StatementID(k[len(prefix):]))
		if err != nil {
			return false, fmt.Errorf("vault: find the entry of a record: %w", err)
		}
		if ok && e.LedgerTime+floor > now {
			until = e.LedgerTime + floor
			return false, nil
		}
		return true, nil
	})
	return until, err
}

func (s *sealedRecord) has(class entry.Class) bool {
	for _, p := range s.seals {
		if p.class == class {
			return true
		}
	}
	return false
}
