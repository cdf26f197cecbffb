package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/state"
	"indelible/ledger/vault/layout"
)

// View reads rows: from the database, from a snapshot of it, or, in Apply, from
// the batch that is being written. A row that does not parse is
// layout.ErrMalformed; one that does not exist is nil, or false.
type View struct{ r pebble.Reader }

// get returns a copy of a row; nil if there is none.
func (v View) get(k []byte) ([]byte, error) {
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

func (v View) has(k []byte) (bool, error) {
	row, err := v.get(k)
	return row != nil, err
}

// each calls f for the rows with a prefix, in order, until f says stop.
func (v View) each(prefix []byte, f func(k, value []byte) (more bool, err error)) error {
	return v.span(prefix, state.After(prefix), f)
}

// span calls f for the rows from lower, before upper.
func (v View) span(lower, upper []byte, f func(k, value []byte) (more bool, err error)) error {
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
func (v View) any(prefix []byte) (found bool, err error) {
	err = v.each(prefix, func(_, _ []byte) (bool, error) {
		found = true
		return false, nil
	})
	return found, err
}

// number reads a row that is one number.
func (v View) number(k []byte) (n uint64, ok bool, err error) {
	row, err := v.get(k)
	if row == nil || err != nil {
		return 0, false, err
	}
	if n, err = layout.ParseNumber(row); err != nil {
		return 0, false, fmt.Errorf("vault: row %q: %w", k[:1], err)
	}
	return n, true, nil
}

// parsed reads a row; nil if there is none.
func parsed[T any](v View, k []byte) (*T, error) {
	value, err := v.get(k)
	if value == nil || err != nil {
		return nil, err
	}
	t := new(T)
	if err := layout.Decode(value, t); err != nil {
		return nil, fmt.Errorf("vault: row %q: %w", k[:1], err)
	}
	return t, nil
}

// valueOf reads a row; its zero if there is none.
func valueOf[T any](v View, k []byte) (t T, err error) {
	row, err := parsed[T](v, k)
	if row != nil {
		t = *row
	}
	return t, err
}

// keysOf lists what the keys of a kind of row hold, in order; at most limit of
// them, where that is not 0.
func keysOf[T any](v View, letter byte, limit int) ([]T, error) {
	var list []T
	err := v.each(key(letter), func(k, _ []byte) (bool, error) {
		var item T
		err := layout.Decode(k[1:], &item)
		list = append(list, item)
		return len(list) != limit, err
	})
	return list, err
}
