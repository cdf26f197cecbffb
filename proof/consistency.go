package proof

import (
	"fmt"

	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// VerifyConsistency checks that the tree of newSize and newRoot begins with all
// leaves of the tree of oldSize and oldRoot, in the same order. The path is
// empty when the sizes are equal or the older is 0, and otherwise has exactly
// the hashes that the two sizes demand (RFC 6962 §2.1.2).
func VerifyConsistency(oldSize, newSize uint64, path []Hash, oldRoot, newRoot Hash) error {
	switch {
	case newSize > MaxSize:
		return fmt.Errorf("tree size above 2^63-1: %w", ErrTooLarge)
	case oldSize > newSize:
		return fmt.Errorf("tree of %d after one of %d: %w", newSize, oldSize, ErrShrunk)
	case oldSize == 0 && oldRoot != EmptyRoot():
		return fmt.Errorf("older tree of size 0 has another root than the empty tree: %w", ErrRoot)
	}
	err := merkle.VerifyConsistency(rfc6962.DefaultHasher, oldSize, newSize, hashSlices(path), oldRoot[:], newRoot[:])
	return rootError("consistency", err)
}

// VerifyGrowth checks that both notes are checkpoints the policy accepts and
// that the tree of newNote extends the tree of oldNote, proved by path. Shapes
// and roots are checked before signatures.
func VerifyGrowth(p *Policy, oldNote, newNote []byte, path []Hash) error {
	older, err := parseCheckpointNote(oldNote)
	if err != nil {
		return fmt.Errorf("older checkpoint: %w", err)
	}
	newer, err := parseCheckpointNote(newNote)
	if err != nil {
		return fmt.Errorf("newer checkpoint: %w", err)
	}
	if err := VerifyConsistency(older.Size, newer.Size, path, older.Root, newer.Root); err != nil {
		return err
	}
	if _, err := p.verify(older); err != nil {
		return fmt.Errorf("older checkpoint: %w", err)
	}
	if _, err := p.verify(newer); err != nil {
		return fmt.Errorf("newer checkpoint: %w", err)
	}
	return nil
}
