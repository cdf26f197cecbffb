package keytree

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"indelible/ledger/vault/store"
)

// Rekey takes condemned leaves out of the tree: one fresh root version, one
// command. It reports whether it did something. Whatever becomes of the attempt
// is found out from the state, not from the answer: a version left reserved is
// abandoned on the next round.
func (t *Tree) Rekey(ctx context.Context) (bool, error) {
	t.attempt.Lock()
	defer t.attempt.Unlock()
	now := t.cfg.Store.View()
	pending, err := now.OldTop()
	if err != nil || pending != nil {
		return false, err
	}
	leaves, err := now.Condemned(store.MaxCondemned)
	if err != nil || len(leaves) == 0 {
		return false, err
	}
	root, err := t.reserve(ctx)
	if err != nil {
		return false, err
	}
	c, err := t.buildRekey(root, leaves)
	if err != nil {
		return false, err
	}
	_, err = t.cfg.Propose(ctx, c)
	return true, store.UnlessOutdated(err)
}

// buildRekey rewrites every node above the leaves. What is in it was taken from
// one unchanging state; the command is refused if that has moved on.
func (t *Tree) buildRekey(root uint64, leaves []uint64) (*store.Rekey, error) {
	c := &store.Rekey{Root: root, Leaves: leaves}
	err := t.cfg.Store.Snapshot(func(s store.View) error {
		top, err := s.Top()
		if err != nil {
			return err
		}
		if top == nil {
			return errors.New("vault: rekey of a tree that was not planted")
		}
		c.Base = top.Version
		b, err := t.openBranch(top, store.Ancestors(leaves, top.Height), s.Node)
		if err != nil {
			return err
		}
		defer b.wipe()
		return t.sealBranch(c, top, b)
	})
	return c, err
}

// branch is a set of open nodes that hangs together up to the top, with the key
// of each.
type branch struct {
	places []store.Place // from the bottom
	keys   map[store.Place]Key
	nodes  map[store.Place]*node
}

func (b *branch) wipe() {
	for _, n := range b.nodes {
		n.wipe()
	}
	clear(b.keys)
}

// openBranch opens nodes from the top down; read reads the stored ones.
func (t *Tree) openBranch(top *store.Top, places []store.Place, read func(store.Place) (*store.NodeRow, error)) (*branch, error) {
	own, err := t.unwrap(top)
	if err != nil {
		return nil, err
	}
	b := &branch{places: places, keys: make(map[store.Place]Key), nodes: make(map[store.Place]*node)}
	b.keys[top.Place()] = *own
	own.wipe()
	for _, at := range slices.Backward(places) {
		if at != top.Place() {
			above := b.nodes[at.Parent()]
			if above == nil {
				return nil, fmt.Errorf("vault: node %d/%d hangs in nothing", at.Level, at.Position)
			}
			b.keys[at] = above[at.Index()]
		}
		key := b.keys[at]
		stored, err := read(at)
		if b.nodes[at], err = t.open(&key, at, stored, err); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// sealBranch writes the nodes of a branch anew, from the bottom up: without the
// leaves taken out, with the fresh keys of the nodes below, each under a fresh
// key of its own.
func (t *Tree) sealBranch(c *store.Rekey, top *store.Top, b *branch) error {
	for _, leaf := range c.Leaves {
		at := store.LeafPlace(leaf)
		b.nodes[at.Parent()][at.Index()] = Key{}
	}
	for _, at := range b.places {
		own, sealed, err := t.freshNode(b.nodes[at], at, top.Version+1)
		if err != nil {
			return err
		}
		c.Nodes = append(c.Nodes, sealed)
		if at == top.Place() {
			c.Wrapped, err = t.wrap(c.Root, own, top.Height, top.Version+1)
		} else {
			b.nodes[at.Parent()][at.Index()] = *own
		}
		own.wipe()
		if err != nil {
			return err
		}
	}
	return nil
}
