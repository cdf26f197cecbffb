package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"indelible/ledger/entry"
	"indelible/proof"
)

// MaxReleased is how many records one grant can release.
const MaxReleased = 100

// Grant is the evidence that a read is recorded: the access entry, proof that
// it is in the log, and the opening of its audit part. It is good for one call.
type Grant struct {
	Receipt   *proof.Receipt
	Statement *entry.Statement
	Opening   []byte // encoded, of the audit part
}

// Request is what a grant must bind: entry.RequestHash of its RPC, Statements,
// Fields and Caller stands in the audit part.
type Request struct {
	RPC        string
	Statements []entry.StatementID // the records wanted, at most MaxReleased
	Fields     []string            // what of them: names of classes ("clinical", "identity", "audit"); of a lookup: LookupField
	Caller     entry.AuthorID
	Handle     entry.Handle // whose records; of a lookup: the accessor's own handle
	Nonce      [32]byte     // of a lookup: what LookupField was made with
}

// Released is one record, opened. It does not print.
type Released struct {
	ID       entry.StatementID
	Parts    entry.Parts
	Openings map[entry.Class][]byte // of the classes asked for, those whose key still exists
}

const redactedReleased = "vault.Released(redacted)"

// String returns a fixed text.
func (Released) String() string { return redactedReleased }

// GoString returns a fixed text.
func (Released) GoString() string { return redactedReleased }

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
	in, err := v.gate(ctx, g, r, entry.AccessRead, entry.AccessSearch, entry.AccessExport, entry.AccessReport, entry.AccessBreakGlass)
	if err != nil {
		return nil, err
	}
	o := opener{v: v, now: v.store.view(), slot: in.slot, number: in.number}
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

// passed is what a grant has opened: a slot, as it was read linearizably.
type passed struct {
	number uint64
	slot   *slotRow
	since  time.Time // when the grant was admitted
}

// unchanged refuses an answer if the slot's guard was raised, or a key of it
// condemned, or the grant grew old, while the answer was being decrypted.
func (v *Vault) unchanged(in passed) error {
	now, err := v.store.view().slot(in.number)
	if err != nil {
		return err
	}
	if now == nil || now.guard != in.slot.guard || now.gone != in.slot.gone {
		return entry.Refuse(entry.CodeGuardRaised, "consent, a hold or an erasure changed while the request was under way")
	}
	return v.admitted.fresh(in.since)
}

// gate judges a grant and returns the slot of the request's handle.
func (v *Vault) gate(ctx context.Context, g Grant, r Request, actions ...entry.AccessAction) (in passed, err error) {
	if g.Statement == nil || g.Receipt == nil {
		return in, invalid("there is no access entry")
	}
	if err := v.ours(g.Statement, actions); err != nil {
		return in, err
	}
	if in.since, err = v.admitted.use(g.Statement.ID()); err != nil {
		return in, err
	}
	if _, err := proof.Verify(v.policy, g.Statement, g.Receipt); err != nil {
		return in, invalid("its receipt does not verify")
	}
	audit, err := auditOf(g)
	if err != nil {
		return in, err
	}
	if audit.RequestHash != entry.RequestHash(r.RPC, r.Statements, r.Fields, r.Caller) || !slices.Equal(audit.Fields, r.Fields) {
		return in, invalid("it binds another request")
	}
	if g.Statement.Sub != entry.SubOfHandle(r.Handle) {
		return in, invalid("it is about another handle")
	}
	in.number, in.slot, err = v.guarded(ctx, r.Handle, audit.Guard)
	return in, err
}

func invalid(reason string) error {
	return entry.Refuse(entry.CodeGrantInvalid, "the access entry does not permit this: %s", reason)
}

// ours checks that a statement is a permitted access by this node.
func (v *Vault) ours(s *entry.Statement, actions []entry.AccessAction) error {
	body, ok := s.Body.(*entry.Access)
	switch {
	case !ok || s.Kind != entry.KindAccess:
		return invalid("it is of another kind")
	case body.Outcome != entry.OutcomePermit || !slices.Contains(actions, body.Action):
		return invalid("it permits something else or nothing")
	case s.Jurisdiction != v.store.group:
		return invalid("it is of another jurisdiction")
	case s.Author != v.self || s.Verify(v.cfg.Author) != nil:
		return invalid("this node did not sign it")
	}
	return nil
}

// auditOf opens the audit part that the statement commits to.
func auditOf(g Grant) (entry.AccessAudit, error) {
	parts, err := entry.NewParts(map[entry.Class]entry.Hash{entry.ClassAudit: entry.Commit(g.Opening)})
	if err != nil {
		return entry.AccessAudit{}, err
	}
	if g.Statement.CheckSealed(parts, map[entry.Class][]byte{entry.ClassAudit: g.Opening}, true) != nil {
		return entry.AccessAudit{}, invalid("the opening is not that of its audit part")
	}
	opening, err := entry.ParseOpening(g.Opening)
	if err != nil {
		return entry.AccessAudit{}, invalid("the opening does not parse")
	}
	audit, err := entry.ParseAccessAudit(opening.Content)
	if err != nil {
		return entry.AccessAudit{}, invalid("the audit part does not parse")
	}
	return audit, nil
}

// guarded reads the guard linearizably and compares.
func (v *Vault) guarded(ctx context.Context, h entry.Handle, guard uint64) (uint64, *slotRow, error) {
	if err := v.env.Barrier(ctx); err != nil {
		return 0, nil, fmt.Errorf("vault: read the guard: %w", err)
	}
	n, slot, err := v.resolve(v.store.view(), h)
	if err != nil {
		return 0, nil, err
	}
	if slot.guard != guard {
		return 0, nil, entry.Refuse(entry.CodeGuardRaised, "consent, a hold or an erasure changed since the decision")
	}
	return n, slot, nil
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
func living(classes []entry.Class, slot *slotRow) ([]entry.Class, error) {
	if len(classes) == 0 {
		return nil, invalid("it names no class of parts")
	}
	classes = slices.DeleteFunc(classes, slot.gone.has)
	if len(classes) == 0 {
		return nil, errErased()
	}
	return classes, nil
}

// opener opens records of one slot. Only gate leads here.
type opener struct {
	v       *Vault
	now     view
	slot    *slotRow
	number  uint64
	classes []entry.Class
}

// open opens one record. A record whose statement is not in the log is no
// record yet, and perhaps never will be.
func (o *opener) open(id entry.StatementID) (Released, error) {
	_, logged, err := o.v.env.Entry(id)
	if err != nil {
		return Released{}, fmt.Errorf("vault: find the entry of a record: %w", err)
	}
	if !logged {
		return Released{}, entry.Refuse(entry.CodeUnknownRecord, "statement %s is not in the log", id)
	}
	row, at, err := o.find(id)
	if err != nil {
		return Released{}, err
	}
	parts, err := entry.ParseParts(row.parts)
	if err != nil {
		return Released{}, errSealBroken
	}
	one := Released{ID: id, Parts: parts, Openings: make(map[entry.Class][]byte)}
	for _, class := range o.classes {
		if _, ok := parts.Get(class); !ok {
			continue
		}
		leaf, err := o.leaf(class)
		if err == nil {
			one.Openings[class], err = o.v.openPart(leaf, at, id, row, class)
		}
		if errors.Is(err, errKeyGone) || isCode(err, entry.CodeSubjectErased) {
			delete(one.Openings, class)
			continue
		}
		if err != nil {
			return Released{}, err
		}
	}
	return one, nil
}

// find looks for a record among data, then among audit records.
func (o *opener) find(id entry.StatementID) (*sealedRecord, owner, error) {
	for _, group := range []byte{groupData, groupAudit} {
		at := owner{space: spaceSlot, number: o.number, group: group}
		row, err := o.now.record(at, id)
		if err != nil || row != nil {
			return row, at, err
		}
	}
	return nil, owner{}, entry.Refuse(entry.CodeUnknownRecord, "no record is held for statement %s in this slot", id)
}

// leaf is the key of a class in this slot.
func (o *opener) leaf(class entry.Class) (uint64, error) {
	switch class {
	case entry.ClassClinical:
		return o.slot.clinical, nil
	case entry.ClassAudit:
		return o.slot.audit, nil
	}
	n, err := o.v.subjectOf(o.number, o.slot)
	if err != nil {
		return 0, err
	}
	who, err := o.now.subject(n)
	if err != nil {
		return 0, err
	}
	if who == nil || who.gone.has(class) {
		return 0, errKeyGone
	}
	return who.identity, nil
}
