package vault

import (
	"context"
	"errors"
	"slices"

	"indelible/ledger/entry"
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

func (b *batch) seal(ctx context.Context, r *Record) (p store.PutRecord, err error) {
	s := r.Statement
	if s.Jurisdiction != b.v.group {
		return p, entry.Refuse(entry.CodeWrongJurisdiction, "the statement is of another jurisdiction than this vault")
	}
	if err := s.CheckSealed(r.Parts, r.Openings, true); err != nil {
		return p, err
	}
	p = store.PutRecord{Late: isLate(s), ID: s.ID(), Content: store.Content{Parts: r.Parts.Encode()}}
	d, owner, err := b.place(ctx, r)
	if err != nil {
		return p, err
	}
	p.Owner = owner
	for _, class := range r.Parts.Classes() {
		sealed, err := d.sealPart(r, owner, class)
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

// place finds where a record goes.
func (b *batch) place(ctx context.Context, r *Record) (*target, store.Owner, error) {
	if _, ok := r.Parts.Get(entry.ClassSeries); ok {
		return b.placeSeries(r)
	}
	d, err := b.target(ctx, r.Handle)
	if err != nil {
		return nil, store.Owner{}, err
	}
	if _, ok := r.Parts.Get(entry.ClassAudit); ok {
		return d, store.AuditOf(d.number), nil
	}
	return d, store.DataOf(d.number), nil
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
	b.targets[h] = &target{v: b.v, number: n, slot: slot}
	return b.targets[h], nil
}

func (b *batch) placeSeries(r *Record) (*target, store.Owner, error) {
	handles, held, err := handlesIn(r)
	if err != nil {
		return nil, store.Owner{}, err
	}
	n, who, slots, err := b.v.subjectWith(b.now, handles)
	if err == nil && held != 0 { // a hold on records that are erased is refused before it is in the log
		var outlived bool
		if outlived, err = b.now.Outlived(slots, held); err == nil && outlived {
			err = store.Erased()
		}
	}
	return &target{v: b.v, subject: who}, store.SeriesOf(n), err
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
	if who, err = livingSubject(now, n); err != nil {
		return 0, nil, nil, err
	}
	all, err := v.slotsUnder(n, who)
	if err == nil && !slices.Equal(all, slots) {
		err = entry.Refuse(entry.CodeWrongHandle, "the handles are not all those of one subject")
	}
	return n, who, slots, err
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
	who, err := livingSubject(now, n, entry.ClassSeries)
	if err == nil && row == nil {
		err = store.Erased()
	}
	if err != nil {
		return 0, nil, err
	}
	d := &target{v: v, subject: who}
	encoded, err := d.openPart(store.SeriesOf(n), id, row, entry.ClassSeries)
	if err != nil {
		return 0, nil, err
	}
	opening, err := entry.ParseOpening(encoded)
	if err != nil {
		return 0, nil, errSealBroken
	}
	return n, opening.Content, nil
}
