package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"

	"indelible/api/client"
	"indelible/ledger/entry"
)

// A record begins with its kind; numbers are unsigned varints, byte
// strings carry their length in front.
type recordKind byte

const (
	recordReading recordKind = 1 // author key, statement, openings: one reading to deliver
	recordValue   recordKind = 2 // key, value
	recordLeft    recordKind = 3 // segment, erased (0 or 1), ordinals, each as its distance from the one before
	recordForgot  recordKind = 4 // what the values said of an erased subject stands in segments so far
	recordRefused recordKind = 5 // code, text, time, then as recordReading: a dead letter
	// Of the receipt store:
	recordReceipt    recordKind = 6 // address of its checkpoint, index, ledger time, hashes of the path, statement
	recordCheckpoint recordKind = 7 // signed note
	recordRefusal    recordKind = 8 // time, node, its time, its signature, code, statement
	recordIndex      recordKind = 9 // (first 16 bytes of the statement id ‖ address of the receipt (8))…
)

var errRecord = errors.New("a record is malformed")

func appendBytes(out, b []byte) []byte {
	out = binary.AppendUvarint(out, uint64(len(b)))
	return append(out, b...)
}

// EncodeSigned writes a statement, its author's key and its openings for a journal
// (Spool.Once). The result is PHI where an opening is.
func EncodeSigned(s *client.Signed) ([]byte, error) {
	if s == nil || s.Statement == nil || s.Author == nil {
		return nil, errors.New("ingest: journal a statement: it or its author's key is missing")
	}
	return appendSigned(nil, s), nil
}

// DecodeSigned reads what EncodeSigned wrote.
func DecodeSigned(encoded []byte) (*client.Signed, error) {
	r := &recordReader{rest: encoded}
	s := r.signed()
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("ingest: journaled statement: %w", err)
	}
	return s, nil
}

func appendSigned(out []byte, s *client.Signed) []byte {
	out = appendBytes(out, s.Author.SPKI())
	out = appendBytes(out, s.Statement.Bytes())
	out = binary.AppendUvarint(out, uint64(len(s.Openings)))
	for _, o := range s.Openings {
		out = append(out, byte(o.Class))
		out = appendBytes(out, o.Encoded)
	}
	return out
}

func readingRecord(s *client.Signed) []byte {
	out := make([]byte, 1, s.Size()+len(s.Author.SPKI())+recordOverhead)
	out[0] = byte(recordReading)
	return appendSigned(out, s)
}

func valueRecord(key string, value []byte) []byte {
	return appendBytes(appendBytes([]byte{byte(recordValue)}, []byte(key)), value)
}

// leftRecord says which readings of a segment, by ascending ordinal, have left.
func leftRecord(segment uint64, erased bool, ordinals []int) []byte {
	out := binary.AppendUvarint([]byte{byte(recordLeft)}, segment)
	flag, next := byte(0), 0
	if erased {
		flag = 1
	}
	out = append(out, flag)
	for _, ordinal := range ordinals {
		out = binary.AppendUvarint(out, uint64(ordinal-next))
		next = ordinal + 1
	}
	return out
}

func refusedRecord(r *entry.Refusal, at uint64, s *client.Signed) []byte {
	out := appendBytes([]byte{byte(recordRefused)}, []byte(r.Code))
	out = binary.AppendUvarint(appendBytes(out, []byte(r.Text)), at)
	return appendSigned(out, s)
}

// readRecord begins to read a record of one kind.
func readRecord(record []byte, kind recordKind) *recordReader {
	r := &recordReader{rest: record}
	if r.kind() != kind {
		r.err, r.rest = errRecord, nil
	}
	return r
}

// recordReader reads one record. It was sealed by us, so a fault here is a broken
// spool and not somebody's input.
type recordReader struct {
	rest []byte
	err  error
}

func (r *recordReader) more() bool { return r.err == nil && len(r.rest) > 0 }

// end reports a fault, or that something is left.
func (r *recordReader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = errRecord
	}
	return r.err
}

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

func (r *recordReader) signed() *client.Signed {
	spki, raw := r.bytes(), r.bytes()
	count := r.number()
	if r.err != nil || count > 4 {
		r.err = errRecord
		return nil
	}
	s := &client.Signed{}
	for range count {
		class := entry.Class(r.kind())
		s.Openings = append(s.Openings, client.Opening{Class: class, Encoded: r.bytes()})
	}
	if r.err != nil {
		return nil
	}
	var err error
	if s.Author, err = entry.ParsePublicKey(spki); err == nil {
		s.Statement, err = entry.Parse(raw)
	}
	if err != nil {
		r.err = fmt.Errorf("%w: %w", errRecord, err)
		return nil
	}
	return s
}

// hash reads a byte string of 32 bytes.
func (r *recordReader) hash() (hash [entry.HashSize]byte) {
	if copy(hash[:], r.bytes()) != entry.HashSize {
		r.err, r.rest = errRecord, nil
	}
	return hash
}

func (r *recordReader) statement() *entry.Statement {
	raw := r.bytes()
	if r.err != nil {
		return nil
	}
	s, err := entry.Parse(raw)
	if err != nil {
		r.err = fmt.Errorf("%w: %w", errRecord, err)
	}
	return s
}
