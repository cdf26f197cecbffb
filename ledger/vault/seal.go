package vault

import (
	"context"
	"errors"
	"slices"

	"indelible/ledger/entry"
)

// Record is what a statement's sealed parts are kept as.
type Record struct {
	Statement *entry.Statement       // verified by the caller
	Handle    entry.Handle           // whose slot it goes to; ignored where the part is of class series
	Parts     entry.Parts            // what the statement signs the digest of
	Openings  map[entry.Class][]byte // encoded openings, one for each class of Parts
}

// Sealed is the answer to one Record.
type Sealed struct {
	At      uint64         // seal time, Unix milliseconds, to be given to the append
	Refusal *entry.Refusal // nothing was sealed
}

// Seal encrypts records and commits them to the jurisdiction's group. It is
// idempotent by slot and statement id: a record that is sealed already answers
// with its seal time, or with a new one when that has aged. An error means the
// outcome of some is unknown: call it again.
func (v *Vault) Seal(ctx context.Context, records []Record) ([]Sealed, error) {
	answers := make([]Sealed, len(records))
	b := &sealing{v: v, now: v.store.view(), drawers: make(map[entry.Handle]*drawer)}
	var batch []putRecord
	var at []int // where in answers each record of the batch belongs
	size := 4
	for i := range records {
		p, err := b.seal(ctx, &records[i])
		var fault *entry.Refusal
		if errors.As(err, &fault) {
			answers[i].Refusal = fault
			continue
		}
		if err != nil {
			return nil, err
		}
		if size+p.size() > MaxCommand {
			if err := v.put(ctx, batch, at, answers); err != nil {
				return nil, err
			}
			batch, at, size = nil, nil, 4
		}
		batch, at, size = append(batch, p), append(at, i), size+p.size()
	}
	return answers, v.put(ctx, batch, at, answers)
}

func (v *Vault) put(ctx context.Context, batch []putRecord, at []int, answers []Sealed) error {
	if len(batch) == 0 {
		return nil
	}
	result, err := v.propose(ctx, putRecordsCommand{batch})
	if err != nil {
		return err
	}
	list, err := putAnswers(result.Value, len(batch))
	if err != nil {
		return err
	}
	for i, answer := range list {
		answers[at[i]] = answer
	}
	return nil
}

// drawer is a slot as a batch needs it.
type drawer struct {
	number   uint64
	row      *slotRow
	subject  uint64 // valid if linked
	identity uint64 // leaf, valid if linked
	linked   bool
}

// sealing is one call of Seal: what it looked up once serves all its records.
type sealing struct {
	v       *Vault
	now     view
	drawers map[entry.Handle]*drawer
}

func (b *sealing) seal(ctx context.Context, r *Record) (putRecord, error) {
	s := r.Statement
	if s.Jurisdiction != b.v.store.group {
		return putRecord{}, entry.Refuse(entry.CodeWrongJurisdiction, "the statement is of another jurisdiction than this vault")
	}
	if err := s.CheckSealed(r.Parts, r.Openings, true); err != nil {
		return putRecord{}, err
	}
	p := putRecord{late: isLate(s), id: s.ID(), sealedRecord: sealedRecord{parts: r.Parts.Encode()}}
	leaf, err := b.place(ctx, r, &p.owner)
	if err != nil {
		return putRecord{}, err
	}
	for _, class := range r.Parts.Classes() {
		part, err := b.sealPart(r, p.owner, class, leaf)
		if errors.Is(err, errKeyGone) {
			err = errErased()
		}
		if err != nil {
			return putRecord{}, err
		}
		p.seals = append(p.seals, part)
	}
	if n := p.size() + 4; n > MaxCommand {
		return putRecord{}, entry.Refuse(entry.CodeTooLarge, "a record of %d bytes when sealed, at most %d", n, MaxCommand)
	}
	return p, nil
}

// isLate reports whether a record is still taken when its subject's erasure has
// been requested: what is recorded about the erasure itself, and about accesses.
func isLate(s *entry.Statement) bool {
	switch body := s.Body.(type) {
	case *entry.Access, *entry.Erasure, *entry.Hold:
		return true
	case *entry.HandleChange:
		return body.Action == entry.ActionClose
	}
	return false
}

// place finds where a record goes, and returns the leaf of each class there.
func (b *sealing) place(ctx context.Context, r *Record, o *owner) (func(entry.Class) (uint64, error), error) {
	if _, ok := r.Parts.Get(entry.ClassSeries); ok {
		return b.placeSeries(r, o)
	}
	d, err := b.drawer(ctx, r.Handle)
	if err != nil {
		return nil, err
	}
	*o = owner{space: spaceSlot, number: d.number, group: groupData}
	if _, ok := r.Parts.Get(entry.ClassAudit); ok {
		o.group = groupAudit
	}
	return func(class entry.Class) (uint64, error) {
		switch class {
		case entry.ClassClinical:
			return d.row.clinical, nil
		case entry.ClassAudit:
			return d.row.audit, nil
		}
		err := b.link(d)
		return d.identity, err
	}, nil
}

func (b *sealing) drawer(ctx context.Context, h entry.Handle) (*drawer, error) {
	if d := b.drawers[h]; d != nil {
		return d, nil
	}
	n, row, err := b.v.resolve(b.now, h)
	if isCode(err, entry.CodeUnknownHandle) {
		if err := b.v.env.Barrier(ctx); err != nil { // this replica may lag
			return nil, err
		}
		n, row, err = b.v.resolve(b.now, h)
	}
	if err != nil {
		return nil, err
	}
	d := &drawer{number: n, row: row}
	b.drawers[h] = d
	return d, nil
}

// link finds whose slot it is: identity parts lie under the subject's key.
func (b *sealing) link(d *drawer) error {
	if d.linked {
		return nil
	}
	n, err := b.v.subjectOf(d.number, d.row)
	if err != nil {
		return err
	}
	who, err := b.now.subject(n)
	if err != nil {
		return err
	}
	if who == nil || who.gone.has(entry.ClassIdentity) {
		return errErased()
	}
	d.subject, d.identity, d.linked = n, who.identity, true
	return nil
}

func (b *sealing) placeSeries(r *Record, o *owner) (func(entry.Class) (uint64, error), error) {
	handles, held, err := handlesIn(r)
	if err != nil {
		return nil, err
	}
	n, who, err := b.v.subjectWith(b.now, handles)
	if err != nil {
		return nil, err
	}
	if held != 0 {
		if err := b.holdable(handles, held); err != nil {
			return nil, err
		}
	}
	*o = owner{space: spaceSeries, number: n}
	return func(entry.Class) (uint64, error) { return who.series, nil }, nil
}

// holdable refuses a hold on records that are erased, before it is in the log.
func (b *sealing) holdable(handles []entry.Handle, class entry.Class) error {
	slots, err := b.v.slotsOf(b.now, handles)
	if err != nil {
		return err
	}
	outlived, err := b.now.outlived(slots, class)
	if err == nil && outlived {
		return errErased()
	}
	return err
}

// handlesIn reads the handles an erasure request or a hold covers, and the class
// a hold covers of them.
func handlesIn(r *Record) (handles []entry.Handle, held entry.Class, err error) {
	opening, err := entry.ParseOpening(r.Openings[entry.ClassSeries])
	if err != nil {
		return nil, 0, err
	}
	if r.Statement.Kind == entry.KindHold {
		target, err := entry.ParseHoldTarget(opening.Content)
		if err != nil {
			return nil, 0, err
		}
		return target.Handles, target.Class, nil
	}
	handles, err = entry.ParseHandleList(opening.Content)
	return handles, 0, err
}

// subjectWith finds the one subject that all the handles are of. An erasure or
// hold names every one of them, so that its opening tells the whole of what it
// covers.
func (v *Vault) subjectWith(now view, handles []entry.Handle) (uint64, *subject, error) {
	slots, err := v.slotsOf(now, handles)
	if err != nil {
		return 0, nil, err
	}
	first, err := now.slot(slots[0])
	if err != nil {
		return 0, nil, err
	}
	n, err := v.subjectOf(slots[0], first)
	if err != nil {
		return 0, nil, err
	}
	who, err := now.subject(n)
	if err != nil {
		return 0, nil, err
	}
	if who == nil {
		return 0, nil, errErased()
	}
	all, err := v.slotsUnder(n, who)
	if err != nil {
		return 0, nil, err
	}
	if !slices.Equal(all, slots) {
		return 0, nil, entry.Refuse(entry.CodeWrongHandle, "the handles are not all those of one subject")
	}
	return n, who, nil
}

// slotsOf resolves handles to a set of slots.
func (v *Vault) slotsOf(now view, handles []entry.Handle) ([]uint64, error) {
	if len(handles) == 0 {
		return nil, entry.Refuse(entry.CodeFieldMissing, "no handle is named")
	}
	slots := make([]uint64, 0, len(handles))
	for _, h := range handles {
		n, _, err := v.resolve(now, h)
		if err != nil {
			return nil, err
		}
		slots = append(slots, n)
	}
	slices.Sort(slots)
	return slices.Compact(slots), nil
}

func (b *sealing) sealPart(r *Record, o owner, class entry.Class, leaf func(entry.Class) (uint64, error)) (sealedPart, error) {
	n, err := leaf(class)
	if err != nil {
		return sealedPart{}, err
	}
	a, err := b.v.keys.leaf(n)
	if err != nil {
		return sealedPart{}, err
	}
	commitment, _ := r.Parts.Get(class)
	plain := pad(r.Openings[class])
	sealed := a.Seal(nil, nil, plain, recordData(b.v.store.group, o.number, class, r.Statement.ID(), commitment))
	clear(plain)
	return sealedPart{class, sealed}, nil
}

// openPart opens one part of a record and checks it against its commitment.
func (v *Vault) openPart(leaf uint64, o owner, id entry.StatementID, row *sealedRecord, class entry.Class) ([]byte, error) {
	parts, err := entry.ParseParts(row.parts)
	if err != nil {
		return nil, errSealBroken
	}
	commitment, ok := parts.Get(class)
	at := slices.IndexFunc(row.seals, func(p sealedPart) bool { return p.class == class })
	if !ok || at < 0 {
		return nil, errSealBroken
	}
	a, err := v.keys.leaf(leaf)
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, row.seals[at].sealed, recordData(v.store.group, o.number, class, id, commitment))
	if err != nil {
		return nil, errSealBroken
	}
	opening, err := unpad(plain)
	if err != nil || entry.Commit(opening) != commitment {
		return nil, errSealBroken
	}
	return opening, nil
}

// series opens the sealed part of an erasure request or hold, and names the
// subject it is sealed with.
func (v *Vault) series(s *entry.Statement) (uint64, []byte, error) {
	now := v.store.view()
	id := s.ID()
	n, ok, err := now.number(keyID(rowSealer, id[:]))
	if err != nil {
		return 0, nil, err
	}
	if !ok {
		return 0, nil, entry.Refuse(entry.CodeNotSealed, "no part of statement %s is sealed here", id)
	}
	o := owner{space: spaceSeries, number: n}
	row, err := now.record(o, id)
	if err != nil {
		return 0, nil, err
	}
	who, err := now.subject(n)
	if err != nil {
		return 0, nil, err
	}
	if row == nil || who == nil || who.gone.has(entry.ClassSeries) {
		return 0, nil, errErased()
	}
	encoded, err := v.openPart(who.series, o, id, row, entry.ClassSeries)
	if errors.Is(err, errKeyGone) {
		return 0, nil, errErased()
	}
	if err != nil {
		return 0, nil, err
	}
	opening, err := entry.ParseOpening(encoded)
	if err != nil {
		return 0, nil, errSealBroken
	}
	return n, opening.Content, nil
}
