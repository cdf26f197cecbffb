package ledger_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/ledgertest"
	"indelible/proof"
)

// grow makes a ledger of a size.
func grow(t *testing.T, size uint64) (*ledger.Ledger, []proof.Hash) {
	w := ledgertest.NewWorld(t, size)
	l := w.Open(t, vfs.NewMem(), "ledger")
	s, setup := w.Subject("eu")
	w.Apply(t, l, setup...)
	for l.Size() < size {
		n := min(size-l.Size(), 1+l.Size()%40)
		var items []ledger.Item
		for range n {
			items = append(items, w.Item(w.Reading(s)))
		}
		if _, err := l.Apply(commandsOf(w, l, items)); err != nil {
			t.Fatal(err)
		}
	}
	hashes := make([]proof.Hash, l.Size())
	for i := range hashes {
		leaf, err := l.Leaf(uint64(i))
		must(t, err)
		hashes[i] = proof.LeafHash(leaf)
	}
	return l, hashes
}

// TestEveryProofOfSmallLogs checks, in a log of 300 entries, every root against
// the definition, and every inclusion and consistency proof between all sizes of
// its first 70 and its last 40 entries with package proof.
func TestEveryProofOfSmallLogs(t *testing.T) {
	const size = 300
	l, hashes := grow(t, size)
	roots := make([]proof.Hash, size+1)
	for n := range roots {
		var err error
		roots[n], err = l.Root(uint64(n))
		must(t, err)
		if roots[n] != naiveRoot(hashes[:n]) {
			t.Fatalf("root of %d is not the definition's", n)
		}
	}
	for n := uint64(1); n <= size; n++ {
		if n > 70 && n < size-40 {
			continue
		}
		for i := range n {
			path, err := l.Inclusion(i, n)
			must(t, err)
			if err := proof.VerifyInclusion(hashes[i], i, n, path, roots[n]); err != nil {
				t.Fatalf("inclusion of %d in %d: %v", i, n, err)
			}
		}
		for m := range n + 1 {
			path, err := l.Consistency(m, n)
			must(t, err)
			if err := proof.VerifyConsistency(m, n, path, roots[m], roots[n]); err != nil {
				t.Fatalf("consistency of %d and %d: %v", m, n, err)
			}
		}
	}
}

// TestTilesAreAsDefined compares tiles and bundles of every size and width with
// what C2SP tlog-tiles says they hold.
func TestTilesAreAsDefined(t *testing.T) {
	const size = 520
	l, hashes := grow(t, size)
	for n := uint64(1); n <= size; n += 1 + n%7 {
		wantTiles(t, l, hashes, n)
	}
}

func wantTiles(t *testing.T, l *ledger.Ledger, hashes []proof.Hash, size uint64) {
	t.Helper()
	level := slices.Clone(hashes[:size])
	for height := 0; len(level) > 0; height++ {
		for first := 0; first < len(level); first += proof.TileWidth {
			width := min(proof.TileWidth, len(level)-first)
			wantTile(t, l, proof.Tile{Level: height, Index: uint64(first / proof.TileWidth), Width: width}, level[first:first+width], size)
		}
		var above []proof.Hash
		for len(level) >= proof.TileWidth {
			above = append(above, naiveRoot(level[:proof.TileWidth]))
			level = level[proof.TileWidth:]
		}
		level = above
	}
	last := (size - 1) / proof.TileWidth
	wantBundle(t, l, last, int(size-last*proof.TileWidth), size)
}

func wantTile(t *testing.T, l *ledger.Ledger, tile proof.Tile, want []proof.Hash, size uint64) {
	t.Helper()
	raw, err := l.Tile(tile, size)
	must(t, err)
	got, err := proof.ParseTile(raw)
	must(t, err)
	if !slices.Equal(got, want) {
		t.Fatalf("%s at size %d is not as defined", tile.Path(), size)
	}
	if tile.Width < proof.TileWidth {
		tile.Width++
		if _, err := l.Tile(tile, size); !errors.Is(err, ledger.ErrBeyond) {
			t.Fatalf("%s at size %d: %v", tile.Path(), size, err)
		}
	}
}

func wantBundle(t *testing.T, l *ledger.Ledger, index uint64, width int, size uint64) {
	t.Helper()
	raw, err := l.Tile(proof.Tile{Level: proof.EntriesLevel, Index: index, Width: width}, size)
	must(t, err)
	entries, err := proof.ParseBundle(raw)
	must(t, err)
	if len(entries) != width {
		t.Fatalf("a bundle of %d entries, want %d", len(entries), width)
	}
	for i, e := range entries {
		leaf, err := l.Leaf(index*proof.TileWidth + uint64(i))
		must(t, err)
		if !bytes.Equal(leaf, e) {
			t.Fatalf("entry %d of bundle %d is not the leaf", i, index)
		}
	}
}

func TestBeyondTheLog(t *testing.T) {
	l, _ := grow(t, 10)
	for what, err := range map[string]error{
		"root":        second(l.Root(11)),
		"inclusion":   second(l.Inclusion(10, 10)),
		"size":        second(l.Inclusion(0, 11)),
		"consistency": second(l.Consistency(5, 4)),
		"growth":      second(l.Consistency(5, 11)),
		"leaf":        second(l.Leaf(10)),
		"bundle":      second(l.Tile(proof.Tile{Level: proof.EntriesLevel, Index: 0, Width: 11}, 11)),
		"wide":        second(l.Tile(proof.Tile{Level: proof.EntriesLevel, Index: 0, Width: 5}, 4)),
	} {
		if !errors.Is(err, ledger.ErrBeyond) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
