package ledger

import (
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/state"
	"indelible/proof"
)

// bareTree is a ledger that is nothing but a tree.
func bareTree(t testing.TB) *Ledger {
	t.Helper()
	db, err := state.Open(state.Options{
		FS: vfs.NewMem(), Dir: "tree", Logger: slog.New(slog.DiscardHandler),
		Broken: func(reason error) { t.Error(reason) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Ledger{db: db, tree: &tree{}, tiles: newCache[tileID, *expanded](4)}
}

// keep commits the tiles as tx.commit does, and shows the tree to readers.
func (l *Ledger) keep(t testing.TB) {
	t.Helper()
	b := l.db.NewBatch()
	if err := stageTiles(b, l.tree); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	l.meta.size, l.meta.root = l.tree.size, l.tree.root()
	l.publish()
}

// TestTreeOfThreeLevels grows a tree past 65,536 leaves in steps of all sizes,
// goes on from its rows now and then, and compares roots and proofs with package
// proof.
func TestTreeOfThreeLevels(t *testing.T) {
	const size, seed = 1<<16 + 700, 17
	rng := rand.New(rand.NewPCG(seed, 4))
	l := bareTree(t)
	frontier := proof.NewFrontier()
	hashes, roots := make([]proof.Hash, size), make([]proof.Hash, size+1)
	roots[0] = proof.EmptyRoot()
	for i := range hashes {
		hashes[i] = proof.LeafHash(binary.BigEndian.AppendUint64(nil, uint64(i)))
		l.tree.append(hashes[i])
		if err := frontier.Append(hashes[i]); err != nil {
			t.Fatal(err)
		}
		var err error
		if roots[i+1], err = frontier.Root(); err != nil {
			t.Fatal(err)
		}
		if rng.IntN(100) == 0 || i == size-1 || (i+1)%proof.TileWidth == 0 {
			l.keep(t)
			if l.tree, err = openTree(uint64(i)+1, l.committed()); err != nil {
				t.Fatalf("seed %d: at %d leaves: %v", seed, i+1, err)
			}
			if l.tree.root() != roots[i+1] {
				t.Fatalf("seed %d: another root at %d leaves", seed, i+1)
			}
		}
	}
	for range 5000 {
		n := 1 + rng.Uint64N(size)
		checkProofs(t, l, hashes, roots, rng.Uint64N(n), 1+rng.Uint64N(n), n)
	}
}

func checkProofs(t *testing.T, l *Ledger, hashes, roots []proof.Hash, i, m, n uint64) {
	t.Helper()
	if root, err := l.Root(n); err != nil || root != roots[n] {
		t.Fatalf("root of %d: %v", n, err)
	}
	path, err := l.Inclusion(i, n)
	if err == nil {
		err = proof.VerifyInclusion(hashes[i], i, n, path, roots[n])
	}
	if err != nil {
		t.Fatalf("inclusion of %d in %d: %v", i, n, err)
	}
	path, err = l.Consistency(m, n)
	if err == nil {
		err = proof.VerifyConsistency(m, n, path, roots[m], roots[n])
	}
	if err != nil {
		t.Fatalf("consistency of %d and %d: %v", m, n, err)
	}
}

// BenchmarkInclusion measures the proof of a recent entry, as a receipt has it.
func BenchmarkInclusion(b *testing.B) {
	l := bareTree(b)
	const size = 1 << 16
	for i := range uint64(size) {
		l.tree.append(proof.LeafHash(binary.BigEndian.AppendUint64(nil, i)))
	}
	l.keep(b)
	for i := range b.N {
		if _, err := l.Inclusion(size-1-uint64(i)%1000, size); err != nil {
			b.Fatal(err)
		}
	}
}
