package ledger_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
	"indelible/ledger/state/statetest"
	"indelible/test/seed"
)

func commandsOf(w *ledgertest.World, l *ledger.Ledger, items []ledger.Item) []state.Command {
	return []state.Command{w.Command(l.State().Applied().Index+1, items...)}
}

// TestPowerLoss applies a random history, cuts the power again and again, with
// any share of what was not synced lost, and goes on from the position that
// survived: state and proofs must be those of a ledger that never stopped. The
// power is cut when the background work of the database has come to rest, so that
// the seed decides what is lost.
func TestPowerLoss(t *testing.T) {
	for _, number := range seed.Each(t, 200, fewer(6)) {
		synctest.Test(t, func(t *testing.T) {
			tr := &trial{t: t, history: newHistory(t, number), codes: map[entry.Code]int{}, kinds: map[entry.Kind]int{}}
			tr.l = tr.Open(t, vfs.NewMem(), "ledger")
			tr.run()
			if lost := crashes(t, tr); lost == 0 {
				t.Errorf("seed %d: no crash ever lost anything", number)
			}
		})
	}
}

// crashes folds the commands of a trial with power cuts in between and returns
// how many commands had to be applied again.
func crashes(t *testing.T, tr *trial) (again uint64) {
	plan, chance := rand.New(rand.NewPCG(tr.Seed, 5)), rand.New(rand.NewPCG(tr.Seed, 6))
	fs := vfs.NewCrashableMem()
	cfg := tr.Config(fs, "ledger")
	cfg.State.MemTableBytes = 256 << 10 // so that tables are written on the way
	l, err := ledger.Open(cfg)
	must(t, err)
	end := uint64(len(tr.cmds))
	for next := uint64(0); next < end; {
		to := min(next+1+plan.Uint64N(20), end)
		if _, err := l.Apply(tr.cmds[next:to]); err != nil {
			t.Fatalf("seed %d: %v", tr.Seed, err)
		}
		next = to
		if plan.IntN(5) == 0 {
			_, err := l.State().Durable()
			must(t, err)
		}
		if plan.IntN(4) == 0 {
			synctest.Wait()
			image := statetest.Cut(t, fs, 25*plan.IntN(5), chance)
			must(t, l.Close())
			fs, cfg.State.FS = image, image
			l, err = ledger.Open(cfg)
			if err != nil {
				t.Fatalf("seed %d: after a power cut at command %d: %v", tr.Seed, next, err)
			}
			again += next - l.State().Applied().Index
			next = l.State().Applied().Index
		}
	}
	if r := fsck(t, l.State()); !r.Sound() {
		t.Errorf("seed %d: %v", tr.Seed, r.Err())
	}
	if dump(t, l.State()) != dump(t, tr.l.State()) {
		t.Errorf("seed %d: power cuts changed the state", tr.Seed)
	}
	must(t, l.Close())
	return again
}
