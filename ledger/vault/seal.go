package vault

import (
	"context"
	"errors"
	"slices"

	"indelible/ledger/entry"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/store"
)

// Record is what a statement's sealed parts are kept as.
type Record struct {
	Statement *entry.Statement       // verified by the caller
	Handle    entry.Handle           // whose slot it goes to; ignored where the part is of class series
	Parts     entry.Parts            // what the statement signs the digest of
	Openings  map[entry.Class][]byte // encoded openings, one for each class of Parts
}

// Sealed is the answer to one Record.
type Sealed = store.Sealed

// Seal encrypts records and commits them to the jurisdiction's group. It is
// idempotent by slot and statement id: a record that is sealed already answers
// with its seal time, or with a new one when that has aged. An error means the
// outcome of some is unknown: call it again.
func (v *Vault) Seal(ctx context.Context, records []Record) ([]Sealed, error) {
	answers := make([]Sealed, len(records))
	b := &batch{v: v, now: v.store.View(), targets: make(map[entry.Handle]*target), size: store.PutOverhead}
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
		if b.size+p.Size() > store.MaxCommand {
			if err := b.put(ctx, answers); err != nil {
				return nil, err
			}
		}
		b.list, b.at, b.size = append(b.list, p), append(b.at, i), b.size+p.Size()
	}
	return answers, b.put(ctx, answers)
}

// batch is one call of Seal: what it looked up once serves all its records.
type batch struct {
	v       *Vault
	now     store.View
	targets map[entry.Handle]*target

	list []store.PutRecord // sealed and not yet put
	at   []int             // where in the answers each of them belongs
	size int               // of the command they make, bytes
}

// put commits what was sealed since it was last called.
func (b *batch) put(ctx context.Context, answers []Sealed) error {
	if len(b.list) == 0 {
		return nil
	}
	result, err := b.v.propose(ctx, &store.PutRecords{List: b.list})
	if err != nil {
		return err
	}
	list, err := store.PutAnswers(result.Value, len(b.list))
	if err != nil {
		return err
	}
	for i, answer := range list {
		answers[b.at[i]] = answer
	}
	b.list, b.at, b.size = nil, nil, store.PutOverhead
	return nil
}

// target is the slot of a handle, as a batch needs it.
type target struct {
	number   uint64
	slot     *store.Slot
	identity uint64 // leaf of its subject, valid if linked
	linked   bool
}

func (b *batch) seal(ctx context.Context, r *Record) (p store.PutRecord, err error) {
	s := r.Statement
	if s.Jurisdiction != b.v.group {
		return p, entry.Refuse(entry.CodeWrongJurisdiction, "the statement is of another jurisdiction than this vault")
	}
	if err := s.CheckSealed(r.Parts, r.Openings, true); err != nil {
		return p, err
	}
	p = store.PutRecord{Late: isLate(s), ID: s.ID(), Content: store.Content{Parts: r.Parts.Encode()}}
	owner, leaf, err := b.place(ctx, r)
	if err != nil {
		return p, err
	}
	p.Owner = owner
	for _, class := range r.Parts.Classes() {
		sealed, err := b.sealPart(r, owner, class, leaf)
		if errors.Is(err, keytree.ErrKeyGone) {
			err = store.Erased()
		}
		if err != nil {
			return p, err
		}
		p.Seals = append(p.Seals, store.Seal{Class: class, Sealed: sealed})
	}
	if n := p.Size() + store.PutOverhead; n > store.MaxCommand {
		return p, entry.Refuse(entry.CodeTooLarge, "a record of %d bytes when sealed, at most %d", n, store.MaxCommand)
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

// leafOf gives the leaf under which parts of a class are sealed.
type leafOf func(entry.Class) (uint64, error)

// place finds where a record goes, and the leaf of each class there.
func (b *batch) place(ctx context.Context, r *Record) (store.Owner, leafOf, error) {
	if _, ok := r.Parts.Get(entry.ClassSeries); ok {
		return b.placeSeries(r)
	}
	d, err := b.target(ctx, r.Handle)
	if err != nil {
		return store.Owner{}, nil, err
	}
	owner := store.DataOf(d.number)
	if _, ok := r.Parts.Get(entry.ClassAudit); ok {
		owner = store.AuditOf(d.number)
	}
	return owner, func(class entry.Class) (uint64, error) {
		switch class {
		case entry.ClassClinical:
			return d.slot.Clinical, nil
		case entry.ClassAudit:
			return d.slot.Audit, nil
		}
		err := b.link(d)
		return d.identity, err
	}, nil
}

func (b *batch) target(ctx context.Context, h entry.Handle) (*target, error) {
	if d := b.targets[h]; d != nil {
		return d, nil
	}
	n, slot, err := b.now.Resolve(h)
	if isCode(err, entry.CodeUnknownHandle) {
		if err := b.v.env.Barrier(ctx); err != nil { // this replica may lag
			return nil, err
		}
		n, slot, err = b.now.Resolve(h)
	}
	if err != nil {
		return nil, err
	}
	b.targets[h] = &target{number: n, slot: slot}
	return b.targets[h], nil
}

// link finds whose slot it is: identity parts lie under the subject's key.
func (b *batch) link(d *target) error {
	if d.linked {
		return nil
	}
	n, err := b.v.subjectOf(d.number, d.slot)
	if err != nil {
		return err
	}
	who, err := b.now.Subject(n)
	if err != nil {
		return err
	}
	if who == nil || who.Gone.Has(entry.ClassIdentity) {
		return store.Erased()
	}
	d.identity, d.linked = who.Identity, true
	return nil
}

func (b *batch) placeSeries(r *Record) (owner store.Owner, leaf leafOf, err error) {
	handles, held, err := handlesIn(r)
	if err != nil {
		return owner, nil, err
	}
	n, who, slots, err := b.v.subjectWith(b.now, handles)
	if err != nil {
		return owner, nil, err
	}
	if held != 0 { // a hold on records that are erased is refused before it is in the log
		outlived, err := b.now.Outlived(slots, held)
		if err == nil && outlived {
			err = store.Erased()
		}
		if err != nil {
			return owner, nil, err
		}
	}
	return store.SeriesOf(n), func(entry.Class) (uint64, error) { return who.Series, nil }, nil
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
		return target.Handles, target.Class, err
	}
	handles, err = entry.ParseHandleList(opening.Content)
	return handles, 0, err
}

// subjectWith finds the one subject that all the handles are of, and its slots.
// An erasure or hold names every one of them, so that its opening tells the
// whole of what it covers.
func (v *Vault) subjectWith(now store.View, handles []entry.Handle) (n uint64, who *store.Subject, slots []uint64, err error) {
	if len(handles) == 0 {
		return 0, nil, nil, entry.Refuse(entry.CodeFieldMissing, "no handle is named")
	}
	if slots, err = slotsOf(now, handles); err != nil {
		return 0, nil, nil, err
	}
	first, err := now.Slot(slots[0])
	if err != nil {
		return 0, nil, nil, err
	}
	if n, err = v.subjectOf(slots[0], first); err != nil {
		return 0, nil, nil, err
	}
	who, err = now.Subject(n)
	if err == nil && who == nil {
		err = store.Erased()
	}
	if err != nil {
		return 0, nil, nil, err
	}
	all, err := v.slotsUnder(n, who)
	if err == nil && !slices.Equal(all, slots) {
		err = entry.Refuse(entry.CodeWrongHandle, "the handles are not all those of one subject")
	}
	return n, who, slots, err
}

func (b *batch) sealPart(r *Record, o store.Owner, class entry.Class, leaf leafOf) ([]byte, error) {
	n, err := leaf(class)
	if err != nil {
		return nil, err
	}
	a, err := b.v.keys.Leaf(n)
	if err != nil {
		return nil, err
	}
	commitment, _ := r.Parts.Get(class)
	plain := pad(r.Openings[class])
	defer clear(plain)
	return a.Seal(nil, nil, plain, keytree.RecordData(b.v.group, o.Number, class, r.Statement.ID(), commitment)), nil
}

// openPart opens one part of a record and checks it against its commitment.
func (v *Vault) openPart(leaf uint64, o store.Owner, id entry.StatementID, row *store.Record, class entry.Class) ([]byte, error) {
	parts, err := entry.ParseParts(row.Parts)
	if err != nil {
		return nil, errSealBroken
	}
	commitment, ok := parts.Get(class)
	sealed := row.Seal(class)
	if !ok || sealed == nil {
		return nil, errSealBroken
	}
	a, err := v.keys.Leaf(leaf)
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, sealed, keytree.RecordData(v.group, o.Number, class, id, commitment))
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
	now := v.store.View()
	id := s.ID()
	n, ok, err := now.Sealer(id)
	if err != nil {
		return 0, nil, err
	}
	if !ok {
		return 0, nil, entry.Refuse(entry.CodeNotSealed, "no part of statement %s is sealed here", id)
	}
	row, err := now.Record(store.SeriesOf(n), id)
	if err != nil {
		return 0, nil, err
	}
	who, err := now.Subject(n)
	if err != nil {
		return 0, nil, err
	}
	if row == nil || who == nil || who.Gone.Has(entry.ClassSeries) {
		return 0, nil, store.Erased()
	}
	encoded, err := v.openPart(who.Series, store.SeriesOf(n), id, row, entry.ClassSeries)
	if errors.Is(err, keytree.ErrKeyGone) {
		return 0, nil, store.Erased()
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
