package ledger

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/entry"
	"indelible/proof"
)

// Leaf returns the leaf at index: the bytes that are hashed, served and
// exported. It fails with ErrBeyond from Size on.
func (l *Ledger) Leaf(index uint64) ([]byte, error) {
	if have := l.Size(); index >= have {
		return nil, fmt.Errorf("%w: entry %d of %d", ErrBeyond, index, have)
	}
	return l.readLeaf(index)
}

func (l *Ledger) readLeaf(index uint64) ([]byte, error) { return leafFrom(l.db, index) }

func leafFrom(from pebble.Reader, index uint64) ([]byte, error) {
	var leaf []byte
	found, err := readRow(from, leafKey(index), func(row []byte) error {
		leaf = append([]byte(nil), row...)
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: leaf: entry %d is missing", errRow, index)
	}
	return leaf, err
}

// Statement returns the statement at index and its ledger time.
func (l *Ledger) Statement(index uint64) (*entry.Statement, uint64, error) {
	leaf, err := l.Leaf(index)
	if err != nil {
		return nil, 0, err
	}
	return parseLogged(index, leaf)
}

// parseLogged parses a leaf that is in the log: it must parse.
func parseLogged(index uint64, leaf []byte) (*entry.Statement, uint64, error) {
	time, raw, err := entry.ParseLeaf(leaf)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: leaf: entry %d: %w", errRow, index, err)
	}
	s, err := entry.Parse(raw)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: leaf: entry %d: %w", errRow, index, err)
	}
	return s, time, nil
}

// statementAt reads an entry that a committed row names. It may be newer than
// the view, which is published a moment after the commit.
func (l *Ledger) statementAt(index uint64) (*entry.Statement, error) {
	leaf, err := l.readLeaf(index)
	if err != nil {
		return nil, err
	}
	s, _, err := parseLogged(index, leaf)
	return s, err
}

// eachLeaf hands the committed leaves from (inclusive) to (exclusive) to use,
// which must not keep them.
func (l *Ledger) eachLeaf(from, to uint64, use func(index uint64, leaf []byte) error) error {
	next := from
	err := scan(l.db, []byte{keyLeaf}, leafKey(from), func(key, row []byte) error {
		if next == to {
			return errEnough
		}
		if index := binary.BigEndian.Uint64(key[1:]); index != next {
			return fmt.Errorf("%w: leaf: entry %d is missing", errRow, next)
		}
		next++
		return use(next-1, row)
	})
	if err == nil && next != to {
		err = fmt.Errorf("%w: leaf: entry %d is missing", errRow, next)
	}
	return err
}

// Find returns the index of a statement; ok is false when it is not logged.
func (l *Ledger) Find(id entry.StatementID) (index uint64, ok bool, err error) {
	p, ok, err := l.tables.sids.find(l.db, id)
	if err != nil || !ok {
		return 0, false, err
	}
	return p.index, true, nil
}

// Known returns the outcome that resubmitting a logged statement would have; ok
// is false when it is not logged.
func (l *Ledger) Known(id entry.StatementID) (o Outcome, ok bool, err error) {
	index, ok, err := l.Find(id)
	if err != nil || !ok {
		return Outcome{}, false, err
	}
	o, err = l.loggedOutcome(id, index)
	return o, err == nil, err
}

func (l *Ledger) loggedOutcome(id entry.StatementID, index uint64) (Outcome, error) {
	leaf, err := l.readLeaf(index)
	if err != nil {
		return Outcome{}, err
	}
	time, _, err := entry.ParseLeaf(leaf)
	if err != nil {
		return Outcome{}, fmt.Errorf("%w: leaf: entry %d: %w", errRow, index, err)
	}
	o := Outcome{Index: index, LedgerTime: time, ID: id, LeafHash: proof.LeafHash(leaf), Duplicate: true}
	mark, ok, err := l.tables.marks.find(l.db, index)
	if err == nil && ok {
		o.mark(mark.flags)
	}
	return o, err
}

// list returns up to limit numbers that end the keys beginning with prefix and
// no, from the given one on.
func (l *Ledger) list(prefix byte, no, from uint64, limit int) ([]uint64, error) {
	var found []uint64
	size := l.Size()
	err := scan(l.db, numberKey(prefix, no), numberKey(prefix, no, from), func(key, _ []byte) error {
		index := lastNumber(key)
		if len(found) >= limit || index >= size {
			return errEnough
		}
		found = append(found, index)
		return nil
	})
	return found, err
}

// ByHandle returns up to limit indexes, from the given one on, of entries about
// a handle: with it as sub, of its bindings, and of bindings naming it.
func (l *Ledger) ByHandle(h entry.Handle, from uint64, limit int) ([]uint64, error) {
	return l.listHandle(keyByHandle, h, from, limit)
}

func (l *Ledger) listHandle(prefix byte, id entry.Handle, from uint64, limit int) ([]uint64, error) {
	h, ok, err := l.Handle(id)
	if err != nil || !ok {
		return nil, err
	}
	return l.list(prefix, h.no, from, limit)
}

// ByAuthor returns up to limit indexes, from the given one on, of entries by an
// author or naming it.
func (l *Ledger) ByAuthor(id entry.AuthorID, from uint64, limit int) ([]uint64, error) {
	a, ok, err := l.Author(id)
	if err != nil || !ok {
		return nil, err
	}
	return l.list(keyByAuthor, a.no, from, limit)
}
