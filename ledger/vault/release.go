package vault

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// MaxReleased is how many records one grant can release.
const MaxReleased = 100

// Released is one record, opened. It does not print.
type Released struct {
	ID       entry.StatementID
	Parts    entry.Parts
	Openings map[entry.Class][]byte // of the classes asked for, those whose key still exists
}

const redactedReleased = "vault.Released(redacted)"

// Format writes a fixed text for every verb.
func (Released) Format(f fmt.State, _ rune) {
	if _, err := io.WriteString(f, redactedReleased); err != nil {
		return // a fmt.State never fails; what its writer does is the printer's business
	}
}

// LogValue returns a fixed text.
func (Released) LogValue() slog.Value { return slog.StringValue(redactedReleased) }

// MarshalJSON returns a fixed text.
func (Released) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedReleased + `"`), nil }

// Release decrypts records against a grant. It checks, in this order: the
// statement is a permitted access, signed by this node; this process admitted
// it, at most 30 seconds ago, and it was not used; its receipt verifies under
// the pinned policy; the opening opens its audit part, which binds this
// request; the handle is the one asked for; and the guard of that handle, read
// linearizably now, is the one decided under. A refusal of any of these uses
// the grant up.
func (v *Vault) Release(ctx context.Context, g Grant, r Request) ([]Released, error) {
	if len(r.Statements) > MaxReleased {
		return nil, entry.Refuse(entry.CodeTooLarge, "%d records, at most %d in one release", len(r.Statements), MaxReleased)
	}
	in, err := v.checkGrant(ctx, g, r, entry.AccessRead, entry.AccessSearch, entry.AccessExport, entry.AccessReport, entry.AccessBreakGlass)
	if err != nil {
		return nil, err
	}
	o := opener{target: target{v: v, number: in.number, slot: in.slot}, now: v.store.View()}
	if o.classes, err = living(classesIn(r.Fields), in.slot); err != nil {
		return nil, err
	}
	list := make([]Released, 0, len(r.Statements))
	for _, id := range r.Statements {
		one, err := o.open(id)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	if err := v.unchanged(in); err != nil {
		return nil, err
	}
	return list, nil
}

// classesIn reads the classes a request names.
func classesIn(fields []string) []entry.Class {
	var classes []entry.Class
	for _, class := range []entry.Class{entry.ClassClinical, entry.ClassIdentity, entry.ClassAudit} {
		if slices.Contains(fields, class.String()) {
			classes = append(classes, class)
		}
	}
	return classes
}

// living drops the classes that are erased, and refuses when none is left.
func living(classes []entry.Class, slot *store.Slot) ([]entry.Class, error) {
	if len(classes) == 0 {
		return nil, invalid("it names no class of parts")
	}
	classes = slices.DeleteFunc(classes, slot.Gone.Has)
	if len(classes) == 0 {
		return nil, store.Erased()
	}
	return classes, nil
}

// opener opens records of one slot. Only checkGrant leads here.
type opener struct {
	target
	now     store.View
	classes []entry.Class
}

// open opens one record. A record whose statement is not in the log is no
// record yet, and may never be one.
func (o *opener) open(id entry.StatementID) (Released, error) {
	_, logged, err := o.v.logged(id)
	if err == nil && !logged {
		err = entry.Refuse(entry.CodeUnknownRecord, "statement %s is not in the log", id)
	}
	if err != nil {
		return Released{}, err
	}
	row, at, err := o.find(id)
	if err != nil {
		return Released{}, err
	}
	parts, err := entry.ParseParts(row.Parts)
	if err != nil {
		return Released{}, errSealBroken
	}
	one := Released{ID: id, Parts: parts, Openings: make(map[entry.Class][]byte)}
	for _, class := range o.classes {
		if _, ok := parts.Get(class); !ok {
			continue
		}
		opening, err := o.openPart(at, id, row, class)
		if isCode(err, entry.CodeSubjectErased) {
			continue
		}
		if err != nil {
			return Released{}, err
		}
		one.Openings[class] = opening
	}
	return one, nil
}

// find looks for a record among data, then among audit records.
func (o *opener) find(id entry.StatementID) (*store.Record, store.Owner, error) {
	for _, at := range []store.Owner{store.DataOf(o.number), store.AuditOf(o.number)} {
		row, err := o.now.Record(at, id)
		if err != nil || row != nil {
			return row, at, err
		}
	}
	return nil, store.Owner{}, entry.Refuse(entry.CodeUnknownRecord, "no record is held for statement %s in this slot", id)
}
