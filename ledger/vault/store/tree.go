package store

import (
	"cmp"
	"slices"
)

// The key tree. Level 0 are the leaves: the keys of subjects and slots, dense
// numbers that are never used twice. A node of level l holds the 64 keys of
// level l-1 below it, sealed under its own key; the key of the one node of the
// highest level is wrapped by a root version.
const (
	FanOut       = 64  // keys in a node; leaves in a block
	MaxCondemned = 128 // leaves that one rekey takes out of the tree

	fanBits   = 6
	maxHeight = 6 // 2^36 leaves
)

// Place is where a node stands: on a level, from 1, the nodes have positions
// from 0.
type Place struct {
	Level    uint8
	Position uint64
}

// Parent is the node that holds this node's key.
func (p Place) Parent() Place { return Place{p.Level + 1, p.Position >> fanBits} }

// Index is which of the parent's keys is this node's.
func (p Place) Index() int { return int(p.Position & (FanOut - 1)) }

// Child is the node whose key stands at an index; on level 0, a leaf, whose
// position is its number.
func (p Place) Child(index int) Place { return Place{p.Level - 1, p.Position<<fanBits | uint64(index)} }

// LeafPlace is a leaf as a place, on level 0.
func LeafPlace(leaf uint64) Place { return Place{0, leaf} }

// PathTo lists the nodes above a place, from the top of a tree of this height
// down.
func PathTo(p Place, height uint8) []Place {
	var list []Place
	for p.Level < height {
		p = p.Parent()
		list = append(list, p)
	}
	slices.Reverse(list)
	return list
}

// Ancestors lists every node above the leaves, level by level from the bottom:
// what a rekey that takes out these leaves must write anew.
func Ancestors(leaves []uint64, height uint8) []Place {
	var list []Place
	for _, leaf := range leaves {
		list = append(list, PathTo(LeafPlace(leaf), height)...)
	}
	slices.SortFunc(list, func(p, q Place) int {
		return cmp.Or(cmp.Compare(p.Level, q.Level), cmp.Compare(p.Position, q.Position))
	})
	return slices.Compact(list)
}

// MintPlan lists the nodes that a new block of 64 leaves writes: all that do not
// exist yet, from the bottom, and, unless the tree grows, the lowest one that
// does, whose key stays.
type MintPlan struct {
	Fresh []Place // do not exist; each gets a fresh key
	Joint *Place  // exists and takes one more child; nil when the tree grows
	Grows bool    // the last of Fresh is a new top, above the old one
}

// PlanMint plans the block with this number, which is how many there are, in a
// tree of this height.
func PlanMint(blocks uint64, height uint8) MintPlan {
	p := Place{1, blocks}
	plan := MintPlan{Grows: blocks >= 1<<(fanBits*(height-1))} // no more blocks fit below the top
	for ; p.Level <= height; p = p.Parent() {
		if first := p.Position << (fanBits * (p.Level - 1)); first < blocks { // its first block exists, and so does it
			plan.Joint = &p
			return plan
		}
		plan.Fresh = append(plan.Fresh, p)
	}
	if plan.Grows {
		plan.Fresh = append(plan.Fresh, p)
	}
	return plan
}

// places lists the nodes the plan writes, in the order of the command.
func (p MintPlan) places() []Place {
	list := slices.Clone(p.Fresh)
	if p.Joint != nil {
		list = append(list, *p.Joint)
	}
	return list
}
