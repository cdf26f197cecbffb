package vault

import (
	"encoding/binary"
	"slices"

	"indelible/ledger/entry"
)

// rekeyCommand takes condemned leaves out of the tree: every node above one of
// them is written anew, under fresh keys, beneath a fresh root version. All
// older copies of those nodes lead only to root versions that are then
// destroyed.
type rekeyCommand struct {
	base    uint64    // version of the tree it was built on
	root    uint64    // reserved version that becomes current
	wrapped []byte    // fresh key of the top node
	erased  []uint64  // condemned leaves, ascending, at most maxDoomed
	nodes   []nodeRow // exactly the ancestors of the erased leaves
}

func (c rekeyCommand) command() Command {
	var w writer
	w.u64(c.base)
	w.u64(c.root)
	w.bytes(c.wrapped)
	w.u64s(c.erased)
	w.nodes(c.nodes)
	return Command{CommandRekey, w.b}
}

func readRekey(r *reader) rekeyCommand {
	c := rekeyCommand{base: r.u64(), root: r.u64(), wrapped: r.bytes(), erased: r.u64s()}
	c.nodes = r.nodes(c.base + 1)
	return c
}

// rekey needs no key: it checks that the command rewrites all and only what
// lies above condemned leaves. Whether the ciphertexts hold what they should is
// for the members' verdicts. A refused attempt burns its root version, because
// its blobs may be in a log, wrapped under it.
func (a *applier) rekey(c rekeyCommand) (Result, error) {
	t, fault, err := a.rekeyFault(c)
	if err != nil {
		return Result{}, err
	}
	if fault != nil {
		return Result{Refusal: fault}, a.burn(c.root)
	}
	if err := a.keepOld(*t, c); err != nil {
		return Result{}, err
	}
	for _, n := range c.nodes {
		if err := a.set(keyNode(rowNode, n.at), n.value()); err != nil {
			return Result{}, err
		}
	}
	for _, leaf := range c.erased {
		if err := a.delete(key64(rowDoomed, leaf)); err != nil {
			return Result{}, err
		}
	}
	if err := a.setRoot(t.root, rootSuperseded); err != nil {
		return Result{}, err
	}
	t.version++
	t.epoch, t.root, t.wrapped = t.version, c.root, c.wrapped
	a.effect |= treeGrew | keysDied | wakesWorker
	if err := a.setTop(*t); err != nil {
		return Result{}, err
	}
	return Result{}, a.setRoot(c.root, rootCurrent)
}

func (a *applier) rekeyFault(c rekeyCommand) (*top, *entry.Refusal, error) {
	t, err := a.top()
	if err != nil {
		return nil, nil, err
	}
	old, err := a.oldTop()
	if err != nil {
		return nil, nil, err
	}
	state, err := a.rootState(c.root)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case t == nil || t.version != c.base:
		return nil, entry.Refuse(entry.CodeWrongState, "the key tree changed while the command was under way"), nil
	case old != nil:
		return nil, entry.Refuse(entry.CodeWrongState, "the rekey before this one is not finished"), nil
	case state != rootReserved || c.root <= t.root:
		return nil, entry.Refuse(entry.CodeWrongState, "root version %d is not reserved", c.root), nil
	}
	fault, err := a.erasedFault(c, *t)
	return t, fault, err
}

func (a *applier) erasedFault(c rekeyCommand, t top) (*entry.Refusal, error) {
	if n := len(c.erased); n == 0 || n > maxDoomed || !ascending(c.erased) || len(c.wrapped) == 0 {
		return entry.Refuse(entry.CodeMalformed, "a rekey erases 1 to %d keys, in order", maxDoomed), nil
	}
	for _, leaf := range c.erased {
		doomed, err := a.has(key64(rowDoomed, leaf))
		if err != nil {
			return nil, err
		}
		if !doomed {
			return entry.Refuse(entry.CodeWrongState, "a rekey would erase a key that is not condemned"), nil
		}
	}
	if !slices.Equal(placesOf(c.nodes), ancestors(c.erased, t.height)) {
		return entry.Refuse(entry.CodeMalformed, "a rekey writes other nodes than those above the erased keys"), nil
	}
	return nil, nil
}

// keepOld sets aside what a rekey replaces, until every member has compared.
func (a *applier) keepOld(t top, c rekeyCommand) error {
	if err := a.set(keyNode(rowOld, place{}), t.encode()); err != nil {
		return err
	}
	var w writer
	w.u64s(c.erased)
	if err := a.set(keyNode(rowOld, placeErased), w.b); err != nil {
		return err
	}
	for _, n := range c.nodes {
		row, err := a.get(keyNode(rowNode, n.at))
		if err != nil {
			return err
		}
		if row == nil {
			return errWire // an ancestor of a leaf that exists is missing: the state is broken
		}
		if err := a.set(keyNode(rowOld, n.at), row); err != nil {
			return err
		}
	}
	return nil
}

// doomLeaves condemns keys: the worker takes them out of the tree.
func (a *applier) doomLeaves(leaves []uint64) error {
	for _, leaf := range leaves {
		if err := a.set(key64(rowDoomed, leaf), nil); err != nil {
			return err
		}
	}
	a.effect |= keysDied | wakesWorker
	return nil
}

// doomed lists condemned leaves, ascending, at most limit of them.
func (v view) doomed(limit int) ([]uint64, error) {
	var list []uint64
	err := v.each(key(rowDoomed), func(k, _ []byte) (bool, error) {
		list = append(list, binary.BigEndian.Uint64(k[1:]))
		return len(list) < limit, nil
	})
	return list, err
}

// anyDoomed reports whether one of these leaves is still in the tree.
func (v view) anyDoomed(leaves []uint64) (bool, error) {
	for _, leaf := range leaves {
		doomed, err := v.has(key64(rowDoomed, leaf))
		if err != nil || doomed {
			return doomed, err
		}
	}
	return false, nil
}
