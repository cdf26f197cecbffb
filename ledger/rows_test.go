package ledger_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"indelible/ledger"
	"indelible/ledger/state"
)

// TestRowsStayAsTheyAre compares everything that a fixed history leaves in the
// database with what it left when this test was written: a change of a row's
// spelling is a change of format, and of every state hash.
func TestRowsStayAsTheyAre(t *testing.T) {
	s := tell(t, 11)
	it, err := s.l.State().NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	h, prefixes := sha256.New(), map[byte]bool{}
	for ok := it.First(); ok; ok = it.Next() {
		if it.Key()[0] == state.KeyPrefix {
			continue
		}
		prefixes[it.Key()[0]] = true
		for _, b := range [][]byte{it.Key(), it.Value()} {
			h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
			h.Write(b)
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	const want = "04512cb49fd9ca2e70a0862db83e491c0cf23238541796052a5e1529862276b2"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("the rows of a fixed history hash to %s, want %s", got, want)
	}
	if len(prefixes) != len(ledger.RowNames()) {
		t.Errorf("the history leaves rows of %d sorts, want all %d", len(prefixes), len(ledger.RowNames()))
	}
}
