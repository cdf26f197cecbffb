package vault

import (
	"slices"

	"indelible/ledger/entry"
)

// plantCommand writes the first node: 64 leaves under the first root.
type plantCommand struct {
	root    uint64
	wrapped []byte
	node    []byte // sealed, at level 1, position 0, epoch 1
}

// firstVersion is the tree's version after planting.
const firstVersion = 1

func (c plantCommand) command() Command {
	var w writer
	w.u64(c.root)
	w.bytes(c.wrapped)
	w.bytes(c.node)
	return Command{CommandPlant, w.b}
}

func readPlant(r *reader) plantCommand {
	return plantCommand{root: r.u64(), wrapped: r.bytes(), node: r.bytes()}
}

func (a *applier) plant(c plantCommand) (Result, error) {
	t, err := a.top()
	if err != nil {
		return Result{}, err
	}
	state, err := a.rootState(c.root)
	if err != nil {
		return Result{}, err
	}
	if t != nil || state != rootReserved || len(c.node) != nodeSealed || len(c.wrapped) == 0 {
		if err := a.burn(c.root); err != nil {
			return Result{}, err
		}
		return outdated("the key tree")
	}
	bottom := nodeRow{place{1, 0}, firstVersion, c.node}
	if err := a.set(keyNode(rowNode, bottom.at), bottom.value()); err != nil {
		return Result{}, err
	}
	first := top{version: firstVersion, epoch: firstVersion, height: 1, blocks: 1, root: c.root, wrapped: c.wrapped}
	if err := a.setTop(first); err != nil {
		return Result{}, err
	}
	a.effect |= treeGrew | wakesWorker
	return Result{}, a.setRoot(c.root, rootCurrent)
}

func (a *applier) setTop(t top) error { return a.set(key(rowTop), t.encode()) }

// mintCommand adds a block of 64 leaves. No key that exists changes; when the
// tree grows, the new top's key is wrapped by the root version in force.
type mintCommand struct {
	base    uint64    // version of the tree it was built on
	wrapped []byte    // of the new top; nil unless the tree grows
	nodes   []nodeRow // as planMint lists them, from the bottom
}

func (c mintCommand) command() Command {
	var w writer
	w.u64(c.base)
	w.bytes(c.wrapped)
	w.nodes(c.nodes)
	return Command{CommandMint, w.b}
}

func readMint(r *reader) mintCommand {
	c := mintCommand{base: r.u64(), wrapped: r.bytes()}
	c.nodes = r.nodes(c.base + 1)
	return c
}

// places lists the nodes the plan writes, in the order of the command.
func (p mintPlan) places() []place {
	list := slices.Clone(p.fresh)
	if p.joint != nil {
		list = append(list, *p.joint)
	}
	return list
}

func (a *applier) mint(c mintCommand) (Result, error) {
	t, err := a.top()
	if err != nil {
		return Result{}, err
	}
	if t == nil || t.version != c.base {
		return outdated("the key tree")
	}
	plan := planMint(t.blocks, t.height)
	if !slices.Equal(placesOf(c.nodes), plan.places()) || plan.grows != (len(c.wrapped) > 0) {
		return refuse(entry.CodeMalformed, "a block of keys writes other nodes than it needs")
	}
	if plan.grows && t.height == maxHeight {
		return refuse(entry.CodeTooLarge, "the key tree has %d levels, its limit", maxHeight)
	}
	t.version++
	t.blocks++
	if plan.grows {
		t.height++
		t.epoch, t.wrapped = t.version, c.wrapped
	}
	for _, n := range c.nodes {
		if err := a.set(keyNode(rowNode, n.at), n.value()); err != nil {
			return Result{}, err
		}
	}
	a.effect |= treeGrew
	return Result{}, a.setTop(*t)
}
