package ledger_test

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
	"indelible/test/seed"
)

// dump is a hash over every key and value there is.
func dump(t *testing.T, db pebble.Reader) [32]byte {
	t.Helper()
	it, err := db.NewIter(nil)
	must(t, err)
	h := sha256.New()
	for ok := it.First(); ok; ok = it.Next() {
		for _, b := range [][]byte{it.Key(), it.Value()} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
			h.Write(b)
		}
	}
	must(t, it.Close())
	return [32]byte(h.Sum(nil))
}

// TestApplyIsAFold applies the commands of a random history again: one by one,
// all at once, cut at random, some of them twice, and with a restart wherever
// one falls. Every row must be the same, and every outcome.
func TestApplyIsAFold(t *testing.T) {
	for _, number := range seed.Each(t, 100, fewer(4)) {
		tr := &trial{t: t, history: newHistory(t, number), codes: map[entry.Code]int{}, kinds: map[entry.Kind]int{}}
		tr.l = tr.Open(t, vfs.NewMem(), "ledger")
		tr.run()
		want := dump(t, tr.l.State())
		size, digest := tr.l.StateHash()
		rng := rand.New(rand.NewPCG(number, 2))
		for _, most := range []int{1, 2, 40, len(tr.cmds)} {
			got := refold(t, tr, rng, most)
			if dump(t, got.State()) != want {
				t.Fatalf("seed %d: batches of up to %d commands gave another state", number, most)
			}
			if s, d := got.StateHash(); s != size || d != digest {
				t.Fatalf("seed %d: batches of up to %d commands gave another state hash", number, most)
			}
			must(t, got.Close())
		}
	}
}

// refold folds the commands of a trial in random batches.
func refold(t *testing.T, tr *trial, rng *rand.Rand, most int) *ledger.Ledger {
	cfg := tr.Config(vfs.NewMem(), "again")
	cfg.CacheRows = 1 + rng.IntN(4)
	l, err := ledger.Open(cfg)
	must(t, err)
	for next := 0; next < len(tr.cmds); {
		end := min(next+1+rng.IntN(most), len(tr.cmds))
		from := max(0, next-rng.IntN(3))
		out, err := l.Apply(tr.cmds[from:end])
		must(t, err)
		for i := range out {
			if (out[i] == nil) != (from+i < next) {
				t.Fatalf("seed %d: command %d: outcomes %v", tr.Seed, from+i, out[i])
			}
		}
		next = end
		if rng.IntN(10) == 0 {
			must(t, l.Close())
			l, err = ledger.Open(cfg)
			must(t, err)
		}
	}
	return l
}

func TestDuplicatesAnswerWithTheLoggedIndex(t *testing.T) {
	w := ledgertest.NewWorld(t, 1)
	l := w.Open(t, vfs.NewMem(), "ledger")
	s, setup := w.Subject("eu")
	w.Apply(t, l, setup...)
	r := w.Reading(s)
	out := w.Apply(t, l, r, r, w.Genesis)
	if out[0].Duplicate || !out[1].Duplicate || out[1].Index != out[0].Index || out[1].LeafHash != out[0].LeafHash {
		t.Fatalf("twice in one command: %+v", out)
	}
	if !out[2].Duplicate || out[2].Index != 0 || out[2].LedgerTime != ledgertest.Start {
		t.Fatalf("genesis again: %+v", out[2])
	}
	upto := r.ID()
	w.Apply(t, l, w.Author(&entry.AuthorChange{Action: entry.AuthorRevoke, Author: s.Device.Key.ID(), Upto: &upto},
		entry.SubOfHandle(s.Handle), "eu"), w.Unbind(s.Binding, "eu", 0), w.CloseHandle(s.Handle, "eu"))
	w.Now += 100 * day
	again := broken(submission{raw: r.Bytes()})
	got, err := l.Apply([]state.Command{w.Command(l.State().Applied().Index+1, ledger.Item{Statement: again.raw})})
	must(t, err)
	if o := got[0][0]; !o.Duplicate || o.Index != out[0].Index || o.LedgerTime != out[0].LedgerTime {
		t.Fatalf("after revoke, close and with another signature: %+v", o)
	}
	known, ok, err := l.Known(r.ID())
	if err != nil || !ok || known != got[0][0] {
		t.Fatalf("Known: %+v %t %v, want %+v", known, ok, err, got[0][0])
	}
}

func TestLedgerTimeNeverGoesBack(t *testing.T) {
	w := ledgertest.NewWorld(t, 1)
	l := w.Open(t, vfs.NewMem(), "ledger")
	before := l.Changed()
	w.Now += 1000
	w.Apply(t, l)
	if l.Time() != ledgertest.Start+1000 || l.Size() != 1 {
		t.Fatalf("a tick moved time to %d, size to %d", l.Time(), l.Size())
	}
	<-before
	w.Now -= 500
	out := w.Apply(t, l, w.Sign(w.Registrars[0], entry.Draft{Kind: entry.KindCA, Body: &entry.CAChange{
		Action: entry.CAActivate, Key: w.Key().SPKI(),
	}}))
	if out[0].LedgerTime != ledgertest.Start+1000 || l.Time() != ledgertest.Start+1000 {
		t.Fatalf("a slow clock moved time back: %+v, %d", out[0], l.Time())
	}
}

// TestBrokenCommandsStopTheNode: what no leader of this version writes is never
// skipped, changes nothing, and is not forgotten.
func TestBrokenCommandsStopTheNode(t *testing.T) {
	w := ledgertest.NewWorld(t, 1)
	good := func(l *ledger.Ledger) state.Command {
		return w.Command(1, w.Items(w.Enrol(w.Key(), entry.RoleAuditor, "eu")...)...)
	}
	for name, spoil := range map[string]func(*state.Command){
		"unknown type":  func(c *state.Command) { c.Type = 9 },
		"seal":          func(c *state.Command) { c.Type = ledger.CommandSeal },
		"cut short":     func(c *state.Command) { c.Body = c.Body[:len(c.Body)-1] },
		"trailing byte": func(c *state.Command) { c.Body = append(c.Body, 0) },
		"absurd time":   func(c *state.Command) { c.Time = entry.MaxTime + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			l := w.Open(t, vfs.NewMem(), "ledger")
			want := dump(t, l.State())
			first := good(l)
			bad := good(l)
			bad.Index = 2
			spoil(&bad)
			if _, err := l.Apply([]state.Command{first, bad}); err == nil {
				t.Fatal("accepted")
			}
			if dump(t, l.State()) != want {
				t.Fatal("something was written")
			}
			if _, err := l.Apply([]state.Command{first}); err == nil || !strings.Contains(err.Error(), "stopped earlier") {
				t.Fatalf("went on: %v", err)
			}
		})
	}
}

func TestCommandsOutOfOrderStopTheNode(t *testing.T) {
	w := ledgertest.NewWorld(t, 1)
	l := w.Open(t, vfs.NewMem(), "ledger")
	if _, err := l.Apply([]state.Command{w.Command(2), w.Command(2)}); err == nil {
		t.Fatal("accepted")
	}
}

func TestOpenRefusesAnotherLog(t *testing.T) {
	fs := vfs.NewMem()
	one, two := ledgertest.NewWorld(t, 1), ledgertest.NewWorld(t, 2)
	l, err := ledger.Open(one.Config(fs, "ledger"))
	must(t, err)
	must(t, l.Close())
	cfg := two.Config(fs, "ledger")
	if _, err := ledger.Open(cfg); err == nil || !strings.Contains(err.Error(), one.Log.String()) || !strings.Contains(err.Error(), two.Log.String()) {
		t.Fatalf("another genesis: %v", err)
	}
	forged := broken(submission{raw: two.Genesis.Bytes()})
	cfg.State.Dir, cfg.Genesis = "other", forged.raw
	if _, err := ledger.Open(cfg); err == nil {
		t.Fatal("a genesis with a broken signature founded a log")
	}
	cfg.Genesis = two.CA(two.Key().SPKI())[0].Bytes()
	if _, err := ledger.Open(cfg); err == nil {
		t.Fatal("a statement that is no genesis founded a log")
	}
	again := one.Open(t, fs, "ledger")
	if again.Size() != 1 || again.ID() != one.Log {
		t.Fatalf("size %d, log %s", again.Size(), again.ID())
	}
}
