package proof

import (
	"fmt"

	"github.com/transparency-dev/merkle/compact"
)

// Frontier is a tree of which only the right edge is kept: enough to add leaves
// and to know the root after each, in space for 63 hashes. With it anyone who
// reads all entries of a log recomputes its root. Not for use by several
// goroutines at a time.
type Frontier struct {
	edge *compact.Range
}

// NewFrontier is the tree without leaves.
func NewFrontier() *Frontier {
	factory := compact.RangeFactory{Hash: func(l, r []byte) []byte {
		h := NodeHash(Hash(l), Hash(r))
		return h[:]
	}}
	return &Frontier{edge: factory.NewEmptyRange(0)}
}

// Size is the number of leaves added.
func (f *Frontier) Size() uint64 { return f.edge.End() }

// Append adds a leaf hash on the right.
func (f *Frontier) Append(leaf Hash) error {
	if f.Size() == MaxSize {
		return fmt.Errorf("append to a tree of 2^63-1 leaves: %w", ErrTooLarge)
	}
	if err := f.edge.Append(leaf[:], nil); err != nil {
		return fmt.Errorf("append leaf %d: %w", f.Size(), err)
	}
	return nil
}

// Root is the root of the tree as it is now.
func (f *Frontier) Root() (Hash, error) {
	if f.Size() == 0 {
		return EmptyRoot(), nil
	}
	root, err := f.edge.GetRootHash(nil)
	if err != nil {
		return Hash{}, fmt.Errorf("root of %d leaves: %w", f.Size(), err)
	}
	return Hash(root), nil
}
