package store

import (
	"slices"
	"testing"
)

// TestPlanMint walks a tree through growth to four levels and compares every
// plan with the set of nodes that exist, kept by hand.
func TestPlanMint(t *testing.T) {
	have := map[Place]bool{{1, 0}: true}
	height := uint8(1)
	for blocks := uint64(1); blocks < FanOut*FanOut+130; blocks++ {
		plan := PlanMint(blocks, height)
		if plan.Grows {
			height++
		}
		if plan.Grows != (blocks == 1 || blocks == FanOut || blocks == FanOut*FanOut) || plan.Grows != (plan.Joint == nil) {
			t.Fatalf("block %d, height %d: %+v", blocks, height, plan)
		}
		at := Place{1, blocks}
		for _, p := range plan.Fresh {
			if have[p] || p != at {
				t.Fatalf("block %d: node %v is not the next that is missing", blocks, p)
			}
			have[p] = true
			at = at.Parent()
		}
		if plan.Grows && at != (Place{height + 1, 0}) || !plan.Grows && (*plan.Joint != at || !have[at]) {
			t.Fatalf("block %d: %+v does not end where the tree is", blocks, plan)
		}
	}
	if height != 4 {
		t.Fatalf("the tree has %d levels", height)
	}
}

func TestAncestors(t *testing.T) {
	got := Ancestors([]uint64{0, 1, 64, 64 * 64, 64*64*2 + 3}, 3)
	want := []Place{{1, 0}, {1, 1}, {1, 64}, {1, 128}, {2, 0}, {2, 1}, {2, 2}, {3, 0}}
	if !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}
	for leaf := range uint64(300) {
		down := PathTo(LeafPlace(leaf*997), 4)
		slices.Reverse(down)
		if !slices.Equal(down, Ancestors([]uint64{leaf * 997}, 4)) {
			t.Fatalf("leaf %d: %v", leaf*997, down)
		}
	}
}
