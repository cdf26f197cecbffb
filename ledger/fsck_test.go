package ledger_test

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
)

func fsck(t *testing.T, db pebble.Reader) *ledger.Report {
	t.Helper()
	r, err := ledger.Fsck(t.Context(), db, ledger.Check{
		Verifier: verifier, Logger: ledgertest.Quiet(),
	})
	if err != nil {
		t.Fatalf("fsck: %v", err)
	}
	return r
}

// verifier is shared by the checks of this package, so that a thousand of them
// verify each signature once.
var verifier = entry.NewVerifier(entry.VerifierConfig{})

// row is one stored row.
type row struct{ key, value []byte }

// rowsOf reads every row of a ledger, by prefix.
func rowsOf(t *testing.T, db pebble.Reader) map[byte][]row {
	t.Helper()
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[byte][]row)
	for ok := it.First(); ok; ok = it.Next() {
		if it.Key()[0] != state.KeyPrefix {
			rows[it.Key()[0]] = append(rows[it.Key()[0]], row{bytes.Clone(it.Key()), bytes.Clone(it.Value())})
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestFsckFindsEveryFlippedBit changes one bit of one row, or removes or adds a
// row, for rows of every prefix, and wants it found at the right entry.
func TestFsckFindsEveryFlippedBit(t *testing.T) {
	const seed = 11
	s := tell(t, seed)
	if r := fsck(t, s.l.State()); !r.Sound() || r.Size != s.l.Size() || r.Folded != r.Size {
		t.Fatalf("a sound ledger: %+v", r)
	}
	rows := rowsOf(t, s.l.State())
	for prefix, name := range ledger.RowNames() {
		if len(rows[prefix]) == 0 {
			t.Errorf("the story leaves no %s row", name)
		}
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, prefix := range slices.Sorted(maps.Keys(rows)) {
		for range fewer(6) {
			victim := rows[prefix][rng.IntN(len(rows[prefix]))]
			tamper(t, s, victim, rng)
		}
	}
}

// tamper checks a ledger in which one row is not as it was.
func tamper(t *testing.T, s *story, victim row, rng *rand.Rand) {
	t.Helper()
	cause := causeOf(victim)
	removed := s.l.State().NewIndexedBatch()
	defer closing(t, removed)
	must(t, removed.Delete(victim.key, nil))
	wantFault(t, fsck(t, removed), "removed", victim, cause)

	flipped := s.l.State().NewIndexedBatch()
	defer closing(t, flipped)
	value := bytes.Clone(victim.value)
	if len(value) == 0 {
		value = []byte{1}
	} else {
		value[rng.IntN(len(value))] ^= 1 << rng.IntN(8)
	}
	must(t, flipped.Set(victim.key, value, nil))
	at := cause
	if victim.key[0] == 't' {
		at = -1
		for i := range value {
			if value[i] != victim.value[i] {
				at = tileCause(victim.key, i/32, s.l.Size())
			}
		}
	}
	wantFault(t, fsck(t, flipped), "flipped", victim, at)
}

// causeOf is the index that a fault in a row must be laid to, -1 where several
// answers are right.
func causeOf(r row) int {
	switch r.key[0] {
	case 'e', 'A', 'H', 'k', 'K', 'q', 'y', 'M', 'X':
		return int(binary.BigEndian.Uint64(r.key[len(r.key)-8:]))
	case 's', 'r', 'u':
		index, _ := binary.Uvarint(r.value)
		return int(index)
	}
	return -1
}

// tileCause is the last entry under a hash of a tile.
func tileCause(key []byte, hash int, size uint64) int {
	end := (binary.BigEndian.Uint64(key[2:])*256 + uint64(hash) + 1) << (8 * key[1])
	return int(min(end, size)) - 1
}

func wantFault(t *testing.T, r *ledger.Report, how string, victim row, cause int) {
	t.Helper()
	first, bad := r.FirstBad()
	switch {
	case !bad:
		t.Errorf("%s %s row %x: not found", how, ledger.RowNames()[victim.key[0]], victim.key)
	case r.Err() == nil:
		t.Errorf("%s: faults but no error", how)
	case cause >= 0 && first != uint64(cause):
		t.Errorf("%s %s row %x: laid to entry %d, want %d: %v", how, ledger.RowNames()[victim.key[0]], victim.key, first, cause, r.Faults)
	}
}

func closing(t *testing.T, b *pebble.Batch) {
	t.Helper()
	must(t, b.Close())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
