package vault

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/entry"
)

// view reads rows: from the database, from a snapshot of it, or, in Apply, from
// the batch that is being written.
type view struct{ r pebble.Reader }

// get returns a copy of a row; nil if there is none.
func (v view) get(k []byte) ([]byte, error) {
	value, closer, err := v.r.Get(k)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("vault: read row %q: %w", k[:1], err)
	}
	row := append(make([]byte, 0, len(value)), value...)
	if err := closer.Close(); err != nil {
		return nil, fmt.Errorf("vault: read row %q: %w", k[:1], err)
	}
	return row, nil
}

func (v view) has(k []byte) (bool, error) {
	row, err := v.get(k)
	return row != nil, err
}

// each calls f for the rows with a prefix, in order, until f says stop.
func (v view) each(prefix []byte, f func(k, value []byte) (more bool, err error)) error {
	return v.span(prefix, after(prefix), f)
}

// span calls f for the rows from lower, before upper.
func (v view) span(lower, upper []byte, f func(k, value []byte) (more bool, err error)) error {
	it, err := v.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return fmt.Errorf("vault: iterate: %w", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(fmt.Errorf("vault: iterate: %w", err), it.Close())
		}
		more, err := f(it.Key(), value)
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if !more {
			break
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("vault: iterate: %w", err)
	}
	return nil
}

// any reports whether a row with this prefix exists.
func (v view) any(prefix []byte) (found bool, err error) {
	err = v.each(prefix, func(_, _ []byte) (bool, error) {
		found = true
		return false, nil
	})
	return found, err
}

// parsed reads a row and decodes it; nil if there is none.
func parsed[T any](v view, k []byte, decode func(r *reader) T) (*T, error) {
	row, err := v.get(k)
	if row == nil || err != nil {
		return nil, err
	}
	r := &reader{b: row}
	t := decode(r)
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("vault: row %q: %w", k[:1], err)
	}
	return &t, nil
}

func (v view) counters() (counters, error) {
	c, err := parsed(v, key(rowCounters), readCounters)
	if err != nil || c == nil {
		return counters{}, err
	}
	return *c, nil
}

func (v view) top() (*top, error)              { return parsed(v, key(rowTop), readTop) }
func (v view) oldTop() (*top, error)           { return parsed(v, keyNode(rowOld, place{}), readTop) }
func (v view) slot(n uint64) (*slotRow, error) { return parsed(v, key64(rowSlot, n), readSlotRow) }
func (v view) subject(n uint64) (*subject, error) {
	return parsed(v, key64(rowSubject, n), readSubject)
}

func (v view) erasure(request entry.StatementID) (*erasureRow, error) {
	return parsed(v, keyID(rowErase, request[:]), readErasureRow)
}

func (v view) hold(set entry.StatementID) (*holdRow, error) {
	return parsed(v, keyID(rowHold, set[:]), readHoldRow)
}

// number reads a row that is one number.
func (v view) number(k []byte) (n uint64, ok bool, err error) {
	row, err := v.get(k)
	if row == nil || err != nil {
		return 0, false, err
	}
	if len(row) != 8 {
		return 0, false, fmt.Errorf("vault: row %q: %w", k[:1], errWire)
	}
	return binary.BigEndian.Uint64(row), true, nil
}

func (v view) slotOf(h entry.Handle) (slot uint64, ok bool, err error) {
	return v.number(keyID(rowHandle, h[:]))
}

// node reads a node of the tree; letter is rowNode or rowOld.
func (v view) node(letter byte, at place) (*nodeRow, error) {
	row, err := v.get(keyNode(letter, at))
	if row == nil || err != nil {
		return nil, err
	}
	n, err := parseNodeRow(at, row)
	return &n, err
}
