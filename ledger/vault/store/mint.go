package store

import (
	"slices"

	"indelible/ledger/entry"
)

// Plant writes the first node: 64 leaves under the first root version.
type Plant struct {
	Root    uint64 // reserved version that becomes current
	Wrapped []byte // key of the node
	Node    []byte // sealed, at level 1, position 0, of FirstVersion
}

func (p *Plant) apply(a *applier) *entry.Refusal {
	if read(a, a.Top) != nil || readAt(a, a.RootState, p.Root) != RootReserved || len(p.Node) != len(SealedNode{}) || len(p.Wrapped) == 0 {
		a.abandon(p.Root)
		return outdated("the key tree")
	}
	a.setNodes([]Node{{Place{1, 0}, (*SealedNode)(p.Node)}}, FirstVersion)
	a.put(key(rowTop), &Top{Version: FirstVersion, Epoch: FirstVersion, Height: 1, Blocks: 1, Root: p.Root, Wrapped: p.Wrapped})
	a.change.TreeWritten, a.change.Due = true, true
	a.setRoot(p.Root, RootCurrent)
	return nil
}

// Mint adds a block of 64 leaves. No key that exists changes; when the tree
// grows, the new top's key is wrapped by the root version in force.
type Mint struct {
	Base    uint64 // version of the tree it was built on
	Wrapped []byte // key of the new top; nil unless the tree grows
	Nodes   []Node // as PlanMint lists them, from the bottom
}

func (m *Mint) apply(a *applier) *entry.Refusal {
	t := read(a, a.Top)
	if t == nil || t.Version != m.Base {
		return outdated("the key tree")
	}
	plan := PlanMint(t.Blocks, t.Height)
	if !slices.Equal(placesOf(m.Nodes), plan.places()) || plan.Grows != (len(m.Wrapped) > 0) {
		return entry.Refuse(entry.CodeMalformed, "a block of keys writes other nodes than it needs")
	}
	if plan.Grows && t.Height == maxHeight {
		return entry.Refuse(entry.CodeTooLarge, "the key tree has %d levels, its limit", maxHeight)
	}
	t.Version++
	t.Blocks++
	if plan.Grows {
		t.Height++
		t.Epoch, t.Wrapped = t.Version, m.Wrapped
	}
	a.setNodes(m.Nodes, t.Version)
	a.change.TreeWritten = true
	a.put(key(rowTop), t)
	return nil
}
