package keytree

import (
	"bytes"
	"context"
	"crypto"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

const euGroup = "eu"

var errLost = errors.New("test: the proposal was lost")

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

// orchard is a key tree alone on a store, with the truth about every leaf.
type orchard struct {
	tb     testing.TB
	rng    *rand.Rand
	random *vaulttest.Source
	fs     vfs.FS
	store  *store.Store
	tree   *Tree
	index  uint64 // newest command

	propose func(c store.Command) (fault string) // "lost" before; may be nil
	written func()                               // called when a command is committed and the tree has not heard of it; may be nil

	keyring *Keyring
	spy     vaulttest.Attacker
	hoard   *hoarder
	truth   map[uint64]Key // every leaf there ever was
	dead    map[uint64]bool
	orphans []uint64 // root versions abandoned
}

func newOrchard(tb testing.TB, seed uint64) *orchard {
	tb.Helper()
	tb.Logf("seed %d", seed)
	w := ledgertest.NewWorldOf(tb, seed, ledgertest.Spec{
		Jurisdictions: []entry.JurisdictionRule{{Name: euGroup, Regime: entry.RegimeGDPR}},
	})
	o := &orchard{
		tb: tb, rng: rand.New(rand.NewPCG(seed, 3)), random: vaulttest.NewSource(seed), fs: vfs.NewMem(),
		truth: make(map[uint64]Key), dead: make(map[uint64]bool), spy: vaulttest.Attacker{Group: euGroup, SkipLeaves: true},
	}
	node := w.Nodes[0]
	var err error
	o.store, err = store.Open(store.Config{State: w.Options(o.fs, "vault"), Jurisdiction: euGroup, Genesis: w.Body, Policy: w.Policy(tb)})
	o.must(err)
	o.keyring, err = NewKeyring(o.fs, "keyring", o.random)
	o.must(err)
	o.hoard = &hoarder{o.keyring, make(map[uint64]Key)}
	o.store.Observe(func(store.Change) {
		if o.written != nil {
			o.written()
		}
	})
	o.tree = New(Config{
		Store: o.store, Provider: o.hoard, Self: node.Author.ID(), Rand: o.random, Propose: o.try,
		Attest: func(message []byte) ([]byte, error) { return node.Author.Signer.Sign(nil, message, crypto.Hash(0)) },
	})
	_, err = o.try(context.Background(), &store.Members{List: []store.Member{{Author: node.Author.ID(), Key: node.Author.SPKI()}}})
	o.must(err)
	return o
}

func (o *orchard) close() { o.must(o.store.Close()) }

func (o *orchard) must(err error) {
	o.tb.Helper()
	if err != nil {
		o.tb.Fatal(err)
	}
}

// try proposes a command, which the attacker hears whatever becomes of it.
func (o *orchard) try(_ context.Context, p store.Proposal) (store.Result, error) {
	c := store.Encode(p)
	o.spy.Hear(c)
	if o.propose != nil && o.propose(c) == "lost" {
		return store.Result{}, errLost
	}
	o.index++
	out, err := o.store.Apply([]state.Command{{Index: o.index, Term: 1, Time: 1, Type: c.Type, Body: c.Body}})
	o.must(err)
	if out[0].Refusal != nil {
		return out[0], out[0].Refusal
	}
	return out[0], nil
}

// round does everything that is due to the tree, until nothing is, in the order
// of the vault's worker.
func (o *orchard) round() error {
	for {
		if err := o.tree.Broken(); err != nil {
			return err
		}
		again := false
		for _, duty := range []func(context.Context) (bool, error){
			o.tree.DestroyRoots, o.tree.GiveVerdict, o.tree.Abandon, o.tree.OrderDestruction, o.tree.Rekey,
		} {
			acted, err := duty(context.Background())
			if err != nil {
				return err
			}
			again = again || acted
		}
		if !again {
			return nil
		}
	}
}

func (o *orchard) top() *store.Top {
	top, err := o.store.View().Top()
	o.must(err)
	return top
}

func (o *orchard) mint() {
	o.must(o.tree.MakeRoom(context.Background()))
	for leaf := o.top().Leaves() - store.FanOut; leaf < o.top().Leaves(); leaf++ {
		k, err := o.tree.key(leaf)
		o.must(err)
		o.truth[leaf] = k
	}
}

// condemn condemns a leaf, as an erasure would.
func (o *orchard) condemn(leaf uint64) {
	o.must(o.store.State().Set(binary.BigEndian.AppendUint64([]byte{'x'}, leaf), nil, pebble.NoSync))
	o.dead[leaf] = true
}

// erase condemns some living leaves.
func (o *orchard) erase() {
	for range 1 + o.rng.IntN(6) {
		if leaf := o.rng.Uint64N(uint64(len(o.truth))); !o.dead[leaf] {
			o.condemn(leaf)
		}
	}
}

// abort leaves a whole rekey behind in some log that never takes effect.
func (o *orchard) abort() {
	o.propose = func(c store.Command) string {
		if c.Type == store.CommandRekey {
			o.orphans = append(o.orphans, rekeyIn(o.tb, c).Root)
			return "lost"
		}
		return ""
	}
	if _, err := o.tree.Rekey(context.Background()); err == nil {
		o.tb.Log("nothing to rekey")
	}
	o.propose = nil
}

func rekeyIn(tb testing.TB, c store.Command) *store.Rekey {
	p, err := store.Decode(store.Command{Type: c.Type, Body: bytes.Clone(c.Body)})
	if err != nil {
		tb.Fatal(err)
	}
	return p.(*store.Rekey)
}

// leaks counts dead leaves that can be reached, with more keys if given.
func (o *orchard) leaks(more ...uint64) int {
	known := o.spy.Reach(o.tb, o.fs)
	if len(more) > 0 {
		extra := vfs.NewMem()
		ring, err := NewKeyring(extra, "keyring", o.random)
		o.must(err)
		held, err := o.keyring.List()
		o.must(err)
		for _, version := range append(held, more...) {
			root := o.hoard.made[version]
			o.must(ring.writeFile(ring.file(version), encodeRoot(version, &root)))
		}
		known = o.spy.Reach(o.tb, extra)
	}
	n := 0
	for leaf := range o.dead {
		if known[vaulttest.Key(o.truth[leaf])] != nil {
			n++
		}
	}
	for leaf, k := range o.truth {
		if !o.dead[leaf] && known[vaulttest.Key(k)] == nil {
			o.tb.Fatalf("leaf %d is alive and was lost", leaf)
		}
	}
	return n
}

// truthful compares every leaf, opened through the tree, with the truth.
func (o *orchard) truthful() {
	for leaf, k := range o.truth {
		got, err := o.tree.key(leaf)
		o.must(err)
		if o.dead[leaf] != got.isZero() || !o.dead[leaf] && got != k {
			o.tb.Fatalf("leaf %d: dead %t, opened %t", leaf, o.dead[leaf], !got.isZero())
		}
	}
}
