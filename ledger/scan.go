package ledger

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/state"
)

var errEnough = errors.New("enough")

// scan hands every row whose key begins with prefix to use, in order of keys,
// beginning at start if that is set. use must not keep what it is handed, and
// ends the scan without an error by returning errEnough.
func scan(from pebble.Reader, prefix, start []byte, use func(key, row []byte) error) error {
	if start == nil {
		start = prefix
	}
	it, err := from.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: state.After(prefix)})
	if err != nil {
		return fmt.Errorf("ledger: read rows: %w", err)
	}
	err = walk(it, use)
	return errors.Join(err, it.Close())
}

func walk(it *pebble.Iterator, use func(key, row []byte) error) error {
	for ok := it.First(); ok; ok = it.Next() {
		row, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("ledger: read a %s row: %w", rowNames[it.Key()[0]], err)
		}
		err = use(it.Key(), row)
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("ledger: read rows: %w", err)
	}
	return nil
}

// lastBelow returns the key and value of the last row whose key begins with
// prefix; nil when there is none.
func lastBelow(from pebble.Reader, prefix []byte) (key, row []byte, err error) {
	it, err := from.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: state.After(prefix)})
	if err != nil {
		return nil, nil, fmt.Errorf("ledger: read rows: %w", err)
	}
	if it.Last() {
		key = append([]byte(nil), it.Key()...)
		var value []byte
		value, err = it.ValueAndErr()
		row = append([]byte(nil), value...)
	}
	if err = errors.Join(err, it.Error(), it.Close()); err != nil {
		return nil, nil, fmt.Errorf("ledger: read rows: %w", err)
	}
	return key, row, nil
}
