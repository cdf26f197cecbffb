package vault

import (
	"context"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/entry"
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
			o.must(o.store.db.Set(key64(rowDoomed, 70), nil, pebble.NoSync))
			o.dead[70] = true
			o.propose = func(c Command) string {
				if c.Type != CommandRekey {
					return ""
				}
				o.propose = nil // once: what is proposed here comes by here too
				root, err := o.vault.reserve(context.Background())
				o.must(err)
				_, err = o.vault.propose(context.Background(), o.wrongRekey(root, 70, fault))
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
			} else if !errors.Is(err, errLivingKey) {
				t.Fatalf("the round ended with %v", err)
			}
		})
	}
}

// wrongRekey takes one leaf out of the tree as sealAbove does, with a fault.
func (o *orchard) wrongRekey(root, leaf uint64, fault string) rekeyCommand {
	o.tb.Helper()
	now := o.store.view()
	t, err := now.top()
	o.must(err)
	open, err := openAbove(now, o.keyring, euGroup, *t, ancestors([]uint64{leaf}, t.height), rowNode)
	o.must(err)
	fresh := func() Key {
		k, err := newKey(o.random)
		o.must(err)
		return k
	}
	c := rekeyCommand{base: t.version, root: root, erased: []uint64{leaf}}
	bottom := open.nodes[bottomOf(leaf)]
	switch fault {
	case "loses a living key":
		bottom[leafSlot(leaf)+1] = Key{}
	case "changes a living key":
		bottom[leafSlot(leaf)+1] = fresh()
	}
	if fault != "keeps an erased key" {
		bottom[leafSlot(leaf)] = Key{}
	}
	for _, at := range open.places {
		own := fresh()
		if fault == "keeps a node's key" && at.level == 1 || fault == "keeps the top's key" && at == t.place() {
			own = open.keys[at]
		}
		sealed, err := sealNode(&own, open.nodes[at], nodeData(euGroup, at, t.version+1))
		o.must(err)
		c.nodes = append(c.nodes, nodeRow{at, t.version + 1, sealed})
		if at != t.place() {
			open.nodes[at.parent()][at.slot()] = own
			continue
		}
		c.wrapped, err = o.vault.wrap(root, &own, t.height, t.version+1)
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
	try := func(change func(*rekeyCommand)) error {
		root, err := o.vault.reserve(ctx)
		o.must(err)
		c := o.wrongRekey(root, 70, "none")
		change(&c)
		_, err = o.vault.propose(ctx, c)
		if state, _ := o.store.view().rootState(root); err != nil && c.root == root && state != rootDoomed {
			t.Errorf("the version of a refused rekey is in state %d", state)
		}
		return err
	}
	wantCode(t, try(func(*rekeyCommand) {}), entry.CodeWrongState) // nobody condemned it
	o.must(o.store.db.Set(key64(rowDoomed, 70), nil, pebble.NoSync))
	o.dead[70] = true
	for name, change := range map[string]func(*rekeyCommand){
		"fewer nodes": func(c *rekeyCommand) { c.nodes = c.nodes[1:] },
		"more nodes":  func(c *rekeyCommand) { c.nodes = append(c.nodes, c.nodes[0]) },
		"other nodes": func(c *rekeyCommand) { c.nodes[0].at.position++ },
		"no top":      func(c *rekeyCommand) { c.wrapped = nil },
		"no leaf":     func(c *rekeyCommand) { c.erased = nil },
		"leaf twice":  func(c *rekeyCommand) { c.erased = []uint64{70, 70} },
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, try(change), entry.CodeMalformed) })
	}
	wantCode(t, try(func(c *rekeyCommand) { c.root = 1 }), entry.CodeWrongState) // the current one
	o.must(try(func(*rekeyCommand) {}))
	o.must(o.store.db.Set(key64(rowDoomed, 71), nil, pebble.NoSync))
	o.dead[71] = true
	wantCode(t, try(func(c *rekeyCommand) { *c = o.wrongRekey(c.root, 71, "none") }), entry.CodeWrongState) // not compared yet
	top, err := o.store.view().top()
	o.must(err)
	_, err = o.vault.propose(ctx, destroyRootCommand{top.root})
	wantCode(t, err, entry.CodeWrongState) // and nobody has looked
	_, err = o.vault.propose(ctx, abandonRootCommand{top.root})
	wantCode(t, err, entry.CodeWrongState)
	o.must(o.round())
	if n := o.leaks(); n != 0 {
		t.Fatalf("%d erased leaves are reachable", n)
	}
	o.truthful()
}

// TestSoundNeedsAMajorityAndNobodyAgainst: one member that found a fault weighs
// more than all that did not.
func TestSoundNeedsAMajorityAndNobodyAgainst(t *testing.T) {
	o := newOrchard(t, 133)
	defer o.close()
	var list []Member
	for i := range byte(3) {
		list = append(list, Member{Author: entry.AuthorID{i}})
	}
	var w writer
	w.members(list)
	o.must(o.store.db.Set(key(rowMembers), w.b, pebble.NoSync))
	say := func(i byte, ok bool) bool {
		o.must(o.store.db.Set(key64ID(rowVerdict, 9, list[i].Author[:]), []byte{bit(ok)}, pebble.NoSync))
		sound, err := o.store.view().sound(9)
		o.must(err)
		return sound
	}
	for i, want := range []bool{say(0, true), !say(1, true), say(2, false)} {
		if want {
			t.Fatalf("verdict %d is weighed wrongly", i)
		}
	}
}
