package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"

	"indelible/ledger/entry"
)

// A frame of the spool holds records. Each begins with its kind; numbers are
// unsigned varints, byte strings carry their length in front.
type recordKind byte

const (
	recordItem    recordKind = 1 // author key, statement, openings: one reading to deliver
	recordPut     recordKind = 2 // key, value: one value of the journal
	recordDone    recordKind = 3 // segment, ordinal: that reading has left
	recordErased  recordKind = 4 // segment, ordinal: it has left because its subject is erased
	recordDoneSet recordKind = 5 // segment, erased (0 or 1), bitmap: all that have left an older segment
	recordHead    recordKind = 6 // end of what a segment repeats of older ones
	recordRefused recordKind = 7 // code, text, time, then as recordItem: a dead letter
	recordForgot  recordKind = 8 // what the journal said of an erased subject stands in segments so far
)

var errRecord = errors.New("a record is malformed")

func appendBytes(out, b []byte) []byte {
	out = binary.AppendUvarint(out, uint64(len(b)))
	return append(out, b...)
}

func appendItem(out []byte, s *Signed) []byte {
	out = append(out, byte(recordItem))
	return appendSigned(out, s)
}

// EncodeSigned writes a statement, its author's key and its openings for a journal
// (Spool.Once). The result is PHI where an opening is.
func EncodeSigned(s *Signed) ([]byte, error) {
	if s == nil || s.Statement == nil || s.Author == nil {
		return nil, errors.New("ingest: journal a statement: it or its author's key is missing")
	}
	return appendSigned(nil, s), nil
}

// DecodeSigned reads what EncodeSigned wrote.
func DecodeSigned(encoded []byte) (*Signed, error) {
	r := &recordReader{rest: encoded}
	s := r.signed()
	if r.err == nil && len(r.rest) > 0 {
		r.err = errRecord
	}
	if r.err != nil {
		return nil, fmt.Errorf("ingest: journaled statement: %w", r.err)
	}
	return s, nil
}

func appendSigned(out []byte, s *Signed) []byte {
	out = appendBytes(out, s.Author.SPKI())
	out = appendBytes(out, s.Statement.Bytes())
	out = binary.AppendUvarint(out, uint64(len(s.Openings)))
	for _, o := range s.Openings {
		out = append(out, byte(o.Class))
		out = appendBytes(out, o.Encoded)
	}
	return out
}

func appendPut(out []byte, key string, value []byte) []byte {
	out = append(out, byte(recordPut))
	out = appendBytes(out, []byte(key))
	return appendBytes(out, value)
}

func appendDone(out []byte, kind recordKind, segment uint64, ordinal int) []byte {
	out = append(out, byte(kind))
	out = binary.AppendUvarint(out, segment)
	return binary.AppendUvarint(out, uint64(ordinal))
}

// appendDoneSet says which readings of a segment have left; all of them if none
// is left behind in it.
func appendDoneSet(out []byte, g *spoolSegment, all bool) []byte {
	out = append(out, byte(recordDoneSet))
	out = binary.AppendUvarint(out, g.number)
	flag := uint64(0)
	if g.erased {
		flag = 1
	}
	out = binary.AppendUvarint(out, flag)
	var set bitmap
	for ordinal, p := range g.readings {
		if p == nil || all {
			set.add(ordinal)
		}
	}
	packed := make([]byte, 0, 8*len(set))
	for _, word := range set {
		packed = binary.LittleEndian.AppendUint64(packed, word)
	}
	return appendBytes(out, packed)
}

func appendRefused(out []byte, r *entry.Refusal, at uint64, s *Signed) []byte {
	out = append(out, byte(recordRefused))
	out = appendBytes(out, []byte(r.Code))
	out = appendBytes(out, []byte(r.Text))
	out = binary.AppendUvarint(out, at)
	return appendSigned(out, s)
}

// recordReader reads the records of one frame. A frame was sealed by us, so a
// fault here is a broken spool and not somebody's input.
type recordReader struct {
	rest []byte
	err  error
}

func (r *recordReader) more() bool { return r.err == nil && len(r.rest) > 0 }

func (r *recordReader) kind() recordKind {
	if !r.more() {
		r.err = errRecord
		return 0
	}
	k := r.rest[0]
	r.rest = r.rest[1:]
	return recordKind(k)
}

func (r *recordReader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.err, r.rest = errRecord, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *recordReader) bytes() []byte {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.err, r.rest = errRecord, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// item reads one record and returns it if it is a reading, nil if it is not.
func (r *recordReader) item() *Signed {
	switch r.kind() {
	case recordItem:
		return r.signed()
	case recordPut:
		r.bytes()
		r.bytes()
	case recordDone, recordErased:
		r.number()
		r.number()
	case recordDoneSet:
		r.number()
		r.number()
		r.bytes()
	case recordHead, recordForgot:
	default:
		r.err = errRecord
	}
	return nil
}

func (r *recordReader) signed() *Signed {
	spki, raw := r.bytes(), r.bytes()
	count := r.number()
	if r.err != nil || count > 4 {
		r.err = errRecord
		return nil
	}
	s := &Signed{}
	for range count {
		class := entry.Class(r.kind())
		s.Openings = append(s.Openings, Opening{Class: class, Encoded: r.bytes()})
	}
	if r.err != nil {
		return nil
	}
	var err error
	if s.Author, err = entry.ParsePublicKey(spki); err != nil {
		r.err = fmt.Errorf("%w: %w", errRecord, err)
		return nil
	}
	if s.Statement, err = entry.Parse(raw); err != nil {
		r.err = fmt.Errorf("%w: %w", errRecord, err)
		return nil
	}
	return s
}

func (r *recordReader) bitmap() bitmap {
	packed := r.bytes()
	if len(packed)%8 != 0 {
		r.err = errRecord
		return nil
	}
	set := make(bitmap, len(packed)/8)
	for i := range set {
		set[i] = binary.LittleEndian.Uint64(packed[8*i:])
	}
	return set
}

// bitmap is a set of small numbers.
type bitmap []uint64

func (b bitmap) has(i int) bool { return i/64 < len(b) && b[i/64]>>(i%64)&1 == 1 }

func (b *bitmap) add(i int) {
	for i/64 >= len(*b) {
		*b = append(*b, 0)
	}
	(*b)[i/64] |= 1 << (i % 64)
}
