package ledger

import (
	"fmt"
	"math/bits"

	"github.com/cockroachdb/pebble/v2"
	"github.com/transparency-dev/merkle/compact"

	"indelible/proof"
)

// tileHeight is how many levels of the tree a tile spans: 2^8 hashes wide.
const tileHeight = 8

// tileID names a tile row; its width is as many hashes as there are.
type tileID struct {
	level int
	index uint64
}

// tree is the tree as the writer sees it: the tiles at its right edge and the
// roots of the perfect subtrees that make it up. Tiles to the left lie in the
// database.
type tree struct {
	size  uint64
	peaks []proof.Hash            // roots of the perfect subtrees, largest first
	edge  [][]proof.Hash          // by level: the hashes of the tile that is not full
	dirty map[tileID][]proof.Hash // tiles changed since the last commit
}

// append adds a leaf. Wherever eight levels close, the hash goes on as a hash of
// the tile above (C2SP tlog-tiles).
func (t *tree) append(leaf proof.Hash) {
	t.place(0, leaf)
	hash := leaf
	for level := 0; level < bits.TrailingZeros64(^t.size); level++ {
		hash = proof.NodeHash(t.peaks[len(t.peaks)-1], hash)
		t.peaks = t.peaks[:len(t.peaks)-1]
		if (level+1)%tileHeight == 0 {
			t.place((level+1)/tileHeight, hash)
		}
	}
	t.peaks = append(t.peaks, hash)
	t.size++
}

// place adds a hash to the edge tile of a level. t.size is still without the
// leaf that is being added, so it tells which tile that is.
func (t *tree) place(level int, hash proof.Hash) {
	for len(t.edge) <= level {
		t.edge = append(t.edge, nil)
	}
	t.edge[level] = append(t.edge[level], hash)
	if t.dirty == nil {
		t.dirty = make(map[tileID][]proof.Hash)
	}
	t.dirty[tileID{level, t.size >> (tileHeight * (level + 1))}] = t.edge[level]
	if len(t.edge[level]) == proof.TileWidth {
		t.edge[level] = nil
	}
}

func (t *tree) root() proof.Hash {
	if t.size == 0 {
		return proof.EmptyRoot()
	}
	root := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		root = proof.NodeHash(t.peaks[i], root)
	}
	return root
}

// openTree reads the right edge of a tree of a known size from its tiles.
func openTree(size uint64, tiles *tiles) (*tree, error) {
	t := &tree{size: size}
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		width := int(size >> (tileHeight * level) % proof.TileWidth)
		t.edge = append(t.edge, nil)
		if width == 0 {
			continue
		}
		hashes, err := tiles.hashes(tileID{level, size >> (tileHeight * (level + 1))}, width)
		if err != nil {
			return nil, err
		}
		t.edge[level] = append([]proof.Hash(nil), hashes...)
	}
	for _, id := range compact.RangeNodes(0, size, nil) {
		hash, err := tiles.node(id)
		if err != nil {
			return nil, err
		}
		t.peaks = append(t.peaks, hash)
	}
	return t, nil
}

// stageTiles writes the tiles that changed. In which order does not matter: each
// key is set once.
func stageTiles(b *pebble.Batch, t *tree) error {
	for id, hashes := range t.dirty {
		row := make([]byte, 0, len(hashes)*proof.HashSize)
		for i := range hashes {
			row = append(row, hashes[i][:]...)
		}
		if err := b.Set(tileKey(id.level, id.index), row, nil); err != nil {
			return fmt.Errorf("ledger: stage a tile: %w", err)
		}
	}
	t.dirty = nil
	return nil
}
