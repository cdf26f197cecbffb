package vault

import (
	"cmp"
	"slices"
)

// The key tree. Level 0 are the leaves: the keys of subjects and slots, dense
// numbers that are never used twice. A node of level l holds the 64 keys of
// level l-1 below it, sealed under its own key; the key of the one node of the
// highest level is wrapped by a root version.
const (
	fanOut     = 64
	fanBits    = 6
	maxHeight  = 6 // 2^36 leaves
	maxDoomed  = 128
	nodeSealed = fanOut*KeySize + sealOverhead // bytes of a sealed node
)

// place is where a node stands.
type place struct {
	level    uint8 // from 1
	position uint64
}

func (p place) parent() place { return place{p.level + 1, p.position >> fanBits} }

// slot is the index of this node's key in its parent.
func (p place) slot() int { return int(p.position & (fanOut - 1)) }

func (p place) compare(q place) int {
	if c := cmp.Compare(p.level, q.level); c != 0 {
		return c
	}
	return cmp.Compare(p.position, q.position)
}

// bottomOf is the node that holds a leaf.
func bottomOf(leaf uint64) place { return place{1, leaf >> fanBits} }

func leafSlot(leaf uint64) int { return int(leaf & (fanOut - 1)) }

// capacity is how many leaves a tree of this height has room for.
func capacity(height uint8) uint64 { return 1 << (fanBits * uint64(height)) }

// ancestors lists every node above the leaves, up to the top, level by level
// from the bottom: what an erasure of these leaves must rewrite.
func ancestors(leaves []uint64, height uint8) []place {
	set := make(map[place]bool)
	for _, leaf := range leaves {
		for p := bottomOf(leaf); p.level <= height; p = p.parent() {
			set[p] = true
		}
	}
	list := make([]place, 0, len(set))
	for p := range set {
		list = append(list, p)
	}
	slices.SortFunc(list, place.compare)
	return list
}

// pathTo lists the nodes above a leaf from the top down.
func pathTo(leaf uint64, height uint8) []place {
	list := make([]place, height)
	p := bottomOf(leaf)
	for level := range height {
		list[height-1-level] = p
		p = p.parent()
	}
	return list
}

// mintPlan lists the nodes that a new block of 64 leaves writes, from the
// bottom: all that do not exist yet, and, unless the tree grows, the lowest one
// that does, whose key stays. blocks is how many there are; the new block has
// that number.
type mintPlan struct {
	fresh []place // do not exist; each gets a fresh key
	joint *place  // exists and takes one more child; nil when the tree grows
	grows bool    // the last of fresh is a new top, above the old one
}

func planMint(blocks uint64, height uint8) mintPlan {
	p := place{1, blocks}
	plan := mintPlan{grows: blocks*fanOut >= capacity(height)}
	top := height
	if plan.grows {
		top++
	}
	for p.level < top {
		if exists(p, blocks) {
			joint := p
			plan.joint = &joint
			return plan
		}
		plan.fresh = append(plan.fresh, p)
		p = p.parent()
	}
	if plan.grows {
		plan.fresh = append(plan.fresh, p)
	} else {
		plan.joint = &p
	}
	return plan
}

// exists reports whether a node has been written when there are so many blocks
// of leaves: its first block must be among them.
func exists(p place, blocks uint64) bool {
	return p.position<<(fanBits*uint64(p.level-1)) < blocks
}
