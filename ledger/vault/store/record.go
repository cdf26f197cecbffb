package store

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"indelible/ledger/entry"
	"indelible/ledger/vault/layout"
)

// sealFresh is how long a seal time is given out again, milliseconds: half of
// what the log accepts, so that a retry still has time to reach it.
const sealFresh = 30 * 60 * 1000

// Spaces: what the number of an owner counts.
const (
	spaceSlot   = 0
	spaceSeries = 1
)

// Ranges of a slot's records, so that each can be dropped alone.
const (
	rangeData  = 0 // clinical and identity parts; in spaceSeries the only one
	rangeAudit = 1 // audit parts
)

// Owner says where a record lies: in a slot, or with a subject when its part is
// of class series.
type Owner struct {
	Space  uint8
	Number uint64 // of the slot or subject
	Range  uint8
}

// DataOf owns the clinical and identity parts of a slot.
func DataOf(slot uint64) Owner { return Owner{spaceSlot, slot, rangeData} }

// AuditOf owns the audit parts of a slot.
func AuditOf(slot uint64) Owner { return Owner{spaceSlot, slot, rangeAudit} }

// SeriesOf owns the parts of class series of a subject.
func SeriesOf(subject uint64) Owner { return Owner{spaceSeries, subject, rangeData} }

// prefix begins the keys of the owner's records.
func (o Owner) prefix() []byte {
	if o.Space == spaceSeries {
		return key64(rowSeries, o.Number)
	}
	return key64(rowRecord, o.Number, o.Range)
}

func (o Owner) key(id entry.StatementID) []byte { return append(o.prefix(), id[:]...) }

// Seal is one opening under the key of its class.
type Seal struct {
	Class  entry.Class
	Sealed []byte
}

// Content is what a record holds. Its parts are hiding commitments and stand in
// clear.
type Content struct {
	Parts []byte // encoded entry.Parts
	Seals []Seal
}

// Record is a record as stored.
type Record struct {
	At uint64 // seal time, Unix milliseconds
	Content
}

// Seal is the sealed part of a class; nil if there is none.
func (r *Content) Seal(class entry.Class) []byte {
	for _, s := range r.Seals {
		if s.Class == class {
			return s.Sealed
		}
	}
	return nil
}

// Record reads a record; nil if there is none.
func (v View) Record(o Owner, id entry.StatementID) (*Record, error) {
	return parsed[Record](v, o.key(id))
}

// Records calls f for an owner's records until it says stop.
func (v View) Records(o Owner, f func(entry.StatementID, *Record) (more bool, err error)) error {
	prefix := o.prefix()
	return v.each(prefix, func(k, value []byte) (bool, error) {
		var r Record
		if err := layout.Decode(value, &r); err != nil {
			return false, err
		}
		return f(entry.StatementID(k[len(prefix):]), &r)
	})
}

// HasRecord reports whether an owner has a record of this statement.
func (v View) HasRecord(o Owner, id entry.StatementID) (bool, error) { return v.has(o.key(id)) }

// Sealer names the subject with which a part of class series is sealed.
func (v View) Sealer(id entry.StatementID) (subject uint64, ok bool, err error) {
	return v.number(key(rowSealer, id[:]...))
}

// PutRecord is one record of a command.
type PutRecord struct {
	Owner Owner
	Late  bool // still accepted when the subject's erasure has been requested
	ID    entry.StatementID
	Content
}

// Size is the length of the record in a command, bytes.
func (p *PutRecord) Size() int {
	n := putMin + len(p.Parts)
	for _, s := range p.Seals {
		n += 1 + 4 + len(s.Sealed)
	}
	return n
}

const putMin = 1 + 8 + 1 + 1 + entry.HashSize + 4 + 4 // of one without content, bytes

// PutRecords keeps sealed records. PutAnswers reads what it answers.
type PutRecords struct{ List []PutRecord }

// PutOverhead is the length of PutRecords beside its records, bytes.
const PutOverhead = 4

func (p *PutRecords) size() int {
	n := PutOverhead
	for i := range p.List {
		n += p.List[i].Size()
	}
	return n
}

// What PutRecords answers for each record.
const (
	putDone     = 0
	putErased   = 1
	putConflict = 2
	putUnknown  = 3
)

// putAnswer is the answer for one record; there are as many as there were
// records.
type putAnswer struct {
	Code     uint8
	SealedAt uint64 // with putDone
}

const putAnswerSize = 1 + 8 // bytes

// Sealed is what became of one record.
type Sealed struct {
	At      uint64         // seal time, Unix milliseconds, to be given to the append
	Refusal *entry.Refusal // nothing was sealed
}

// PutAnswers reads what PutRecords answered for n records.
func PutAnswers(value []byte, n int) ([]Sealed, error) {
	if len(value) != n*putAnswerSize {
		return nil, fmt.Errorf("vault: answer to a put: %w", layout.ErrMalformed)
	}
	list := make([]Sealed, n)
	for i := range list {
		var one putAnswer
		if err := layout.Decode(value[i*putAnswerSize:][:putAnswerSize], &one); err != nil {
			return nil, err
		}
		switch one.Code {
		case putDone:
			list[i].At = one.SealedAt
		case putErased:
			list[i].Refusal = Erased()
		case putConflict:
			list[i].Refusal = entry.Refuse(entry.CodeCommitmentMismatch, "a record with other parts is sealed for this statement")
		default:
			list[i].Refusal = entry.Refuse(entry.CodeUnknownHandle, "the vault knows no such slot")
		}
	}
	return list, nil
}

func (p *PutRecords) apply(a *applier) *entry.Refusal {
	at := max(a.now, read(a, a.Counters).Swept)
	value := make([]byte, 0, putAnswerSize*len(p.List))
	owners := make(map[Owner]acceptance)
	for i := range p.List {
		r := &p.List[i]
		accepts, ok := owners[r.Owner]
		if !ok {
			accepts = a.acceptance(r.Owner)
			owners[r.Owner] = accepts
		}
		answer := a.putOne(r, accepts, at)
		value = layout.Append(value, &answer)
	}
	a.answer = value
	return nil
}

// acceptance is what an owner takes in.
type acceptance uint8

const (
	acceptsUnknown acceptance = iota // no such slot or subject
	acceptsNothing                   // the key these records need is gone
	acceptsLate                      // an erasure was requested: access, erasure, hold and a handle's close only
	acceptsAll
)

func (a *applier) acceptance(o Owner) acceptance {
	if o.Space == spaceSeries {
		who := readAt(a, a.Subject, o.Number)
		if who == nil {
			return acceptsUnknown
		}
		return allBut(who.Gone, entry.ClassSeries)
	}
	slot := readAt(a, a.Slot, o.Number)
	if slot == nil {
		return acceptsUnknown
	}
	if o.Range == rangeAudit {
		return allBut(slot.Gone, entry.ClassAudit)
	}
	marked := a.is(a.any(key64(rowMark, o.Number))) // by an erasure, for good unless that is cancelled
	if accepts := allBut(slot.Gone, entry.ClassClinical, entry.ClassIdentity); accepts != acceptsAll || !marked {
		return accepts
	}
	return acceptsLate
}

// allBut is acceptsAll unless the key of a class needed is gone.
func allBut(gone Classes, needed ...entry.Class) acceptance {
	if gone&classSet(needed...) != 0 {
		return acceptsNothing
	}
	return acceptsAll
}

func (a *applier) putOne(p *PutRecord, accepts acceptance, at uint64) putAnswer {
	switch {
	case accepts == acceptsUnknown:
		return putAnswer{Code: putUnknown}
	case accepts == acceptsNothing, accepts == acceptsLate && !p.Late:
		return putAnswer{Code: putErased}
	}
	old := a.record(p.Owner, p.ID)
	if old == nil {
		a.keepRecord(p.Owner, p.ID, &Record{at, p.Content})
		return putAnswer{putDone, at}
	}
	if !bytes.Equal(old.Parts, p.Parts) {
		return putAnswer{Code: putConflict}
	}
	if at < old.At+sealFresh {
		return putAnswer{putDone, old.At}
	}
	a.delete(recentKey(old.At, p.Owner, p.ID))
	old.At = at
	a.keepRecord(p.Owner, p.ID, old)
	return putAnswer{putDone, at}
}

func (a *applier) record(o Owner, id entry.StatementID) *Record {
	r, err := a.Record(o, id)
	a.fail(err)
	return r
}

func (a *applier) keepRecord(o Owner, id entry.StatementID, r *Record) {
	a.put(o.key(id), r)
	if o.Space == spaceSeries {
		a.set(key(rowSealer, id[:]...), layout.Number(o.Number))
	}
	a.set(recentKey(r.At, o, id), nil)
}

// youngAudit reports whether a slot has an audit record that was sealed within
// its floor. Unlike data, audit records are taken in until the key dies.
func (a *applier) youngAudit(slot uint64) (young bool) {
	floor := a.s.Floor(entry.ClassAudit)
	if floor == 0 {
		return false
	}
	a.fail(a.each(AuditOf(slot).prefix(), func(_, value []byte) (bool, error) {
		if len(value) < 8 { // a record begins with its seal time
			return false, layout.ErrMalformed
		}
		young = binary.BigEndian.Uint64(value)+floor > a.now
		return !young, nil
	}))
	return young
}
