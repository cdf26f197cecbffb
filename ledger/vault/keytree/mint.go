package keytree

import (
	"context"

	"indelible/ledger/vault/store"
)

// MakeRoom adds leaves: it plants the tree or mints a block. Where another node
// did so first, nothing happens; the caller looks again.
func (t *Tree) MakeRoom(ctx context.Context) error {
	top, err := t.cfg.Store.View().Top()
	if err != nil {
		return err
	}
	if top == nil {
		return t.plant(ctx)
	}
	c, err := t.buildMint(top)
	if err != nil {
		return err
	}
	_, err = t.cfg.Propose(ctx, c)
	return store.UnlessOutdated(err)
}

func (t *Tree) plant(ctx context.Context) error {
	t.attempt.Lock()
	defer t.attempt.Unlock()
	if top, err := t.cfg.Store.View().Top(); err != nil || top != nil {
		return err
	}
	root, err := t.reserve(ctx)
	if err != nil {
		return err
	}
	own, sealed, err := t.freshBlock(store.Place{Level: 1}, store.FirstVersion)
	if err != nil {
		return err
	}
	defer own.wipe()
	wrapped, err := t.wrap(root, own, 1, store.FirstVersion)
	if err != nil {
		return err
	}
	_, err = t.cfg.Propose(ctx, &store.Plant{Root: root, Wrapped: wrapped, Node: sealed.Sealed[:]})
	return store.UnlessOutdated(err)
}

// freshBlock makes a bottom node: 64 fresh leaves under a fresh key.
func (t *Tree) freshBlock(at store.Place, epoch uint64) (*Key, store.Node, error) {
	var leaves node
	defer leaves.wipe()
	for i := range leaves {
		leaf, err := newKey(t.cfg.Rand)
		if err != nil {
			return nil, store.Node{}, err
		}
		leaves[i] = leaf
	}
	return t.freshNode(&leaves, at, epoch)
}

// freshNode seals a node under a fresh key.
func (t *Tree) freshNode(n *node, at store.Place, epoch uint64) (*Key, store.Node, error) {
	own, err := newKey(t.cfg.Rand)
	if err != nil {
		return nil, store.Node{}, err
	}
	sealed, err := n.seal(&own, nodeData(t.group(), at, epoch))
	return &own, store.Node{Place: at, Sealed: sealed}, err
}

// buildMint makes the nodes of the plan: fresh ones from the bottom, each
// holding the one before, and last the node that takes them in.
func (t *Tree) buildMint(top *store.Top) (*store.Mint, error) {
	plan := store.PlanMint(top.Blocks, top.Height)
	epoch := top.Version + 1
	c := &store.Mint{Base: top.Version}
	own, sealed, err := t.freshBlock(plan.Fresh[0], epoch)
	for i := 0; err == nil; i++ {
		c.Nodes = append(c.Nodes, sealed)
		if i+1 == len(plan.Fresh) {
			break
		}
		own, sealed, err = t.freshAbove(top, plan.Fresh[i], own, epoch)
	}
	if err != nil {
		return nil, err
	}
	defer own.wipe()
	if plan.Grows {
		c.Wrapped, err = t.wrap(top.Root, own, top.Height+1, epoch)
		return c, err
	}
	joint, err := t.join(top, *plan.Joint, c.Nodes[len(c.Nodes)-1].Place, own, epoch)
	c.Nodes = append(c.Nodes, joint)
	return c, err
}

// freshAbove makes the node above a fresh one, whose key it takes in and wipes.
// A new top takes in the old one as well.
func (t *Tree) freshAbove(top *store.Top, child store.Place, key *Key, epoch uint64) (*Key, store.Node, error) {
	var n node
	defer n.wipe()
	n[child.Index()] = *key
	key.wipe()
	if child.Level == top.Height {
		old, err := t.unwrap(top)
		if err != nil {
			return nil, store.Node{}, err
		}
		n[0] = *old
		old.wipe()
	}
	return t.freshNode(&n, child.Parent(), epoch)
}

// join adds a child to a node that exists. The node keeps its key: all it ever
// held under it is alive.
func (t *Tree) join(top *store.Top, at, child store.Place, key *Key, epoch uint64) (joint store.Node, err error) {
	err = t.cfg.Store.Snapshot(func(s store.View) error {
		own, n, err := t.openDown(s, top, at)
		if err != nil {
			return err
		}
		defer n.wipe()
		defer own.wipe()
		n[child.Index()] = *key
		sealed, err := n.seal(own, nodeData(t.group(), at, epoch))
		joint = store.Node{Place: at, Sealed: sealed}
		return err
	})
	return joint, err
}
