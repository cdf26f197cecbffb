package vault

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
	"indelible/ledger/vault/layout"
	"indelible/ledger/vault/store"
)

// everyCommand is a history's commands, one of each type at least.
func everyCommand(tb testing.TB) []Command {
	var list []Command
	s := newSite(tb, 91, vfs.NewMem(), spec(ledgertest.Grace, 0, 0, 5*day))
	defer s.close()
	s.tap = func(c Command) { list = append(list, Command{Type: c.Type, Body: bytes.Clone(c.Body)}) }
	for i := range 17 { // more than a block of keys
		p, err := s.register(string(rune('a' + i)))
		s.must(err)
		if i > 0 {
			continue
		}
		s.must(s.write(p))
		s.releaseHold(s.setHold(p, entry.ClassIdentity))
		s.must(s.vault.RaiseGuard(tb.Context(), []entry.Handle{p.handle}))
		request, err := s.request(p, entry.ScopeIdentity)
		s.must(err)
		s.mustAppend(s.step(s.world.Officers[0], entry.StepCancel, request))
		s.must(s.round())
		s.erase(p, entry.ScopeAll)
		s.world.Now += 30 * day
		s.must(s.round())
	}
	_, err := s.vault.propose(tb.Context(), &store.Vacate{})
	s.must(err)
	_, err = s.vault.propose(tb.Context(), &store.ReserveRoot{})
	s.must(err)
	s.must(s.round())
	return list
}

// TestEveryCommandIsUnderstood: each type occurs, is read strictly, and every
// truncation or addition stops the node instead of being guessed at.
func TestEveryCommandIsUnderstood(t *testing.T) {
	seen := make(map[uint16]bool)
	for _, c := range everyCommand(t) {
		if seen[c.Type] {
			continue
		}
		seen[c.Type] = true
		s := emptyStore(t)
		for _, body := range [][]byte{append(bytes.Clone(c.Body), 0), c.Body[:max(0, len(c.Body)-1)]} {
			if len(c.Body) == 0 && len(body) == 0 {
				continue
			}
			if _, err := s.Apply([]state.Command{{Index: 1, Term: 1, Type: c.Type, Body: body}}); !errors.Is(err, layout.ErrMalformed) {
				t.Errorf("type %d with a wrong body: %v", c.Type, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for typ := uint16(1); typ < store.CommandVacate+1; typ++ {
		if !seen[typ] {
			t.Errorf("no command of type %d in the history", typ)
		}
	}
}

func emptyStore(tb testing.TB) *store.Store {
	tb.Helper()
	w := ledgertest.NewWorldOf(tb, 92, spec(ledgertest.Grace, 0, 0, 0))
	s, err := store.Open(store.Config{
		State: w.Options(vfs.NewMem(), "vault"), Jurisdiction: euGroup, Genesis: w.Body, Policy: w.Policy(tb),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// FuzzApply feeds bytes to every command: it refuses, or stops, and never
// panics; and what it accepts it accepts again in another store alike.
func FuzzApply(f *testing.F) {
	for _, c := range everyCommand(f) {
		f.Add(c.Type, c.Body)
	}
	f.Fuzz(func(t *testing.T, typ uint16, body []byte) {
		s := emptyStore(t)
		cmds := []state.Command{{Index: 1, Term: 1, Time: 1, Type: typ, Body: body}}
		results, err := s.Apply(cmds)
		if err == nil && len(results) != 1 {
			t.Fatal("no result")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
