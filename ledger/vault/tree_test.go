package vault

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestPlanMint walks a tree through growth to four levels and compares every
// plan with the set of nodes that exist, kept by hand.
func TestPlanMint(t *testing.T) {
	have := map[place]bool{{1, 0}: true}
	height := uint8(1)
	for blocks := uint64(1); blocks < fanOut*fanOut+130; blocks++ {
		plan := planMint(blocks, height)
		if plan.grows {
			height++
		}
		if plan.grows != (blocks == 1 || blocks == fanOut || blocks == fanOut*fanOut) || plan.grows != (plan.joint == nil) {
			t.Fatalf("block %d, height %d: %+v", blocks, height, plan)
		}
		at := place{1, blocks}
		for _, p := range plan.fresh {
			if have[p] || p != at {
				t.Fatalf("block %d: node %v is not the next that is missing", blocks, p)
			}
			have[p] = true
			at = at.parent()
		}
		if plan.grows && at != (place{height + 1, 0}) || !plan.grows && (*plan.joint != at || !have[at]) {
			t.Fatalf("block %d: %+v does not end where the tree is", blocks, plan)
		}
	}
	if height != 4 {
		t.Fatalf("the tree has %d levels", height)
	}
}

func TestAncestors(t *testing.T) {
	got := ancestors([]uint64{0, 1, 64, 64 * 64, 64*64*2 + 3}, 3)
	want := []place{{1, 0}, {1, 1}, {1, 64}, {1, 128}, {2, 0}, {2, 1}, {2, 2}, {3, 0}}
	if !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}
	for leaf := range uint64(300) {
		down := pathTo(leaf*997, 4)
		slices.Reverse(down)
		if !slices.Equal(down, ancestors([]uint64{leaf * 997}, 4)) {
			t.Fatalf("leaf %d: %v", leaf*997, down)
		}
	}
}

// hoarder is a provider that shows a test every key it made.
type hoarder struct {
	*Keyring
	made map[uint64]Key
}

func (h *hoarder) Create(version uint64) error {
	if err := h.Keyring.Create(version); err != nil {
		return err
	}
	root, err := h.load(version)
	if err == nil {
		h.made[version] = *root
	}
	return err
}

// orchard is a key tree alone, with the truth about every leaf.
type orchard struct {
	*site
	rng     *rand.Rand
	spy     attacker
	hoard   *hoarder
	truth   map[uint64]Key // every leaf there ever was
	dead    map[uint64]bool
	orphans []uint64 // root versions abandoned
}

func newOrchard(tb testing.TB, seed uint64) *orchard {
	o := &orchard{rng: rand.New(rand.NewPCG(seed, 3)), truth: make(map[uint64]Key), dead: make(map[uint64]bool)}
	o.site = newSite(tb, seed, vfs.NewMem(), spec(0, 0, 0, 0))
	o.tap, o.spy.skipLeaves = o.spy.hear, true
	o.hoard = &hoarder{o.keyring, make(map[uint64]Key)}
	o.vault = o.newVault(o.hoard)
	return o
}

func (o *orchard) mint() {
	o.must(o.vault.grow(context.Background()))
	t, err := o.store.view().top()
	o.must(err)
	for leaf := (t.blocks - 1) * fanOut; leaf < t.blocks*fanOut; leaf++ {
		k, err := o.vault.keys.open(leaf)
		o.must(err)
		o.truth[leaf] = k
	}
}

// erase condemns some living leaves, as an erasure would.
func (o *orchard) erase() {
	for range 1 + o.rng.IntN(6) {
		leaf := o.rng.Uint64N(uint64(len(o.truth)))
		if o.dead[leaf] {
			continue
		}
		o.must(o.store.db.Set(key64(rowDoomed, leaf), nil, pebble.NoSync))
		o.dead[leaf] = true
	}
}

// abort leaves a whole rekey behind in some log that never takes effect.
func (o *orchard) abort() {
	o.propose = func(c Command) string {
		if c.Type == CommandRekey {
			k := readRekey(&reader{b: bytes.Clone(c.Body)})
			o.orphans = append(o.orphans, k.root)
			return "lost"
		}
		return ""
	}
	if _, err := o.vault.rotate(context.Background()); err == nil {
		o.tb.Log("nothing to rekey")
	}
	o.propose = nil
}

// leaks counts dead leaves that can be reached, with more keys if given.
func (o *orchard) leaks(more ...uint64) int {
	known := o.spy.reach(o.tb, o.fs)
	if len(more) > 0 {
		extra := newDisk(vfs.NewCrashableMem())
		ring, err := NewKeyring(extra, "keyring", o.random)
		o.must(err)
		held, err := o.keyring.List()
		o.must(err)
		for _, version := range append(held, more...) {
			root := o.hoard.made[version]
			o.must(ring.writeFile(ring.file(version), encodeRoot(version, &root)))
		}
		known = o.spy.reach(o.tb, extra)
	}
	n := 0
	for leaf := range o.dead {
		if known[o.truth[leaf]] != nil {
			n++
		}
	}
	for leaf, k := range o.truth {
		if !o.dead[leaf] && known[k] == nil {
			o.tb.Fatalf("leaf %d is alive and was lost", leaf)
		}
	}
	return n
}

// TestTreeModel runs random histories of minting, erasing and aborted rekeys on
// the tree alone and keeps every wrap ever made. No erased leaf is reachable
// from the root versions that exist, and no living one is lost. The same
// attacker with the abandoned versions in hand does reach erased leaves: that
// they are destroyed is what protects them.
func TestTreeModel(t *testing.T) {
	with := 0
	for seed := uint64(1); seed <= 6; seed += thinner {
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

// truthful compares every leaf, opened through the vault, with the truth.
func (o *orchard) truthful() {
	for leaf, k := range o.truth {
		got, err := o.vault.keys.open(leaf)
		o.must(err)
		if o.dead[leaf] != got.isZero() || !o.dead[leaf] && got != k {
			o.tb.Fatalf("leaf %d: dead %t, opened %t", leaf, o.dead[leaf], !got.isZero())
		}
	}
}

// TestRefusedRekeyBurnsItsRoot: two attempts under one version would let the
// blobs of the first outlive an erasure ordered between them.
func TestRefusedRekeyBurnsItsRoot(t *testing.T) {
	o := newOrchard(t, 5)
	defer o.close()
	o.mint()
	o.must(o.round())
	o.erase()
	o.propose = func(c Command) string {
		if c.Type == CommandRekey {
			o.propose = nil
			o.mint() // the tree moves on
		}
		return ""
	}
	_, err := o.vault.rotate(context.Background())
	o.must(err)
	state, err := o.store.view().rootState(2)
	o.must(err)
	if state != rootDoomed {
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
		for len(o.truth) < blocks*fanOut {
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
