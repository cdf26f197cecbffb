package proof

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// exhaustive is the largest tree of which every proof is tried.
const exhaustive = 70

func testLeaves(n int) [][]byte {
	leaves := make([][]byte, n)
	for i := range leaves {
		leaves[i] = binary.BigEndian.AppendUint64([]byte("leaf "), uint64(i))
	}
	return leaves
}

func TestHashesAgreeWithTheNaiveTree(t *testing.T) {
	leaves := testLeaves(2)
	l, r := LeafHash(leaves[0]), LeafHash(leaves[1])
	if naiveRoot(leaves[:1]) != l || naiveRoot(leaves) != NodeHash(l, r) || naiveRoot(nil) != EmptyRoot() {
		t.Error("a hash differs from RFC 6962 §2.1")
	}
	if got := EmptyRoot().base64(); got != "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" {
		t.Errorf("empty root is %s", got)
	}
	if got := EmptyRoot().String(); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("empty root in hexadecimal is %s", got)
	}
}

func TestFrontierOfEverySize(t *testing.T) {
	leaves := testLeaves(600)
	f := NewFrontier()
	for size := range len(leaves) + 1 {
		if size <= exhaustive || size%97 == 0 {
			root, err := f.Root()
			if err != nil || root != naiveRoot(leaves[:size]) || f.Size() != uint64(size) {
				t.Fatalf("frontier of %d leaves: root %s, size %d, error %v", size, root, f.Size(), err)
			}
		}
		if size < len(leaves) {
			if err := f.Append(LeafHash(leaves[size])); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestEveryInclusionProofOfSmallTrees(t *testing.T) {
	leaves := testLeaves(exhaustive)
	for size := 1; size <= exhaustive; size++ {
		root := naiveRoot(leaves[:size])
		for index := range size {
			path := naivePath(index, leaves[:size])
			leaf := LeafHash(leaves[index])
			if err := VerifyInclusion(leaf, uint64(index), uint64(size), path, root); err != nil {
				t.Fatalf("index %d of %d: %v", index, size, err)
			}
			if want := inclusionLength(uint64(index), uint64(size)); len(path) != want {
				t.Fatalf("index %d of %d: path of %d, want %d", index, size, len(path), want)
			}
			for _, wrong := range wrongInclusions(leaf, index, size, path, root) {
				if err := wrong.verify(); err == nil {
					t.Fatalf("index %d of %d with %s: accepted", index, size, wrong.what)
				}
			}
		}
	}
}

type inclusion struct {
	what        string
	leaf        Hash
	index, size uint64
	path        []Hash
	root        Hash
}

func (i inclusion) verify() error { return VerifyInclusion(i.leaf, i.index, i.size, i.path, i.root) }

// wrongInclusions are the neighbours of a good proof, none of which holds.
func wrongInclusions(leaf Hash, index, size int, path []Hash, root Hash) []inclusion {
	good := inclusion{leaf: leaf, index: uint64(index), size: uint64(size), path: path, root: root}
	var wrong []inclusion
	add := func(what string, change func(*inclusion)) {
		w := good
		w.what, w.path = what, append([]Hash(nil), path...)
		change(&w)
		wrong = append(wrong, w)
	}
	add("another leaf", func(w *inclusion) { w.leaf[31] ^= 1 })
	add("another root", func(w *inclusion) { w.root[0] ^= 1 })
	add("the next index", func(w *inclusion) { w.index++ })
	add("index at size", func(w *inclusion) { w.index = w.size })
	add("size 0", func(w *inclusion) { w.size = 0 })
	add("a size above the limit", func(w *inclusion) { w.size = MaxSize + 1 })
	add("one hash more", func(w *inclusion) { w.path = append(w.path, root) })
	add("one hash more in front", func(w *inclusion) { w.path = append([]Hash{root}, w.path...) })
	for i := range path {
		add(fmt.Sprintf("hash %d changed", i), func(w *inclusion) { w.path[i][7] ^= 0x10 })
		add(fmt.Sprintf("hash %d missing", i), func(w *inclusion) { w.path = append(w.path[:i], w.path[i+1:]...) })
	}
	return wrong
}

func TestEveryConsistencyProofOfSmallTrees(t *testing.T) {
	leaves := testLeaves(exhaustive)
	for size := range exhaustive + 1 {
		root := naiveRoot(leaves[:size])
		for old := range size + 1 {
			path := naiveProof(old, leaves[:size])
			oldRoot := naiveRoot(leaves[:old])
			if err := VerifyConsistency(uint64(old), uint64(size), path, oldRoot, root); err != nil {
				t.Fatalf("from %d to %d: %v", old, size, err)
			}
			for _, wrong := range wrongConsistencies(old, size, path, oldRoot, root) {
				if err := wrong.verify(); err == nil {
					t.Fatalf("from %d to %d with %s: accepted", old, size, wrong.what)
				}
			}
		}
	}
}

type consistency struct {
	what          string
	old, size     uint64
	path          []Hash
	oldRoot, root Hash
}

func (c consistency) verify() error {
	return VerifyConsistency(c.old, c.size, c.path, c.oldRoot, c.root)
}

func wrongConsistencies(old, size int, path []Hash, oldRoot, root Hash) []consistency {
	good := consistency{old: uint64(old), size: uint64(size), path: path, oldRoot: oldRoot, root: root}
	var wrong []consistency
	add := func(what string, change func(*consistency)) {
		w := good
		w.what, w.path = what, append([]Hash(nil), path...)
		change(&w)
		wrong = append(wrong, w)
	}
	add("another old root", func(w *consistency) { w.oldRoot[0] ^= 1 })
	add("a shrunk tree", func(w *consistency) { w.old = w.size + 1 })
	add("a size above the limit", func(w *consistency) { w.size = MaxSize + 1 })
	add("one hash more", func(w *consistency) { w.path = append(w.path, root) })
	if old > 0 { // any tree extends the empty one
		add("another root", func(w *consistency) { w.root[31] ^= 1 })
	}
	for i := range path {
		add(fmt.Sprintf("hash %d changed", i), func(w *consistency) { w.path[i][7] ^= 0x10 })
		add(fmt.Sprintf("hash %d missing", i), func(w *consistency) { w.path = append(w.path[:i], w.path[i+1:]...) })
	}
	if old > 0 && old != size {
		add("roots swapped", func(w *consistency) { w.oldRoot, w.root = w.root, w.oldRoot })
	}
	return wrong
}

func TestInclusionReasons(t *testing.T) {
	leaves := testLeaves(5)
	path, root, leaf := naivePath(2, leaves), naiveRoot(leaves), LeafHash(leaves[2])
	wantError(t, "wrong root", VerifyInclusion(leaf, 2, 5, path, EmptyRoot()), ErrRoot)
	wantError(t, "index outside", VerifyInclusion(leaf, 5, 5, path, root), ErrPathLength)
	wantError(t, "short path", VerifyInclusion(leaf, 2, 5, path[:2], root), ErrPathLength)
	wantError(t, "size", VerifyInclusion(leaf, 2, MaxSize+1, path, root), ErrTooLarge)
	older := naiveProof(3, leaves)
	wantError(t, "wrong old root", VerifyConsistency(3, 5, older, root, root), ErrRoot)
	wantError(t, "empty tree with a root", VerifyConsistency(0, 5, nil, root, root), ErrRoot)
	wantError(t, "shrunk", VerifyConsistency(5, 3, older, root, root), ErrShrunk)
	wantError(t, "short path", VerifyConsistency(3, 5, older[1:], naiveRoot(leaves[:3]), root), ErrPathLength)
	wantError(t, "size", VerifyConsistency(3, MaxSize+1, older, root, root), ErrTooLarge)
}

func TestLargestTreeHasItsLongestPath(t *testing.T) {
	if got := inclusionLength(0, MaxSize); got != MaxPath {
		t.Errorf("first leaf of the largest tree has a path of %d, want %d", got, MaxPath)
	}
	for _, index := range []uint64{1, 1 << 40, MaxSize/2 + 1, MaxSize - 1} {
		if got := inclusionLength(index, MaxSize); got > MaxPath {
			t.Errorf("index %d has a path of %d, limit %d", index, got, MaxPath)
		}
	}
}
