package ledger

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// table is one registry: how its rows are spelled, and which of them are kept
// decoded. A row once decoded is never changed, only replaced.
type table[K comparable, V any] struct {
	prefix byte
	key    func(K) []byte
	encode func(*V, *rowWriter)
	decode func(K, *rowReader) *V
	kept   *cache[K, *V] // nil: rows are read too rarely, or never twice

	// Whether a row says nothing about other rows, so that Precheck may take one
	// from memory that is newer than its snapshot.
	alone bool
}

// find reads a committed row for a reader; nil when there is none.
func (t *table[K, V]) find(from pebble.Reader, k K) (*V, error) {
	if t.kept != nil {
		if v, ok := t.kept.peek(k); ok {
			return v, nil
		}
	}
	return t.load(from, k)
}

func (t *table[K, V]) load(from pebble.Reader, k K) (*V, error) {
	var v *V
	_, err := readRow(from, t.key(k), func(row []byte) (err error) {
		v, err = t.parse(k, row)
		return err
	})
	return v, err
}

func (t *table[K, V]) parse(k K, row []byte) (*V, error) {
	r := rowReader{rest: row}
	v := t.decode(k, &r)
	return v, r.end(t.prefix)
}

// readRow hands a row to use, which must not keep it, and reports whether there
// is one.
func readRow(from pebble.Reader, key []byte, use func(row []byte) error) (bool, error) {
	row, closer, err := from.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ledger: read a %s row: %w", rowNames[key[0]], err)
	}
	err = use(row)
	return true, errors.Join(err, closer.Close())
}

// overlay is a table with the changes of one transaction on top.
type overlay[K comparable, V any] struct {
	table   *table[K, V]
	changed map[K]*V // nil value: deleted
}

// get returns the row as the transaction left it; nil when there is none.
func (o *overlay[K, V]) get(t *tx, k K) (*V, error) {
	if v, ok := o.changed[k]; ok {
		return v, nil
	}
	switch {
	case t.readOnly() && o.table.alone:
		return o.table.find(t.from, k)
	case t.readOnly() || o.table.kept == nil:
		return o.table.load(t.from, k)
	}
	if v, ok := o.table.kept.get(k); ok {
		return v, nil
	}
	v, err := o.table.load(t.from, k)
	if err == nil && v != nil {
		o.table.kept.put(k, v)
	}
	return v, err
}

// put replaces the row. v must not be changed afterwards.
func (o *overlay[K, V]) put(t *tx, k K, v *V) error {
	if o.changed == nil {
		o.changed = make(map[K]*V)
	}
	o.changed[k] = v
	if t.readOnly() {
		return nil
	}
	if v == nil {
		return t.unset(o.table.key(k))
	}
	var row rowWriter
	o.table.encode(v, &row)
	return t.set(o.table.key(k), row)
}

// settle moves committed changes into the rows kept decoded. The order in which
// a map is walked decides at most what is forgotten first.
func (o *overlay[K, V]) settle() {
	if o.table.kept == nil {
		return
	}
	for k, v := range o.changed {
		if v == nil {
			o.table.kept.drop(k)
			continue
		}
		o.table.kept.put(k, v)
	}
}
