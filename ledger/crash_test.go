package ledger_test

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
)

func commandsOf(w *ledgertest.World, l *ledger.Ledger, items []ledger.Item) []state.Command {
	return []state.Command{w.Command(l.State().Applied().Index+1, items...)}
}

// TestPowerLoss applies a random history, cuts the power again and again, with
// any share of what was not synced lost, and goes on from the position that
// survived: state and proofs must be those of a ledger that never stopped.
func TestPowerLoss(t *testing.T) {
	for seed := uint64(200); seed < 200+uint64(fewer(6)); seed++ {
		tr := &trial{t: t, history: newHistory(t, seed), codes: map[entry.Code]int{}, kinds: map[entry.Kind]int{}}
		tr.l = tr.Open(t, vfs.NewMem(), "ledger")
		tr.run()
		rng := rand.New(rand.NewPCG(seed, 5))
		lost := crashes(t, tr, rng)
		if lost == 0 {
			t.Errorf("seed %d: no crash ever lost anything", seed)
		}
	}
}

// crashes folds the commands of a trial with power cuts in between and returns
// how many commands had to be applied again.
func crashes(t *testing.T, tr *trial, rng *rand.Rand) (again uint64) {
	fs := vfs.NewCrashableMem()
	cfg := tr.Config(fs, "ledger")
	cfg.State.MemTableBytes = 256 << 10 // so that tables are written on the way
	l, err := ledger.Open(cfg)
	must(t, err)
	end := uint64(len(tr.cmds))
	for next := uint64(0); next < end; {
		to := min(next+1+rng.Uint64N(20), end)
		if _, err := l.Apply(tr.cmds[next:to]); err != nil {
			t.Fatalf("seed %d: %v", tr.Seed, err)
		}
		next = to
		if rng.IntN(5) == 0 {
			_, err := l.State().Durable()
			must(t, err)
		}
		if rng.IntN(4) == 0 {
			image := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 25 * rng.IntN(5), RNG: rng})
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
