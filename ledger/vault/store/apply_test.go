package store

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
	"indelible/ledger/vault/layout"
)

func emptyStore(tb testing.TB) *Store {
	tb.Helper()
	w := ledgertest.NewWorldOf(tb, 92, ledgertest.Spec{
		Jurisdictions: []entry.JurisdictionRule{{Name: "eu", Regime: entry.RegimeGDPR, Grace: ledgertest.Grace}},
	})
	s, err := Open(Config{State: w.Options(vfs.NewMem(), "vault"), Jurisdiction: "eu", Genesis: w.Body, Policy: w.Policy(tb)})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func closed(tb testing.TB, s *Store) {
	tb.Helper()
	if err := s.Close(); err != nil {
		tb.Error(err)
	}
}

// TestUnknownCommandStops: a command of a later version is not skipped, and
// nothing of its batch is written.
func TestUnknownCommandStops(t *testing.T) {
	s := emptyStore(t)
	defer closed(t, s)
	for _, typ := range []uint16{0, uint16(len(proposals)), 65535} {
		_, err := s.Apply([]state.Command{
			{Index: 1, Term: 1, Type: CommandReserveRoot}, {Index: 2, Term: 1, Type: typ},
		})
		if !errors.Is(err, errUnknownCommand) {
			t.Fatalf("type %d: %v", typ, err)
		}
	}
	if c, err := s.View().Counters(); err != nil || c.Roots != 0 || s.State().Applied().Index != 0 {
		t.Fatalf("something was written: %+v (%v)", c, err)
	}
}

// TestSoundNeedsAMajorityAndNobodyAgainst: one member that found a fault weighs
// more than all that did not.
func TestSoundNeedsAMajorityAndNobodyAgainst(t *testing.T) {
	s := emptyStore(t)
	defer closed(t, s)
	var list []Member
	for i := range byte(3) {
		list = append(list, Member{Author: entry.AuthorID{i}})
	}
	set := func(k, value []byte) {
		if err := s.db.Set(k, value, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	set(key(rowMembers), layout.Encode(&Members{list}))
	say := func(i byte, ok bool) bool {
		set(key64(rowVerdict, 9, list[i].Author[:]...), []byte{layout.Bit(ok)})
		sound, err := s.View().Sound(9)
		if err != nil {
			t.Fatal(err)
		}
		return sound
	}
	for i, want := range []bool{say(0, true), !say(1, true), say(2, false)} {
		if want {
			t.Fatalf("verdict %d is weighed wrongly", i)
		}
	}
}

// TestBrokenRowStops: a command that meets a row that does not parse, or misses
// one that must exist, stops the node, and nothing of its batch is written.
func TestBrokenRowStops(t *testing.T) {
	for name, broken := range map[string]struct {
		key, value []byte
		p          Proposal
	}{
		"does not parse": {key(rowCounters), []byte{1}, &ReserveRoot{}},
		"is missing":     {key64(rowLater, 7), make([]byte, 32), &CondemnAudit{Slot: 7}},
	} {
		t.Run(name, func(t *testing.T) {
			s := emptyStore(t)
			defer closed(t, s)
			if err := s.db.Set(broken.key, broken.value, pebble.NoSync); err != nil {
				t.Fatal(err)
			}
			c := Encode(broken.p)
			_, err := s.Apply([]state.Command{
				{Index: 1, Term: 1, Type: CommandFollow, Body: layout.Number(9)}, {Index: 2, Term: 1, Time: 1, Type: c.Type, Body: c.Body},
			})
			if !errors.Is(err, layout.ErrMalformed) {
				t.Fatalf("applied: %v", err)
			}
			if upto, err := s.View().Followed(); err != nil || upto != 0 || s.State().Applied().Index != 0 {
				t.Fatalf("something was written: %d (%v)", upto, err)
			}
		})
	}
}
