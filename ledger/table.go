package ledger

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// table is one registry: how its rows are spelled, and which of them are kept
// decoded. A row once decoded is never changed, only replaced.
type table[K comparable, V any] struct {
	prefix byte
	key    func(K) []byte
	size   int                   // of what follows the prefix in a key, bytes; 0: it varies
	named  func(v *V, id []byte) // puts into a row what its key says; nil: nothing
	fields func(v *V, f *form)   // passes over what the row says
	kept   *cache[K, *V]         // nil: none

	// Whether a row says nothing about other rows, so that Precheck may take one
	// from memory that is newer than its snapshot.
	alone bool
}

// open makes a table that keeps so many rows decoded. None are where rows are read
// too rarely, or never twice.
func (t table[K, V]) open(kept int) overlay[K, V] {
	if kept > 0 {
		t.kept = newCache[K, *V](kept)
	}
	return overlay[K, V]{table: &t}
}

// find reads a committed row for a reader; ok is false when there is none.
func (t *table[K, V]) find(from pebble.Reader, k K) (v *V, ok bool, err error) {
	if t.kept != nil {
		if v, ok := t.kept.peek(k); ok {
			return v, true, nil
		}
	}
	v, err = t.load(from, k)
	return v, v != nil, err
}

func (t *table[K, V]) load(from pebble.Reader, k K) (*V, error) {
	var v *V
	key := t.key(k)
	_, err := readRow(from, key, func(row []byte) (err error) {
		v, err = t.parse(key[1:], row)
		return err
	})
	if err != nil {
		return nil, err // what a damaged row seemed to say is no answer
	}
	return v, nil
}

// parse reads a row. id is its key without the prefix.
func (t *table[K, V]) parse(id, row []byte) (*V, error) {
	v, f := new(V), form{data: row}
	if t.size > 0 && len(id) != t.size {
		f.fail()
		return v, f.end(t.prefix)
	}
	if t.named != nil {
		t.named(v, id)
	}
	t.fields(v, &f)
	return v, f.end(t.prefix)
}

// each hands the committed rows to use, in order of keys, beginning at start if
// that is set. It ends as scan does.
func (t *table[K, V]) each(from pebble.Reader, start []byte, use func(id []byte, v *V) error) error {
	return scan(from, []byte{t.prefix}, start, func(key, row []byte) error {
		v, err := t.parse(key[1:], row)
		if err != nil {
			return err
		}
		return use(key[1:], v)
	})
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
	*table[K, V]
	changed map[K]*V // nil value: deleted
}

// get returns the row as the transaction left it; nil when there is none. After
// a failure it is an empty row, see tx.
func (o *overlay[K, V]) get(t *tx, k K) *V {
	if v, ok := o.changed[k]; ok {
		return v
	}
	if t.failure != nil {
		return new(V)
	}
	v, err := o.committed(t, k)
	if err != nil {
		t.fail(err)
		return new(V)
	}
	return v
}

func (o *overlay[K, V]) committed(t *tx, k K) (*V, error) {
	switch {
	case t.readOnly() && o.alone:
		v, _, err := o.find(t.from, k)
		return v, err
	case t.readOnly() || o.kept == nil:
		return o.load(t.from, k)
	}
	if v, ok := o.kept.get(k); ok {
		return v, nil
	}
	v, err := o.load(t.from, k)
	if err == nil && v != nil {
		o.kept.put(k, v)
	}
	return v, err
}

// put replaces the row. v must not be changed afterwards.
func (o *overlay[K, V]) put(t *tx, k K, v *V) {
	if t.failure != nil {
		return
	}
	if o.changed == nil {
		o.changed = make(map[K]*V)
	}
	o.changed[k] = v
	switch {
	case t.readOnly():
	case v == nil:
		t.unset(o.key(k))
	default:
		row := form{writing: true}
		o.fields(v, &row)
		t.set(o.key(k), row.data)
	}
}

// keep moves committed changes into the rows kept decoded. The order in which a
// map is walked decides at most what is forgotten first.
func (o *overlay[K, V]) keep() {
	if o.kept == nil {
		return
	}
	for k, v := range o.changed {
		if v == nil {
			o.kept.drop(k)
			continue
		}
		o.kept.put(k, v)
	}
}

// cache keeps what was read lately, in two generations: when the young one is
// full it becomes the old one, and the old one is forgotten. It holds at most
// twice its limit.
//
// Of rows that are replaced in time the writer of the ledger alone fills it, so
// that no reader can put back one that no longer holds; rows that only grow
// anyone may put in. Values are shared and never changed after that.
type cache[K comparable, V any] struct {
	limit int

	mu         sync.RWMutex // guards the maps; the writer, where it is alone, reads them without
	young, old map[K]V
}

func newCache[K comparable, V any](limit int) *cache[K, V] {
	return &cache[K, V]{limit: max(limit, 1), young: make(map[K]V)}
}

// peek looks without remembering that it did: for readers.
func (c *cache[K, V]) peek(k K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if v, ok := c.young[k]; ok {
		return v, true
	}
	v, ok := c.old[k]
	return v, ok
}

// get looks and keeps what it found young: for a writer who alone fills the cache.
func (c *cache[K, V]) get(k K) (V, bool) {
	if v, ok := c.young[k]; ok {
		return v, true
	}
	v, ok := c.old[k]
	if ok {
		c.put(k, v)
	}
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.young[k]; !ok && len(c.young) >= c.limit {
		c.old, c.young = c.young, make(map[K]V, c.limit/2)
	}
	c.young[k] = v
}

func (c *cache[K, V]) drop(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, k)
	delete(c.old, k)
}
