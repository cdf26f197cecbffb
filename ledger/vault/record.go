package vault

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"indelible/ledger/entry"
)

// sealFresh is how long a seal time is given out again, milliseconds: half of
// what the log accepts, so that a retry still has time to reach it.
const sealFresh = 30 * 60 * 1000

// sealedPart is one opening under the key of its class.
type sealedPart struct {
	class  entry.Class
	sealed []byte
}

// sealedRecord is a record as stored. Its parts are hiding commitments and
// stand in clear.
type sealedRecord struct {
	at    uint64 // seal time, Unix milliseconds
	parts []byte // encoded entry.Parts
	seals []sealedPart
}

func (s sealedRecord) encode() []byte {
	var w writer
	w.u64(s.at)
	w.sealed(s)
	return w.b
}

func (w *writer) sealed(s sealedRecord) {
	w.bytes(s.parts)
	w.count(len(s.seals))
	for _, p := range s.seals {
		w.u8(uint8(p.class))
		w.bytes(p.sealed)
	}
}

func readSealedRecord(r *reader) sealedRecord {
	at := r.u64()
	s := r.sealed()
	s.at = at
	return s
}

func (r *reader) sealed() sealedRecord {
	s := sealedRecord{parts: r.bytes()}
	n := r.count(1 + 4)
	s.seals = make([]sealedPart, 0, n)
	for range n {
		s.seals = append(s.seals, sealedPart{entry.Class(r.u8()), r.bytes()})
	}
	return s
}

func (v view) record(o owner, id entry.StatementID) (*sealedRecord, error) {
	return parsed(v, o.key(id), readSealedRecord)
}

// putRecord is one record of a command.
type putRecord struct {
	owner owner
	late  bool // still accepted when the subject's erasure has been requested
	id    entry.StatementID
	sealedRecord
}

type putRecordsCommand struct{ list []putRecord }

func (p *putRecord) size() int {
	n := 1 + 8 + 1 + 1 + len(p.id) + 4 + len(p.parts) + 4
	for _, s := range p.seals {
		n += 1 + 4 + len(s.sealed)
	}
	return n
}

func (c putRecordsCommand) command() Command {
	var w writer
	size := 4
	for i := range c.list {
		size += c.list[i].size()
	}
	w.b = make([]byte, 0, size)
	w.count(len(c.list))
	for i := range c.list {
		p := &c.list[i]
		w.owner(p.owner)
		w.u8(bit(p.late))
		w.raw(p.id[:])
		w.sealed(p.sealedRecord)
	}
	return Command{CommandPutRecords, w.b}
}

func (w *writer) owner(o owner) {
	w.u8(o.space)
	w.u64(o.number)
	w.u8(o.group)
}

func (r *reader) owner() owner { return owner{r.u8(), r.u64(), r.u8()} }

func readPutRecords(r *reader) putRecordsCommand {
	n := r.count(1 + 8 + 1 + 1 + entry.HashSize + 4 + 4)
	list := make([]putRecord, 0, n)
	for range n {
		p := putRecord{owner: r.owner(), late: r.u8() == 1}
		r.fixed(p.id[:])
		p.sealedRecord = r.sealed()
		list = append(list, p)
	}
	return putRecordsCommand{list}
}

// What putRecords answers for each record.
const (
	putDone     = 0 // followed by the seal time
	putErased   = 1
	putConflict = 2
	putUnknown  = 3
)

func (a *applier) putRecords(c putRecordsCommand) (Result, error) {
	n, err := a.counters()
	if err != nil {
		return Result{}, err
	}
	at := max(a.now, n.swept)
	var w writer
	doors := make(map[owner]door)
	for i := range c.list {
		p := &c.list[i]
		d, ok := doors[p.owner]
		if !ok {
			if d, err = a.door(p.owner); err != nil {
				return Result{}, err
			}
			doors[p.owner] = d
		}
		answer, sealedAt, err := a.putOne(p, d, at)
		if err != nil {
			return Result{}, err
		}
		w.u8(answer)
		w.u64(sealedAt)
	}
	return Result{Value: w.b}, nil
}

// door says what an owner takes in.
type door uint8

const (
	doorUnknown door = iota // no such slot or subject
	doorShut                // the key these records need is gone
	doorLate                // an erasure was requested: access, erasure, hold and a handle's close only
	doorOpen
)

func (a *applier) door(o owner) (door, error) {
	if o.space == spaceSeries {
		who, err := a.view.subject(o.number)
		if err != nil || who == nil {
			return doorUnknown, err
		}
		if who.gone.has(entry.ClassSeries) {
			return doorShut, nil
		}
		return doorOpen, nil
	}
	slot, err := a.view.slot(o.number)
	if err != nil || slot == nil {
		return doorUnknown, err
	}
	if o.group == groupAudit {
		if slot.gone.has(entry.ClassAudit) {
			return doorShut, nil
		}
		return doorOpen, nil
	}
	marked, err := a.marked(o.number)
	if err != nil {
		return 0, err
	}
	switch {
	case slot.gone.has(entry.ClassClinical) || slot.gone.has(entry.ClassIdentity):
		return doorShut, nil
	case marked:
		return doorLate, nil
	}
	return doorOpen, nil
}

// marked reports whether an erasure of the slot was requested and not
// cancelled. The mark stays for good.
func (v view) marked(slot uint64) (bool, error) { return v.any(key64(rowMark, slot)) }

func (a *applier) putOne(p *putRecord, d door, at uint64) (answer uint8, sealedAt uint64, err error) {
	switch {
	case d == doorUnknown:
		return putUnknown, 0, nil
	case d == doorShut, d == doorLate && !p.late:
		return putErased, 0, nil
	}
	old, err := a.record(p.owner, p.id)
	if err != nil {
		return 0, 0, err
	}
	if old == nil {
		p.at = at
		return putDone, at, a.write(p.owner, p.id, &p.sealedRecord)
	}
	if !bytes.Equal(old.parts, p.parts) {
		return putConflict, 0, nil
	}
	if at < old.at+sealFresh {
		return putDone, old.at, nil
	}
	if err := a.delete(keyRecent(old.at, p.owner, p.id)); err != nil {
		return 0, 0, err
	}
	old.at = at
	return putDone, at, a.write(p.owner, p.id, old)
}

func (a *applier) write(o owner, id entry.StatementID, s *sealedRecord) error {
	if err := a.set(o.key(id), s.encode()); err != nil {
		return err
	}
	if o.space == spaceSeries {
		subject := binary.BigEndian.AppendUint64(nil, o.number)
		if err := a.set(keyID(rowSealer, id[:]), subject); err != nil {
			return err
		}
	}
	return a.set(keyRecent(s.at, o, id), nil)
}

// putAnswers reads what putRecords answered for n records.
func putAnswers(value []byte, n int) ([]Sealed, error) {
	r := &reader{b: value}
	list := make([]Sealed, n)
	for i := range list {
		answer, at := r.u8(), r.u64()
		switch answer {
		case putDone:
			list[i].At = at
		case putErased:
			list[i].Refusal = errErased()
		case putConflict:
			list[i].Refusal = entry.Refuse(entry.CodeCommitmentMismatch, "a record with other parts is sealed for this statement")
		default:
			list[i].Refusal = entry.Refuse(entry.CodeUnknownHandle, "the vault knows no such slot")
		}
	}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("vault: answer to a put: %w", err)
	}
	return list, nil
}

func errErased() *entry.Refusal {
	return entry.Refuse(entry.CodeSubjectErased, "the subject's erasure was requested, or its keys are destroyed")
}
