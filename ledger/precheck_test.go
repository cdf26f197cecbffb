package ledger_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
)

// TestPrecheckForetells asks, before each command of a random history, what it
// will answer, and wants exactly that, and nothing written.
func TestPrecheckForetells(t *testing.T) {
	for seed := uint64(300); seed < 300+uint64(fewer(3)); seed++ {
		tr := &trial{t: t, history: newHistory(t, seed), codes: map[entry.Code]int{}, kinds: map[entry.Kind]int{}}
		tr.l = tr.Open(t, vfs.NewMem(), "ledger")
		tr.run()
		l := tr.Open(t, vfs.NewMem(), "again")
		for _, cmd := range tr.cmds {
			foretold := precheck(t, l, cmd)
			out, err := l.Apply([]state.Command{cmd})
			must(t, err)
			for i, want := range out[0] {
				got := foretold[i]
				if got.Refusal != nil && want.Refusal != nil {
					if got.Refusal.Code != want.Refusal.Code {
						t.Fatalf("seed %d, command %d: foretold %v, came %v", seed, cmd.Index, error(got.Refusal), error(want.Refusal))
					}
					continue
				}
				got.LeafHash = want.LeafHash // an entry has none before it is one
				if want.Refusal != nil && want.Refusal.Code == entry.CodeSeenMismatch {
					continue // what lies beyond this node is for Apply to judge
				}
				if got != want {
					t.Fatalf("seed %d, command %d: foretold %+v, came %+v", seed, cmd.Index, got, want)
				}
			}
		}
		if dump(t, l.State()) != dump(t, tr.l.State()) {
			t.Fatalf("seed %d: asking changed something", seed)
		}
	}
}

func precheck(t *testing.T, l *ledger.Ledger, cmd state.Command) []ledger.Outcome {
	t.Helper()
	items, err := ledger.DecodeAppend(cmd.Body)
	must(t, err)
	stmts, seals := make([]*entry.Statement, len(items)), make([]uint64, len(items))
	for i, item := range items {
		stmts[i], err = entry.Parse(item.Statement)
		must(t, err)
		seals[i] = item.SealedAt
	}
	out, err := l.Precheck(cmd.Time, stmts, seals)
	must(t, err)
	return out
}

func TestPrecheckBeforeSealing(t *testing.T) {
	w := ledgertest.NewWorld(t, 6)
	l := w.Open(t, vfs.NewMem(), "ledger")
	s, setup := w.Subject("eu")
	r := w.Reading(s)
	all := slices.Concat(setup, []*entry.Statement{r})
	out, err := l.Precheck(w.Now, all, nil)
	must(t, err)
	for i, o := range out {
		if o.Refusal != nil || o.Index != uint64(i)+1 {
			t.Fatalf("statement %d: %+v", i, o)
		}
	}
	out, err = l.Precheck(w.Now, all, make([]uint64, len(all)))
	must(t, err)
	if out[0].Refusal == nil || out[0].Refusal.Code != entry.CodeNotSealed {
		t.Fatalf("unsealed: %+v", out[0])
	}
	if _, err := l.Precheck(w.Now, all, []uint64{1}); err == nil {
		t.Fatal("one seal time for several statements")
	}
	if l.Size() != 1 {
		t.Fatal("asking made the log grow")
	}
}

// TestPrecheckWhileApplying asks about statements that are being applied.
func TestPrecheckWhileApplying(t *testing.T) {
	w := ledgertest.NewWorld(t, 15)
	l := w.Open(t, vfs.NewMem(), "ledger")
	s, setup := w.Subject("eu")
	w.Apply(t, l, setup...)
	all := make([]*entry.Statement, 400)
	for i := range all {
		all[i] = w.Reading(s)
	}
	now := w.Now
	var asking sync.WaitGroup
	for from := range 2 {
		asking.Go(func() {
			for i := from; i+4 <= len(all); i++ {
				out, err := l.Precheck(now, all[i:i+4], nil)
				if err != nil {
					t.Error(err)
					return
				}
				for j, o := range out {
					if o.Refusal != nil {
						t.Errorf("statement %d: %v", i+j, error(o.Refusal))
						return
					}
				}
			}
		})
	}
	for i := range all {
		w.Apply(t, l, all[i])
	}
	asking.Wait()
}
