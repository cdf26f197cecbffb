package ledger_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
)

// TestVouchedChains revokes devices up to statements of all sorts, with chains
// that have gaps, forks and detours, sent in any order before and after, and
// compares every decision with the oracle, which walks link by link.
func TestVouchedChains(t *testing.T) {
	late, open := 0, 0
	seeds := fewer(90)
	for seed := uint64(1); seed <= uint64(seeds); seed++ {
		c := newChain(t, seed)
		c.submit(c.sent...)
		upto := pick(c.rng, c.statements).ID()
		if c.rng.IntN(8) == 0 {
			upto = pick(c.rng, c.foreign).ID()
		}
		c.submit(c.w.Author(&entry.AuthorChange{Action: entry.AuthorRevoke, Author: c.s.Device.Key.ID(), Upto: &upto},
			entry.SubOfHandle(c.s.Handle), "eu"))
		for range 12 {
			rest := slices.Clone(c.held)
			c.rng.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
			late += c.submit(rest...)
			if c.rng.IntN(3) == 0 {
				c.reopen()
			}
		}
		for _, s := range c.held {
			if _, ok, err := c.l.Find(s.ID()); err == nil && !ok {
				open++
			}
		}
		if r := fsck(t, c.l.State()); !r.Sound() {
			t.Fatalf("seed %d: %v", seed, r.Err())
		}
	}
	if late < seeds || open < seeds {
		t.Fatalf("%d late statements accepted, %d never: the chains have lost their point", late, open)
	}
}

// chain is a device with a tangle of statements.
type chain struct {
	t          *testing.T
	w          *ledgertest.World
	l          *ledger.Ledger
	cfg        ledger.Config
	rng        *rand.Rand
	o          *oracle
	s          *ledgertest.Subject
	statements []*entry.Statement
	sent, held []*entry.Statement
	foreign    []*entry.Statement // of another device
}

func newChain(t *testing.T, seed uint64) *chain {
	w := ledgertest.NewWorld(t, seed)
	c := &chain{t: t, w: w, rng: rand.New(rand.NewPCG(seed, 3)), o: newOracle(w.Genesis), cfg: w.Config(vfs.NewMem(), "ledger")}
	c.cfg.CacheRows = 1 + c.rng.IntN(3)
	var err error
	c.l, err = ledger.Open(c.cfg)
	must(t, err)
	t.Cleanup(func() { must(t, c.l.Close()) })
	s, setup := w.Subject("eu")
	other, more := w.Subject("eu")
	c.s = s
	c.submit(append(setup, more...)...)
	for range 3 {
		c.foreign = append(c.foreign, w.Reading(other))
	}
	c.submit(c.foreign...)
	c.tangle()
	for _, one := range c.statements {
		if c.rng.IntN(100) < 60 {
			c.sent = append(c.sent, one)
		} else {
			c.held = append(c.held, one)
		}
	}
	if c.rng.IntN(3) > 0 {
		c.rng.Shuffle(len(c.sent), func(i, j int) { c.sent[i], c.sent[j] = c.sent[j], c.sent[i] })
	}
	return c
}

// tangle signs statements that mostly follow each other, and now and then fork,
// start anew, or name something that never was or is another's.
func (c *chain) tangle() {
	for range 8 + c.rng.IntN(30) {
		d := c.s.Device
		switch c.rng.IntN(14) {
		case 0:
			d.Prev = nil
		case 1:
			if len(c.statements) > 0 {
				id := pick(c.rng, c.statements).ID()
				d.Prev = &id
			}
		case 2:
			id := entry.StatementID(c.w.Hash())
			d.Prev = &id
		case 3:
			id := pick(c.rng, c.foreign).ID()
			d.Prev = &id
		case 4:
			d.Seq -= min(d.Seq, c.rng.Uint64N(4))
		case 5:
			d.Boot, d.Seq = d.Boot+1, 0
		}
		c.statements = append(c.statements, c.w.Reading(c.s))
	}
}

func (c *chain) reopen() {
	must(c.t, c.l.Close())
	var err error
	c.l, err = ledger.Open(c.cfg)
	must(c.t, err)
}

// submit sends statements in commands of up to four and returns how many were
// late.
func (c *chain) submit(stmts ...*entry.Statement) (late int) {
	c.t.Helper()
	for len(stmts) > 0 {
		n := 1 + c.rng.IntN(min(4, len(stmts)))
		c.w.Now += 1000
		cmd := c.w.Command(c.l.State().Applied().Index+1, c.w.Items(stmts[:n]...)...)
		out, err := c.l.Apply([]state.Command{cmd})
		must(c.t, err)
		for i, got := range out[0] {
			item := c.w.Item(stmts[i])
			want := c.o.submit(item.Statement, item.SealedAt, cmd.Time)
			c.check(got, want)
			if got.Late && !got.Duplicate {
				late++
			}
		}
		stmts = stmts[n:]
	}
	return late
}

func (c *chain) check(got ledger.Outcome, want verdict) {
	c.t.Helper()
	if got.Refusal != nil {
		if !slices.Contains(want.reasons, got.Refusal.Code) {
			c.t.Fatalf("seed %d: refused with %v, want %+v", c.w.Seed, error(got.Refusal), want)
		}
		return
	}
	if len(want.reasons) > 0 || got.Index != uint64(want.index) || got.Late != want.late || got.Marked != want.marked {
		c.t.Fatalf("seed %d: got %+v, want %+v", c.w.Seed, got, want)
	}
}

func TestGaps(t *testing.T) {
	w := ledgertest.NewWorld(t, 4)
	l := w.Open(t, vfs.NewMem(), "ledger")
	s, setup := w.Subject("eu")
	w.Apply(t, l, setup...)
	device := s.Device.Key.ID()
	wantGaps := func(what string, want ...ledger.Gap) {
		t.Helper()
		got, ended, err := l.Gaps(t.Context(), device, ledger.Place{}, 10, 100)
		must(t, err)
		for i := range got {
			got[i].Index = 0
		}
		if !slices.Equal(got, want) || ended != (ledger.Place{}) {
			t.Fatalf("%s: gaps %+v up to %+v, want %+v", what, got, ended, want)
		}
		for _, most := range []struct{ gaps, numbers int }{{1, 100}, {10, 2}, {1, 3}} {
			if pages := gapsByPage(t, l, device, most.gaps, most.numbers); !slices.Equal(pages, want) {
				t.Fatalf("%s: at most %+v at a time: gaps %+v, want %+v", what, most, pages, want)
			}
		}
	}
	var rs []*entry.Statement
	for range 6 {
		rs = append(rs, w.Reading(s))
	}
	w.Apply(t, l, rs[0], rs[1])
	wantGaps("in order")
	w.Apply(t, l, rs[4])
	wantGaps("two missing", ledger.Gap{After: ledger.Place{Boot: 1, Seq: 2}, Next: ledger.Place{Boot: 1, Seq: 5}, Missing: true})
	w.Apply(t, l, rs[3])
	wantGaps("one missing", ledger.Gap{After: ledger.Place{Boot: 1, Seq: 2}, Next: ledger.Place{Boot: 1, Seq: 4}, Missing: true})
	w.Apply(t, l, rs[2])
	wantGaps("closed")
	s.Device.Prev = nil
	w.Apply(t, l, rs[5], w.Reading(s))
	lost := ledger.Gap{After: ledger.Place{Boot: 1, Seq: 6}, Next: ledger.Place{Boot: 1, Seq: 7}, Prev: true}
	wantGaps("lost state", lost)
	s.Device.Boot, s.Device.Seq = 2, 0
	id := rs[0].ID()
	s.Device.Prev = &id
	w.Apply(t, l, w.Reading(s))
	wantGaps("new boot after another statement", lost,
		ledger.Gap{After: lost.Next, Next: ledger.Place{Boot: 2, Seq: 1}, Prev: true})
	rest, _, err := l.Gaps(t.Context(), device, lost.Next, 10, 100)
	if err != nil || len(rest) != 1 || rest[0].Next != (ledger.Place{Boot: 2, Seq: 1}) {
		t.Fatalf("from the first gap on: %+v, %v", rest, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := l.Gaps(gone, device, ledger.Place{}, 10, 100); !errors.Is(err, context.Canceled) {
		t.Fatalf("a search for a caller who went away: %v", err)
	}
}

// gapsByPage searches in steps, each from where the one before ended.
func gapsByPage(t *testing.T, l *ledger.Ledger, device entry.AuthorID, gaps, numbers int) (all []ledger.Gap) {
	t.Helper()
	for from := (ledger.Place{}); ; {
		page, ended, err := l.Gaps(t.Context(), device, from, gaps, numbers)
		must(t, err)
		if len(page) > gaps {
			t.Fatalf("%d gaps, at most %d were asked for", len(page), gaps)
		}
		for _, g := range page {
			g.Index = 0
			all = append(all, g)
		}
		if ended == (ledger.Place{}) {
			return all
		}
		if ended == from {
			t.Fatalf("a search that gets nowhere, at %+v", from)
		}
		from = ended
	}
}

// TestGapsAtTheEdges: before the first statement, and where a boot begins late.
func TestGapsAtTheEdges(t *testing.T) {
	w := ledgertest.NewWorld(t, 6)
	l := w.Open(t, vfs.NewMem(), "ledger")
	s, setup := w.Subject("eu")
	w.Apply(t, l, setup...)
	rs := []*entry.Statement{w.Reading(s), w.Reading(s), w.Reading(s)}
	s.Device.Boot, s.Device.Seq = 2, 2
	w.Apply(t, l, rs[1], rs[2], w.Reading(s))
	got, _, err := l.Gaps(t.Context(), s.Device.Key.ID(), ledger.Place{}, 10, 100)
	must(t, err)
	want := []ledger.Gap{
		{Next: ledger.Place{Boot: 1, Seq: 2}, Index: l.Size() - 3, Missing: true, Prev: true},
		{After: ledger.Place{Boot: 1, Seq: 3}, Next: ledger.Place{Boot: 2, Seq: 3}, Index: l.Size() - 1, Missing: true},
	}
	if !slices.Equal(got, want) {
		t.Errorf("gaps %+v, want %+v", got, want)
	}
}
