package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/state"
	"indelible/proof"
)

// compare walks all rows of both databases side by side. When folding stopped
// early, only rows written once by an entry before that can be compared.
func (f *fsck) compare(ctx context.Context) (err error) {
	stored, err := f.db.NewIter(nil)
	if err != nil {
		return fmt.Errorf("ledger: read rows: %w", err)
	}
	defer func() { err = errors.Join(err, stored.Close()) }()
	fresh, err := f.fresh.db.NewIter(nil)
	if err != nil {
		return fmt.Errorf("ledger: read rows: %w", err)
	}
	defer func() { err = errors.Join(err, fresh.Close()) }()
	stored.First()
	fresh.First()
	for stored.Valid() || fresh.Valid() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.pair(stored, fresh); err != nil {
			return err
		}
	}
	return errors.Join(stored.Error(), fresh.Error())
}

func (f *fsck) pair(stored, fresh *pebble.Iterator) error {
	order := sideBySide(stored, fresh)
	var key, have, want []byte
	var err error
	if order <= 0 {
		key = bytes.Clone(stored.Key())
		if have, err = rowOf(stored); err != nil {
			return err
		}
		stored.Next()
	}
	if order >= 0 {
		key = bytes.Clone(fresh.Key())
		if want, err = rowOf(fresh); err != nil {
			return err
		}
		fresh.Next()
	}
	f.row(key, have, want)
	return nil
}

// sideBySide tells which iterator stands at the smaller key: the first (below
// 0), the second (above 0) or both. One that is at its end stands above all.
func sideBySide(stored, fresh *pebble.Iterator) int {
	switch {
	case !fresh.Valid():
		return -1
	case !stored.Valid():
		return 1
	}
	return bytes.Compare(stored.Key(), fresh.Key())
}

// rowOf copies a row; an empty one is not nil.
func rowOf(it *pebble.Iterator) ([]byte, error) {
	row, err := it.ValueAndErr()
	if err != nil {
		return nil, fmt.Errorf("ledger: read a row: %w", err)
	}
	return append(make([]byte, 0, len(row)), row...), nil
}

// row judges one row: have is what is stored, want what follows from the
// entries; nil when there is none.
func (f *fsck) row(key, have, want []byte) {
	prefix := key[0]
	if prefix == state.KeyPrefix {
		return
	}
	f.report.Rows++
	switch prefix {
	case keyMeta:
		f.metaRow(have, want)
		return
	case keyTile:
		f.tileRow(key, have, want)
		return
	}
	if have != nil && want != nil && bytes.Equal(have, want) {
		return
	}
	index, once := f.causeOf(key, have, want)
	if f.report.Folded < f.report.Size && (!once || index >= f.report.Folded) {
		return
	}
	switch {
	case have == nil:
		f.fault(index, prefix, "the row is missing")
	case want == nil:
		f.fault(index, prefix, "the row follows from no entry")
	default:
		f.fault(index, prefix, "the row differs")
	}
}

func (f *fsck) metaRow(have, want []byte) {
	last := f.report.Size - 1
	stored, err := decodeMeta(have)
	if err != nil || have == nil {
		f.fault(last, keyMeta, "unreadable: %v", err)
		return
	}
	if f.report.Folded < f.report.Size {
		return
	}
	folded, err := decodeMeta(want)
	if err != nil {
		f.fault(last, keyMeta, "unreadable: %v", err)
		return
	}
	// Ticks after the newest entry move the time and leave nothing else.
	if stored.time > folded.time {
		folded.time = stored.time
	}
	if stored != folded {
		f.fault(last, keyMeta, "size, time, root or counters differ")
	}
}

// tileRow compares hash by hash, as far as entries were folded.
func (f *fsck) tileRow(key, have, want []byte) {
	if len(key) != len(tileKey(0, 0)) {
		f.fault(f.report.Size, keyTile, "not a tile of any tree")
		return
	}
	level, first := uint(key[1])*tileHeight, binary.BigEndian.Uint64(key[2:])*proof.TileWidth
	for at := 0; at < max(len(have), len(want)); at += proof.HashSize {
		end := (first + uint64(at/proof.HashSize) + 1) << level
		if level >= 64 || end > f.report.Folded && f.report.Folded < f.report.Size {
			break
		}
		if !bytes.Equal(section(have, at), section(want, at)) {
			f.fault(min(end, f.report.Size)-1, keyTile, "hash %d differs", at/proof.HashSize)
			return
		}
	}
}

func section(row []byte, at int) []byte {
	if at >= len(row) {
		return nil
	}
	return row[at:min(at+proof.HashSize, len(row))]
}

// causeOf is the index of the entry that a row follows from, by what the
// entries say if they say anything, and whether that entry wrote it once and
// for all.
func (f *fsck) causeOf(key, have, want []byte) (index uint64, once bool) {
	trusted := want
	if trusted == nil {
		trusted = have
	}
	tail := func() uint64 {
		if len(key) < 1+indexSize {
			return f.report.Size
		}
		return lastNumber(key)
	}
	switch key[0] {
	case keyLeaf, keyByAuthor, keyByHandle, keyConsent, keyByAccessor, keyPolicy, keyRepeat:
		return min(tail(), f.report.Size), true
	case keyMark, keyOpenErasure:
		return min(tail(), f.report.Size), false
	case keySid, keyRequest, keyUsed:
		var p position
		p.fields(&form{data: trusted})
		return min(p.index, f.report.Size), true
	case keyRun, keyWaiting:
		return f.firstOf(key), false
	}
	return f.changed(key, trusted), false
}

// firstOf is the first entry of the author whose number follows the prefix.
func (f *fsck) firstOf(key []byte) uint64 {
	if len(key) < 1+indexSize {
		return f.report.Size
	}
	indexes, err := f.fresh.list(keyByAuthor, binary.BigEndian.Uint64(key[1:]), 0, 1)
	if err != nil || len(indexes) == 0 {
		return f.report.Size
	}
	return indexes[0]
}

// changed is the entry that last changed a row of a registry.
func (f *fsck) changed(key, row []byte) uint64 {
	index, ok := newestIn(&f.fresh.tables, key, row)
	if !ok {
		return f.report.Size
	}
	return min(index, f.report.Size)
}

func newestIn(t *tables, key, row []byte) (uint64, bool) {
	switch key[0] {
	case keyAuthor:
		return changed(t.authors.table, key, row, func(a *Author) uint64 { return a.Changed })
	case keyCA:
		return changed(t.cas.table, key, row, func(c *CA) uint64 { return c.Changed })
	case keyHandle:
		return changed(t.handles.table, key, row, func(h *Handle) uint64 { return max(h.Opened, h.Closed) })
	case keyBinding:
		return changed(t.bindings.table, key, row, func(b *Binding) uint64 { return max(b.Opened, b.Closed) })
	case keyNode:
		return changed(t.nodes.table, key, row, func(m *member) uint64 { return m.record })
	case keyErasure:
		return changed(t.erasures.table, key, row, (*Erasure).newest)
	case keyHold:
		return changed(t.holds.table, key, row, func(h *Hold) uint64 { return newestStep(h.Set.Index, h.Released) })
	case keyPending:
		return changed(t.pending.table, key, row, func(c *Confirmation) uint64 { return newestStep(c.Index, c.Confirmed) })
	}
	return 0, false
}

func changed[K comparable, V any](t *table[K, V], key, row []byte, newest func(*V) uint64) (uint64, bool) {
	v, err := t.parse(key[1:], row)
	return newest(v), err == nil
}

func newestStep(index uint64, steps ...*Step) uint64 {
	for _, s := range steps {
		if s != nil {
			index = max(index, s.Index)
		}
	}
	return index
}

func (e *Erasure) newest() uint64 {
	index := newestStep(e.Requested.Index, e.Approved, e.Cancelled, e.Completed)
	for i := range e.Executed {
		index = max(index, e.Executed[i].Index)
	}
	for i := range e.Lost {
		index = max(index, e.Lost[i].Index)
	}
	return index
}
