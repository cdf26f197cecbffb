package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const testDir = "node/groups/global/state"

// smallMemTable makes background flushes happen within a short test.
const smallMemTable = 256 << 10

func testOptions(t *testing.T, fs vfs.FS) Options {
	return Options{
		FS: fs, Dir: testDir, MemTableBytes: smallMemTable, Logger: slog.New(slog.DiscardHandler),
		Broken: func(reason error) { t.Errorf("storage reported broken: %v", reason) },
	}
}

func mustOpen(t *testing.T, o Options) *DB {
	t.Helper()
	db, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func mustClose(t *testing.T, db *DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// write is one row set or, without value, deleted.
type write struct{ key, value []byte }

// step is what one committed Raft entry did: rows, or nothing but the position.
type step struct {
	to     Applied
	writes []write
}

// history is every step ever committed, in order. The state at any position can
// be told from it without the database.
type history struct {
	rand  *rand.Rand
	steps []step
}

// next makes up one more entry. Indexes have gaps, as in a Raft log with no-ops.
func (h *history) next() step {
	var at Applied
	if len(h.steps) > 0 {
		at = h.steps[len(h.steps)-1].to
	}
	s := step{to: Applied{Index: at.Index + 1 + h.rand.Uint64N(3), Term: at.Term + h.rand.Uint64N(2), ConfigIndex: at.ConfigIndex, Config: at.Config}}
	if h.rand.IntN(20) == 0 {
		s.to.ConfigIndex, s.to.Config = s.to.Index, fmt.Appendf(nil, "members as of %d", s.to.Index)
	}
	for range h.rand.IntN(8) {
		w := write{key: fmt.Appendf(nil, "row %03d", h.rand.IntN(300))}
		if h.rand.IntN(4) > 0 {
			// As long as sealed records are, so that memtables fill and are flushed.
			w.value = make([]byte, 8+h.rand.IntN(6000))
			binary.BigEndian.PutUint64(w.value, s.to.Index)
		}
		s.writes = append(s.writes, w)
	}
	h.steps = append(h.steps, s)
	return s
}

// commit puts a step into the database, as an apply loop would.
func commit(db *DB, s step) error {
	if len(s.writes) == 0 {
		return db.FastForward(s.to)
	}
	b := db.NewBatch()
	for _, w := range s.writes {
		err := b.Delete(w.key, nil)
		if w.value != nil {
			err = b.Set(w.key, w.value, nil)
		}
		if err != nil {
			return err
		}
	}
	to := s.to
	if to.ConfigIndex != to.Index {
		to.Config, to.ConfigIndex = nil, 0 // kept from before
	}
	if err := db.Commit(b, to); err != nil {
		return err
	}
	return b.Close()
}

// check fails unless the database holds exactly the rows that its own position
// names, and that position is at least the one promised durable.
func (h *history) check(t *testing.T, db *DB, durable uint64) {
	t.Helper()
	at := db.Applied()
	if at.Index < durable {
		t.Fatalf("position %d after a crash, %d was promised durable", at.Index, durable)
	}
	want, found := h.rowsAt(at.Index)
	if !found && at.Index != 0 {
		t.Fatalf("position %d was never committed", at.Index)
	}
	if to := h.stepAt(at.Index).to; at.Term != to.Term || at.ConfigIndex != to.ConfigIndex || !bytes.Equal(at.Config, to.Config) {
		t.Errorf("position %+v, committed was %+v", at, to)
	}
	rows := 0
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{KeyPrefix + 1}})
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		rows++
		if value, ok := want[string(it.Key())]; !ok || !bytes.Equal(value, it.Value()) {
			t.Fatalf("row %q is not as of position %d", it.Key(), at.Index)
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	if rows != len(want) {
		t.Fatalf("%d rows at position %d, want %d", rows, at.Index, len(want))
	}
}

func (h *history) stepAt(index uint64) step {
	at := slices.IndexFunc(h.steps, func(s step) bool { return s.to.Index == index })
	if at < 0 {
		return step{}
	}
	return h.steps[at]
}

func (h *history) rowsAt(index uint64) (rows map[string][]byte, found bool) {
	rows = make(map[string][]byte)
	for _, s := range h.steps {
		if s.to.Index > index {
			break
		}
		found = s.to.Index == index
		for _, w := range s.writes {
			if w.value == nil {
				delete(rows, string(w.key))
			} else {
				rows[string(w.key)] = w.value
			}
		}
	}
	return rows, found
}
