package ledger

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/transparency-dev/merkle/compact"

	"indelible/proof"
)

// ErrBeyond is the answer to a question about a position the log has not
// reached, or did not have at the size given. Ask again with a size that this
// node has published.
var ErrBeyond = errors.New("ledger: position beyond the log")

// tilesKept is how many tiles stay expanded in memory, 16 KiB each; the cache
// holds up to twice as many.
const tilesKept = 256

// expanded is a tile with all perfect subtrees within it, level by level.
type expanded struct {
	levels [tileHeight][]proof.Hash
}

func (e *expanded) width() int { return len(e.levels[0]) }

func expand(hashes []proof.Hash) *expanded {
	e := &expanded{}
	e.levels[0] = hashes
	for level := 1; level < tileHeight; level++ {
		below := e.levels[level-1]
		e.levels[level] = make([]proof.Hash, len(below)/2)
		for i := range e.levels[level] {
			e.levels[level][i] = proof.NodeHash(below[2*i], below[2*i+1])
		}
	}
	return e
}

// tiles reads hashes of the tree. A tile row only ever grows to the right, so
// its first hashes serve every size at which they existed.
type tiles struct {
	from  pebble.Reader
	kept  *cache[tileID, *expanded]
	dirty map[tileID][]proof.Hash // of the writer: tiles not yet committed
}

func (t *tiles) hashes(id tileID, width int) ([]proof.Hash, error) {
	e, err := t.tile(id, width)
	if err != nil {
		return nil, err
	}
	return e.levels[0][:width], nil
}

func (t *tiles) tile(id tileID, width int) (*expanded, error) {
	if e, ok := t.kept.peek(id); ok && e.width() >= width {
		return e, nil
	}
	if hashes, ok := t.dirty[id]; ok && len(hashes) >= width {
		e := expand(hashes)
		t.kept.put(id, e)
		return e, nil
	}
	var e *expanded
	found, err := readRow(t.from, tileKey(id.level, id.index), func(row []byte) error {
		hashes, err := proof.ParseTile(row)
		if err != nil {
			return fmt.Errorf("%w: tile: %w", errRow, err)
		}
		e = expand(hashes)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !found || e.width() < width {
		return nil, fmt.Errorf("%w: tile %d of level %d has fewer than %d hashes", errRow, id.index, id.level, width)
	}
	t.kept.put(id, e)
	return e, nil
}

func (t *tiles) node(id compact.NodeID) (proof.Hash, error) {
	within := id.Level % tileHeight
	first := id.Index << within // on the tile's own level
	tile := tileID{int(id.Level / tileHeight), first / proof.TileWidth}
	at := int(first % proof.TileWidth)
	e, err := t.tile(tile, at+1<<within)
	if err != nil {
		return proof.Hash{}, err
	}
	return e.levels[within][at>>within], nil
}

// root is the root of the tree of a size that was reached.
func (t *tiles) root(size uint64) (proof.Hash, error) {
	if size == 0 {
		return proof.EmptyRoot(), nil
	}
	ids := compact.RangeNodes(0, size, nil)
	root, err := t.node(ids[len(ids)-1])
	if err != nil {
		return proof.Hash{}, err
	}
	for i := len(ids) - 2; i >= 0; i-- {
		left, err := t.node(ids[i])
		if err != nil {
			return proof.Hash{}, err
		}
		root = proof.NodeHash(left, root)
	}
	return root, nil
}
