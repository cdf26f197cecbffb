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

// form passes over the fields of a row in their order, to read them or to write
// them: unsigned varints, fixed bytes, and strings behind their length. The first
// fault in reading sticks.
type form struct {
	data    []byte // what is left to read, or was written
	writing bool
	fault   bool
}

func (f *form) fail() { f.fault, f.data = true, nil }

func (f *form) uint(u *uint64) {
	if f.writing {
		f.data = binary.AppendUvarint(f.data, *u)
		return
	}
	v, n := binary.Uvarint(f.data)
	if n <= 0 || (n > 1 && f.data[n-1] == 0) {
		f.fail()
		return
	}
	*u, f.data = v, f.data[n:]
}

func below[N ~uint8 | ~uint64](f *form, n *N, limit uint64) {
	u := uint64(*n)
	if f.uint(&u); !f.writing {
		if u >= limit {
			f.fail()
			u = 0
		}
		*n = N(u)
	}
}

func (f *form) bool(b *bool) {
	var u uint8
	if *b {
		u = 1
	}
	if below(f, &u, 2); !f.writing {
		*b = u == 1
	}
}

func (f *form) fixed(b []byte) {
	if f.writing {
		f.data = append(f.data, b...)
		return
	}
	copy(b, f.take(uint64(len(b))))
}

func (f *form) take(n uint64) []byte {
	if n > uint64(len(f.data)) {
		f.fail()
		return nil
	}
	b := f.data[:n:n]
	f.data = f.data[n:]
	return b
}

// bytes reads into a copy: rows are read from memory that Pebble reuses.
func (f *form) bytes(b *[]byte) {
	n := uint64(len(*b))
	if f.uint(&n); f.writing {
		f.fixed(*b)
		return
	}
	*b = append([]byte(nil), f.take(n)...)
}

func (f *form) text(s *string) {
	b := []byte(*s)
	f.bytes(&b)
	*s = string(b)
}

// time passes over nil as 0 and over t as t+1: every instant is far below the
// largest uint64 (entry.MaxTime).
func (f *form) time(t **uint64) {
	var u uint64
	if *t != nil {
		u = **t + 1
	}
	if f.uint(&u); !f.writing && u > 0 {
		u--
		*t = &u
	}
}

// optional passes over whether a value is there, and over the value.
func optional[T any](f *form, v **T, value func(*form, *T)) {
	there := *v != nil
	if f.bool(&there); !there {
		return
	}
	if !f.writing {
		*v = new(T)
	}
	value(f, *v)
}

func (f *form) id(v **entry.StatementID) {
	optional(f, v, func(f *form, id *entry.StatementID) { f.fixed(id[:]) })
}

// list passes over the number of items, and over each.
func list[T any](f *form, items *[]T, item func(*form, *T)) {
	n := uint64(len(*items))
	f.uint(&n)
	for i := uint64(0); i < n && !f.fault; i++ {
		if !f.writing {
			*items = append(*items, *new(T))
		}
		item(f, &(*items)[i])
	}
}

// step passes over a step that is there, optionalStep over one that may be nil.
func (f *form) step(s *Step) {
	there := true
	if f.bool(&there); !there {
		f.fail()
	}
	s.fields(f)
}

func (f *form) optionalStep(s **Step) { optional(f, s, func(f *form, s *Step) { s.fields(f) }) }

func (f *form) end(prefix byte) error {
	if f.fault || len(f.data) > 0 {
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

func (s *Step) fields(f *form) {
	f.fixed(s.Statement[:])
	f.fixed(s.Author[:])
	f.uint(&s.Index)
	f.uint(&s.Time)
}
