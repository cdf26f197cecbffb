package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"

	"indelible/ledger/entry"
)

// errRow is a stored row that no version of this program wrote: the disk or the
// program is at fault, and the node stops.
var errRow = errors.New("ledger: a stored row is malformed")

// rowWriter builds the value of a row: unsigned varints, fixed bytes, and
// strings behind their length.
type rowWriter []byte

func (w *rowWriter) uint(u uint64)  { *w = binary.AppendUvarint(*w, u) }
func (w *rowWriter) fixed(b []byte) { *w = append(*w, b...) }

func (w *rowWriter) bytes(b []byte) {
	w.uint(uint64(len(b)))
	w.fixed(b)
}

func (w *rowWriter) bool(b bool) {
	if b {
		w.uint(1)
		return
	}
	w.uint(0)
}

// optional writes nil as 0 and u as u+1: every instant is far below the largest
// uint64 (entry.MaxTime).
func (w *rowWriter) optional(u *uint64) {
	if u == nil {
		w.uint(0)
		return
	}
	w.uint(*u + 1)
}

func (w *rowWriter) step(s *Step) {
	w.bool(s != nil)
	if s == nil {
		return
	}
	w.fixed(s.Statement[:])
	w.fixed(s.Author[:])
	w.uint(s.Index)
	w.uint(s.Time)
}

// rowReader reads what rowWriter wrote. The first fault sticks.
type rowReader struct {
	rest  []byte
	fault bool
}

func (r *rowReader) uint() uint64 {
	u, n := binary.Uvarint(r.rest)
	if n <= 0 || (n > 1 && r.rest[n-1] == 0) {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return u
}

func (r *rowReader) fail() { r.fault, r.rest = true, nil }

// below reads a number that must be under limit.
func (r *rowReader) below(limit uint64) uint64 {
	u := r.uint()
	if u >= limit {
		r.fail()
		return 0
	}
	return u
}

func (r *rowReader) bool() bool { return r.below(2) == 1 }

func (r *rowReader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *rowReader) fixed(to []byte) { copy(to, r.take(uint64(len(to)))) }

// bytes returns a copy: rows are read from memory that Pebble reuses.
func (r *rowReader) bytes() []byte { return append([]byte(nil), r.take(r.uint())...) }

func (r *rowReader) optional() *uint64 {
	u := r.uint()
	if u == 0 {
		return nil
	}
	u--
	return &u
}

func (r *rowReader) step() *Step {
	if !r.bool() {
		return nil
	}
	s := &Step{}
	r.fixed(s.Statement[:])
	r.fixed(s.Author[:])
	s.Index = r.uint()
	s.Time = r.uint()
	return s
}

// end reports whether the row was read whole and without fault.
func (r *rowReader) end(prefix byte) error {
	if r.fault || len(r.rest) > 0 {
		return fmt.Errorf("%w: %s", errRow, rowNames[prefix])
	}
	return nil
}

// Step is one entry that changed something.
type Step struct {
	Statement entry.StatementID
	Author    entry.AuthorID
	Index     uint64
	Time      uint64 // ledger time, Unix milliseconds
}
