package vault

import (
	"context"
	"errors"
	"fmt"

	"indelible/ledger/entry"
)

// grow makes room in the key tree for another subject: it plants the tree or
// mints a block. Somebody else may have done so first; the caller looks again.
func (v *Vault) grow(ctx context.Context) error {
	t, err := v.store.view().top()
	if err != nil {
		return err
	}
	if t == nil {
		return v.plant(ctx)
	}
	c, err := v.buildMint(*t)
	if err != nil {
		return err
	}
	_, err = v.propose(ctx, c)
	return unlessOutdated(err)
}

// unlessOutdated drops the refusal of a command built on a state that has moved
// on.
func unlessOutdated(err error) error {
	if isCode(err, entry.CodeWrongState) {
		return nil
	}
	return err
}

// isCode reports whether err is a refusal with this code.
func isCode(err error, code entry.Code) bool { return errors.Is(err, &entry.Refusal{Code: code}) }

// reserve takes a root version id and creates its key. The id is committed
// first, so that no key can exist that the group does not know of.
func (v *Vault) reserve(ctx context.Context) (uint64, error) {
	result, err := v.propose(ctx, reserveRootCommand{})
	if err != nil {
		return 0, err
	}
	r := &reader{b: result.Value}
	version := r.u64()
	if err := r.end(); err != nil {
		return 0, fmt.Errorf("vault: answer to a reservation: %w", err)
	}
	if err := v.provider.Create(version); err != nil {
		return 0, fmt.Errorf("vault: create root version %d: %w", version, err)
	}
	return version, nil
}

func (v *Vault) plant(ctx context.Context) error {
	v.rooting.Lock()
	defer v.rooting.Unlock()
	if t, err := v.store.view().top(); err != nil || t != nil {
		return err
	}
	root, err := v.reserve(ctx)
	if err != nil {
		return err
	}
	own, sealed, err := v.freshNode(place{1, 0}, firstVersion)
	if err != nil {
		return err
	}
	defer own.wipe()
	wrapped, err := v.wrap(root, own, 1, firstVersion)
	if err != nil {
		return err
	}
	_, err = v.propose(ctx, plantCommand{root, wrapped, sealed})
	return unlessOutdated(err)
}

// wrap wraps the key of a top node and proves that it comes back.
func (v *Vault) wrap(root uint64, own *Key, height uint8, epoch uint64) ([]byte, error) {
	data := topData(v.store.group, height, epoch)
	wrapped, err := v.provider.Wrap(root, own, data)
	if err != nil {
		return nil, fmt.Errorf("vault: wrap under root version %d: %w", root, err)
	}
	back, err := v.provider.Unwrap(root, wrapped, data)
	if err != nil {
		return nil, fmt.Errorf("vault: unwrap under root version %d: %w", root, err)
	}
	defer back.wipe()
	if *back != *own {
		return nil, fmt.Errorf("vault: root version %d gave another key back", root)
	}
	return wrapped, nil
}

// freshNode makes a bottom node: 64 fresh leaves under a fresh key.
func (v *Vault) freshNode(at place, epoch uint64) (*Key, []byte, error) {
	var leaves nodeKeys
	defer leaves.wipe()
	for i := range leaves {
		leaf, err := newKey(v.cfg.Rand)
		if err != nil {
			return nil, nil, err
		}
		leaves[i] = leaf
	}
	own, err := newKey(v.cfg.Rand)
	if err != nil {
		return nil, nil, err
	}
	sealed, err := sealNode(&own, &leaves, nodeData(v.store.group, at, epoch))
	return &own, sealed, err
}

// buildMint makes the nodes of planMint: fresh ones from the bottom, each
// holding the one before, and last the node that takes them in.
func (v *Vault) buildMint(t top) (mintCommand, error) {
	plan := planMint(t.blocks, t.height)
	epoch := t.version + 1
	c := mintCommand{base: t.version}
	own, sealed, err := v.freshNode(plan.fresh[0], epoch)
	if err != nil {
		return c, err
	}
	c.nodes = append(c.nodes, nodeRow{plan.fresh[0], epoch, sealed})
	child := plan.fresh[0]
	for _, at := range plan.fresh[1:] {
		var n nodeKeys
		n[child.slot()] = *own
		if plan.grows && at.level == t.height+1 {
			if n[0], err = v.topNow(t); err != nil {
				return c, err
			}
		}
		if *own, err = newKey(v.cfg.Rand); err != nil {
			return c, err
		}
		sealed, err := sealNode(own, &n, nodeData(v.store.group, at, epoch))
		n.wipe()
		if err != nil {
			return c, err
		}
		c.nodes = append(c.nodes, nodeRow{at, epoch, sealed})
		child = at
	}
	defer own.wipe()
	if plan.grows {
		c.wrapped, err = v.wrap(t.root, own, t.height+1, epoch)
		return c, err
	}
	joint, err := v.join(t, *plan.joint, child, own, epoch)
	c.nodes = append(c.nodes, joint)
	return c, err
}

func (v *Vault) topNow(t top) (Key, error) {
	own, err := unwrapTop(v.provider, v.store.group, t)
	if err != nil {
		return Key{}, err
	}
	defer own.wipe()
	return *own, nil
}

// join adds a child to a node that exists. The node keeps its key: all it ever
// held under it is alive.
func (v *Vault) join(t top, at, child place, own *Key, epoch uint64) (nodeRow, error) {
	var row nodeRow
	err := v.store.snapshot(func(s view) error {
		above, n, err := openDown(s, v.provider, v.store.group, t, at)
		if err != nil {
			return err
		}
		defer n.wipe()
		defer above.wipe()
		n[child.slot()] = *own
		sealed, err := sealNode(above, n, nodeData(v.store.group, at, epoch))
		row = nodeRow{at, epoch, sealed}
		return err
	})
	return row, err
}

// openDown walks from the top of the tree to a node and returns its key and
// what it holds.
func openDown(s view, p Provider, group string, t top, at place) (*Key, *nodeKeys, error) {
	own, err := unwrapTop(p, group, t)
	if err != nil {
		return nil, nil, err
	}
	first := at.position << (fanBits * uint64(at.level)) // any leaf below it
	for _, step := range pathTo(first, t.height) {
		n, err := openNodeAt(s, group, rowNode, own, step)
		if err != nil {
			return nil, nil, err
		}
		if step == at {
			return own, n, nil
		}
		child := place{step.level - 1, first >> (fanBits * uint64(step.level-1))}
		*own = n[child.slot()]
		n.wipe()
	}
	return nil, nil, fmt.Errorf("vault: node %d/%d is not in the key tree", at.level, at.position)
}
