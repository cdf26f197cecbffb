package store

import (
	"slices"

	"indelible/ledger/entry"
	"indelible/ledger/vault/layout"
)

// Rekey takes condemned leaves out of the tree: every node above one of them is
// written anew, under fresh keys, beneath a fresh root version. All older copies
// of those nodes lead only to root versions that are then destroyed.
type Rekey struct {
	Base    uint64   // version of the tree it was built on
	Root    uint64   // reserved version that becomes current
	Wrapped []byte   // fresh key of the top node
	Leaves  []uint64 // condemned, ascending, at most MaxCondemned
	Nodes   []Node   // exactly the ancestors of the leaves
}

// apply needs no key: it checks that the command rewrites all and only what lies
// above condemned leaves. Whether the ciphertexts hold what they should is for
// the members' verdicts. A refused attempt abandons its root version, because
// its blobs may be in a log, wrapped under it.
func (r *Rekey) apply(a *applier) *entry.Refusal {
	t := read(a, a.Top)
	if fault := r.fault(a, t); fault != nil {
		a.abandon(r.Root)
		return fault
	}
	r.keepOld(a, t)
	a.setNodes(r.Nodes, t.Version+1)
	for _, leaf := range r.Leaves {
		a.delete(key64(rowCondemned, leaf))
	}
	a.setRoot(t.Root, RootSuperseded)
	t.Version++
	t.Epoch, t.Root, t.Wrapped = t.Version, r.Root, r.Wrapped
	a.put(key(rowTop), t)
	a.setRoot(r.Root, RootCurrent)
	a.change.TreeWritten, a.change.KeysDied, a.change.Due = true, true, true
	return nil
}

func (r *Rekey) fault(a *applier, t *Top) *entry.Refusal {
	switch {
	case t == nil || t.Version != r.Base:
		return outdated("the key tree")
	case read(a, a.OldTop) != nil:
		return entry.Refuse(entry.CodeWrongState, "the rekey before this one is not finished")
	case readAt(a, a.RootState, r.Root) != RootReserved || r.Root <= t.Root:
		return entry.Refuse(entry.CodeWrongState, "root version %d is not reserved", r.Root)
	case len(r.Leaves) == 0 || len(r.Leaves) > MaxCondemned || !ascending(r.Leaves) || len(r.Wrapped) == 0:
		return entry.Refuse(entry.CodeMalformed, "a rekey erases 1 to %d keys, in order", MaxCondemned)
	}
	for _, leaf := range r.Leaves {
		if !a.has(key64(rowCondemned, leaf)) {
			return entry.Refuse(entry.CodeWrongState, "a rekey would erase a key that is not condemned")
		}
	}
	if !slices.Equal(placesOf(r.Nodes), Ancestors(r.Leaves, t.Height)) {
		return entry.Refuse(entry.CodeMalformed, "a rekey writes other nodes than those above the erased keys")
	}
	return nil
}

// ascending reports whether a list is sorted without repeats: the one spelling
// of a set of numbers.
func ascending(list []uint64) bool {
	for i := 1; i < len(list); i++ {
		if list[i-1] >= list[i] {
			return false
		}
	}
	return true
}

// placeLeaves is where the leaves that a rekey took out are noted beside what it
// replaced.
var placeLeaves = Place{0, 1}

// keepOld sets aside what a rekey replaces, until every member has compared.
func (r *Rekey) keepOld(a *applier, t *Top) {
	a.put(keyNode(rowOld, Place{}), t)
	a.put(keyNode(rowOld, placeLeaves), &r.Leaves)
	for _, n := range r.Nodes {
		row, err := a.get(keyNode(rowNode, n.Place))
		if row == nil && err == nil {
			err = layout.ErrMalformed // an ancestor of a leaf that exists is missing: the state is broken
		}
		a.fail(err)
		a.set(keyNode(rowOld, n.Place), row)
	}
}

// OldPlaces lists the nodes the last rekey replaced, from the bottom, under the
// same condition as OldTop.
func (v View) OldPlaces() ([]Place, error) {
	list, err := keysOf[Place](v, rowOld, 0)
	return slices.DeleteFunc(list, func(at Place) bool { return at.Level == 0 }), err
}

// OldLeaves lists the leaves the last rekey took out, ascending, under the same
// condition as OldTop.
func (v View) OldLeaves() ([]uint64, error) {
	return valueOf[[]uint64](v, keyNode(rowOld, placeLeaves))
}

// condemnLeaves orders that keys die: the worker takes them out of the tree.
func (a *applier) condemnLeaves(leaves []uint64) {
	for _, leaf := range leaves {
		a.set(key64(rowCondemned, leaf), nil)
	}
	a.change.KeysDied, a.change.Due = true, true
}

// Condemned lists leaves that are to be taken out of the tree, ascending, at
// most limit of them.
func (v View) Condemned(limit int) ([]uint64, error) { return keysOf[uint64](v, rowCondemned, limit) }

// AnyCondemned reports whether one of these leaves is still to be taken out of
// the tree.
func (v View) AnyCondemned(leaves []uint64) (bool, error) {
	for _, leaf := range leaves {
		if yes, err := v.has(key64(rowCondemned, leaf)); err != nil || yes {
			return yes, err
		}
	}
	return false, nil
}
