package keytree

import (
	"context"
	"testing"

	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

// TestTreeModel runs random histories of minting, erasing and aborted rekeys on
// the tree alone and keeps every wrap ever made. No erased leaf is reachable
// from the root versions that exist, and no living one is lost. The same
// attacker with the abandoned versions in hand does reach erased leaves: that
// they are destroyed is what protects them.
func TestTreeModel(t *testing.T) {
	with := 0
	for seed := uint64(1); seed <= 6; seed += vaulttest.Thinner {
		o := newOrchard(t, seed)
		o.mint()
		o.must(o.round())
		for range 18 {
			switch o.rng.IntN(6) {
			case 0, 1:
				for range 1 + o.rng.IntN(8) {
					o.mint()
				}
			case 2, 3:
				o.erase()
				o.must(o.round())
				if n := o.leaks(); n != 0 {
					t.Fatalf("seed %d: %d erased leaves are reachable", seed, n)
				}
			case 4:
				o.erase()
				o.abort()
			case 5:
				o.erase()
				o.abort()
				o.mint()
				o.must(o.round())
			}
		}
		o.must(o.round())
		if n := o.leaks(); n != 0 {
			t.Fatalf("seed %d: %d erased leaves are reachable", seed, n)
		}
		with += o.leaks(o.orphans...)
		o.truthful()
		o.close()
	}
	if with == 0 {
		t.Fatal("with abandoned root versions in hand nothing leaks: the model is too weak")
	}
	t.Logf("with the abandoned versions in hand %d erased leaves would be reachable", with)
}

// TestRefusedRekeyBurnsItsRoot: two attempts under one version would let the
// blobs of the first outlive an erasure ordered between them.
func TestRefusedRekeyBurnsItsRoot(t *testing.T) {
	o := newOrchard(t, 5)
	defer o.close()
	o.mint()
	o.must(o.round())
	o.erase()
	o.propose = func(c store.Command) string {
		if c.Type == store.CommandRekey {
			o.propose = nil
			o.mint() // the tree moves on
		}
		return ""
	}
	_, err := o.tree.Rekey(context.Background())
	o.must(err)
	state, err := o.store.View().RootState(2)
	o.must(err)
	if state != store.RootDoomed {
		t.Fatalf("the root version of a refused rekey is in state %d", state)
	}
	o.must(o.round())
	if n := o.leaks(); n != 0 {
		t.Fatalf("%d erased leaves are reachable", n)
	}
}

// TestFreshTreeUnderEveryHeight erases in trees of one to three levels.
func TestFreshTreeUnderEveryHeight(t *testing.T) {
	o := newOrchard(t, 9)
	defer o.close()
	for _, blocks := range []int{1, 2, 64, 65, 66} {
		for len(o.truth) < blocks*store.FanOut {
			o.mint()
		}
		o.must(o.round())
		o.erase()
		o.must(o.round())
		if n := o.leaks(); n != 0 {
			t.Fatalf("%d blocks: %d erased leaves are reachable", blocks, n)
		}
	}
	o.truthful()
}

// TestReadBetweenCommitAndForget: a reader that looks when a rekey is committed,
// and before the tree has forgotten what it replaced, does not open new nodes
// with old keys.
func TestReadBetweenCommitAndForget(t *testing.T) {
	o := newOrchard(t, 134)
	defer o.close()
	for range 3 {
		o.mint()
	}
	o.must(o.round())
	o.tree.forget(store.Change{TreeWritten: true})
	if _, err := o.tree.key(0); err != nil { // keeps the top, and one node below it
		t.Fatal(err)
	}
	looked := false
	o.written = func() {
		if old, err := o.store.View().OldTop(); err != nil || old == nil || looked {
			return
		}
		looked = true
		if k, err := o.tree.key(71); err != nil || k != o.truth[71] {
			t.Errorf("a living key does not open: %v", err)
		}
	}
	o.condemn(70)
	o.must(o.round())
	if !looked {
		t.Fatal("nothing was read meanwhile: the test proves nothing")
	}
	o.truthful()
}
