package proof

import (
	"errors"
	"fmt"
	"math/bits"

	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// MaxPath is the largest number of hashes in an inclusion proof: one for each
// level above the leaves of the largest tree.
const MaxPath = 63

// VerifyInclusion checks that leaf, a leaf hash, stands at index in the tree of
// the given size and root. The path begins with the leaf's sibling and has
// exactly as many hashes as index and size demand (RFC 6962 §2.1.1).
func VerifyInclusion(leaf Hash, index, size uint64, path []Hash, root Hash) error {
	if err := inclusionShape(index, size, len(path)); err != nil {
		return err
	}
	err := merkle.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], hashSlices(path), root[:])
	return rootError("inclusion", err)
}

func inclusionShape(index, size uint64, hashes int) error {
	if size > MaxSize {
		return fmt.Errorf("tree size above 2^63-1: %w", ErrTooLarge)
	}
	if index >= size {
		return fmt.Errorf("index %d in a tree of %d: %w", index, size, ErrPathLength)
	}
	if want := inclusionLength(index, size); hashes != want {
		return fmt.Errorf("inclusion proof of %d hashes where index %d of %d takes %d: %w", hashes, index, size, want, ErrPathLength)
	}
	return nil
}

// inclusionLength counts the siblings on the way up: every level below where
// the paths of index and of the last leaf part, and above that only the levels
// on which index lies to the right (RFC 9162 §2.1.3.2 restated).
func inclusionLength(index, size uint64) int {
	inner := bits.Len64(index ^ (size - 1))
	return inner + bits.OnesCount64(index>>inner)
}

func hashSlices(path []Hash) [][]byte {
	out := make([][]byte, len(path))
	for i := range path {
		out[i] = path[i][:]
	}
	return out
}

// rootError translates the library's verdict. Shapes were checked before, so
// what is not a differing root is a shape this package failed to refuse.
func rootError(step string, err error) error {
	var differs merkle.RootMismatchError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &differs):
		return fmt.Errorf("%s proof: %w", step, ErrRoot)
	default:
		return fmt.Errorf("%s proof: %w", step, ErrPathLength)
	}
}
