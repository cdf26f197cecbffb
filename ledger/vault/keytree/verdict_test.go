package keytree

import (
	"context"
	"errors"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

// TestVerdictFindsEveryFault commits rekeys that are wrong in one way each, as a
// leader whose memory fails might. Each is found, whatever it is, and the one
// that is right is not held against anybody, even if a block came in between.
func TestVerdictFindsEveryFault(t *testing.T) {
	for fault, sound := range map[string]bool{
		"none": true, "none, and a block came": true, "keeps an erased key": false, "keeps a node's key": false,
		"keeps the top's key": false, "loses a living key": false, "changes a living key": false,
	} {
		t.Run(fault, func(t *testing.T) {
			o := newOrchard(t, 131)
			defer o.close()
			for range 3 {
				o.mint()
			}
			o.must(o.round())
			o.condemn(70)
			o.propose = func(c store.Command) string {
				if c.Type != store.CommandRekey {
					return ""
				}
				o.propose = nil // once: what is proposed here comes by here too
				root, err := o.tree.reserve(context.Background())
				o.must(err)
				wrong := o.wrongRekey(root, 70, fault)
				_, err = o.try(context.Background(), &wrong)
				o.must(err)
				if fault == "none, and a block came" {
					o.mint()
				}
				return ""
			}
			err := o.round()
			if sound {
				o.must(err)
				if n := o.leaks(); n != 0 {
					t.Fatalf("%d erased leaves are reachable", n)
				}
				o.truthful()
			} else if !errors.Is(err, ErrLivingKey) {
				t.Fatalf("the round ended with %v", err)
			}
		})
	}
}

// wrongRekey takes one leaf out of the tree as sealBranch does, with a fault.
func (o *orchard) wrongRekey(root, leaf uint64, fault string) store.Rekey {
	o.tb.Helper()
	t, at := o.top(), store.LeafPlace(leaf)
	b, err := o.tree.openBranch(t, store.Ancestors([]uint64{leaf}, t.Height), o.store.View().Node)
	o.must(err)
	fresh := func() Key {
		k, err := newKey(o.random)
		o.must(err)
		return k
	}
	c := store.Rekey{Base: t.Version, Root: root, Leaves: []uint64{leaf}}
	bottom := b.nodes[at.Parent()]
	switch fault {
	case "loses a living key":
		bottom[at.Index()+1] = Key{}
	case "changes a living key":
		bottom[at.Index()+1] = fresh()
	}
	if fault != "keeps an erased key" {
		bottom[at.Index()] = Key{}
	}
	for _, at := range b.places {
		own := fresh()
		if fault == "keeps a node's key" && at.Level == 1 || fault == "keeps the top's key" && at == t.Place() {
			own = b.keys[at]
		}
		sealed, err := b.nodes[at].seal(&own, nodeData(euGroup, at, t.Version+1))
		o.must(err)
		c.Nodes = append(c.Nodes, store.Node{Place: at, Sealed: sealed})
		if at != t.Place() {
			b.nodes[at.Parent()][at.Index()] = own
			continue
		}
		c.Wrapped, err = o.tree.wrap(root, &own, t.Height, t.Version+1)
		o.must(err)
	}
	return c
}

// TestRekeyMustFit: a rekey that erases what is not condemned, writes other nodes
// than it must, or comes while another is not finished changes nothing.
func TestRekeyMustFit(t *testing.T) {
	o := newOrchard(t, 132)
	defer o.close()
	for range 3 {
		o.mint()
	}
	o.must(o.round())
	ctx := context.Background()
	try := func(change func(*store.Rekey)) error {
		root, err := o.tree.reserve(ctx)
		o.must(err)
		c := o.wrongRekey(root, 70, "none")
		change(&c)
		_, err = o.try(ctx, &c)
		if state, _ := o.store.View().RootState(root); err != nil && c.Root == root && state != store.RootDoomed {
			t.Errorf("the version of a refused rekey is in state %d", state)
		}
		return err
	}
	vaulttest.WantCode(t, try(func(*store.Rekey) {}), entry.CodeWrongState) // nobody condemned it
	o.condemn(70)
	for name, change := range map[string]func(*store.Rekey){
		"fewer nodes": func(c *store.Rekey) { c.Nodes = c.Nodes[1:] },
		"more nodes":  func(c *store.Rekey) { c.Nodes = append(c.Nodes, c.Nodes[0]) },
		"other nodes": func(c *store.Rekey) { c.Nodes[0].Position++ },
		"no top":      func(c *store.Rekey) { c.Wrapped = nil },
		"no leaf":     func(c *store.Rekey) { c.Leaves = nil },
		"leaf twice":  func(c *store.Rekey) { c.Leaves = []uint64{70, 70} },
	} {
		t.Run(name, func(t *testing.T) { vaulttest.WantCode(t, try(change), entry.CodeMalformed) })
	}
	vaulttest.WantCode(t, try(func(c *store.Rekey) { c.Root = 1 }), entry.CodeWrongState) // the current one
	o.must(try(func(*store.Rekey) {}))
	o.condemn(71)
	vaulttest.WantCode(t, try(func(c *store.Rekey) { *c = o.wrongRekey(c.Root, 71, "none") }), entry.CodeWrongState) // not compared yet
	_, err := o.try(ctx, &store.DestroyRoot{Current: o.top().Root})
	vaulttest.WantCode(t, err, entry.CodeWrongState) // and nobody has looked
	_, err = o.try(ctx, &store.AbandonRoot{Version: o.top().Root})
	vaulttest.WantCode(t, err, entry.CodeWrongState)
	o.must(o.round())
	if n := o.leaks(); n != 0 {
		t.Fatalf("%d erased leaves are reachable", n)
	}
	o.truthful()
}
