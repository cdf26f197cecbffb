package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/proof"
)

// tx is one call of Apply, or of Precheck: committed rows with the effects of
// the statements so far on top. It is judged and changed statement by statement
// and written at once, or not at all.
//
// The first failure sticks: what is read after it is empty, nothing is staged
// any more, and no outcome counts. It is looked at after each statement.
type tx struct {
	failure error

	l     *Ledger
	from  pebble.Reader
	batch *pebble.Batch // nil in Precheck: nothing is ever written
	tree  *tree         // nil in Precheck
	meta  meta          // as this transaction leaves it
	base  uint64        // size before it

	now       uint64 // ledger time of the command being applied
	commanded uint64 // that command's own time
	digest    hash.Hash

	leaves []logged // entries of this transaction, from index base on
	roots  map[uint64]proof.Hash

	tables
	devices map[uint64]*device // by author number; changed in place
}

// logged is an entry that is not committed yet.
type logged struct {
	statement *entry.Statement
	time      uint64
	hash      proof.Hash // of the leaf; zero in Precheck
}

func (l *Ledger) begin() *tx {
	t := l.overlaid(l.db, l.meta)
	t.batch, t.tree, t.digest = l.db.NewBatch(), l.tree, sha256.New()
	return t
}

// overlaid is a transaction on a state, without the means to write.
func (l *Ledger) overlaid(from pebble.Reader, at meta) *tx {
	return &tx{l: l, from: from, tables: l.tables, meta: at, base: at.size, now: at.time}
}

func (t *tx) readOnly() bool { return t.batch == nil }

func (t *tx) fail(err error) {
	if t.failure == nil {
		t.failure = err
	}
}

// set writes a row and takes it into the digest of the entry being appended.
func (t *tx) set(key, row []byte) {
	if t.readOnly() || t.failure != nil {
		return
	}
	t.digestRow(key, row)
	if err := t.batch.Set(key, row, nil); err != nil {
		t.fail(fmt.Errorf("ledger: stage a %s row: %w", rowNames[key[0]], err))
	}
}

func (t *tx) unset(key []byte) {
	if t.readOnly() || t.failure != nil {
		return
	}
	t.digestRow(key, nil)
	if err := t.batch.Delete(key, nil); err != nil {
		t.fail(fmt.Errorf("ledger: stage the end of a %s row: %w", rowNames[key[0]], err))
	}
}

// digestRow takes one change into the digest. A row of length 0 and a deleted
// one cannot be mistaken: no sort of row is ever both.
func (t *tx) digestRow(key, row []byte) {
	var lengths [8]byte
	binary.BigEndian.PutUint32(lengths[:], uint32(len(key)))
	binary.BigEndian.PutUint32(lengths[4:], uint32(len(row)))
	t.digest.Write(lengths[:])
	t.digest.Write(key)
	t.digest.Write(row)
}

// digestBegin starts the digest of an entry from that of the one before.
func (t *tx) digestBegin(leaf proof.Hash) {
	if t.readOnly() {
		return
	}
	t.digest.Reset()
	t.digest.Write(t.meta.digest[:])
	t.digest.Write(leaf[:])
}

func (t *tx) digestEnd() {
	if !t.readOnly() {
		t.digest.Sum(t.meta.digest[:0])
	}
}

func (t *tx) hashes() *tiles {
	from := t.l.committed()
	if t.tree != nil {
		from.dirty = t.tree.dirty
	}
	return from
}

// entry returns an entry that is logged, in this transaction or before it.
func (t *tx) entry(index uint64) logged {
	failed := logged{statement: &entry.Statement{}}
	switch {
	case t.failure != nil:
		return failed
	case index >= t.base:
		return t.leaves[index-t.base]
	}
	leaf, err := leafFrom(t.from, index)
	if err != nil {
		t.fail(err)
		return failed
	}
	s, time, err := parseLogged(index, leaf)
	if err != nil {
		t.fail(err)
		return failed
	}
	return logged{statement: s, time: time, hash: proof.LeafHash(leaf)}
}

func (t *tx) statement(index uint64) *entry.Statement { return t.entry(index).statement }

// commit writes everything with the position it brings the database to, and
// shows it to readers.
func (t *tx) commit(to state.Applied) error {
	if err := stageTiles(t.batch, t.tree); err != nil {
		return err
	}
	t.meta.time, t.meta.root = t.now, t.tree.root()
	if err := t.batch.Set(metaKey, t.meta.encode(), nil); err != nil {
		return fmt.Errorf("ledger: stage the size: %w", err)
	}
	if err := t.l.db.Commit(t.batch, to); err != nil {
		return err
	}
	t.keep()
	t.l.meta = t.meta
	t.l.publish()
	return nil
}

func (t *tx) keep() {
	t.authors.keep()
	t.handles.keep()
	t.bindings.keep()
	t.nodes.keep()
	t.runs.keep()
	for no, d := range t.devices {
		t.l.devices.put(no, d)
	}
}

// discard gives up what was staged and not committed.
func (t *tx) discard() error {
	if err := t.batch.Close(); err != nil && !errors.Is(err, pebble.ErrClosed) {
		return fmt.Errorf("ledger: close the batch: %w", err)
	}
	return nil
}
