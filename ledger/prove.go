package ledger

import (
	"fmt"

	merkle "github.com/transparency-dev/merkle/proof"

	"indelible/proof"
)

// Root returns the root of the log's first size entries, computed from the
// stored tiles. It fails with ErrBeyond above Size, and if tiles and the root
// that Apply arrived at differ: then this node must sign nothing.
func (l *Ledger) Root(size uint64) (proof.Hash, error) {
	v := l.view.Load()
	if size > v.size {
		return proof.Hash{}, fmt.Errorf("%w: root of %d entries of %d", ErrBeyond, size, v.size)
	}
	root, err := l.committed().root(size)
	if err == nil && size == v.size && root != v.root {
		err = fmt.Errorf("%w: tile: the tree of %d entries has root %s, applying them gave %s", errRow, size, root, v.root)
	}
	return root, err
}

// Inclusion returns the proof that the entry at index is in the tree of the
// first size entries, as proof.VerifyInclusion takes it.
func (l *Ledger) Inclusion(index, size uint64) ([]proof.Hash, error) {
	if have := l.Size(); size > have || index >= size {
		return nil, fmt.Errorf("%w: entry %d in %d entries of %d", ErrBeyond, index, size, have)
	}
	nodes, err := merkle.Inclusion(index, size)
	if err != nil {
		return nil, fmt.Errorf("ledger: inclusion of %d in %d: %w", index, size, err)
	}
	return l.rehash(nodes)
}

// Consistency returns the proof that the tree of newSize entries begins with
// the tree of oldSize, as proof.VerifyConsistency takes it.
func (l *Ledger) Consistency(oldSize, newSize uint64) ([]proof.Hash, error) {
	if have := l.Size(); newSize > have || oldSize > newSize {
		return nil, fmt.Errorf("%w: growth from %d to %d of %d", ErrBeyond, oldSize, newSize, have)
	}
	nodes, err := merkle.Consistency(oldSize, newSize)
	if err != nil {
		return nil, fmt.Errorf("ledger: consistency of %d and %d: %w", oldSize, newSize, err)
	}
	return l.rehash(nodes)
}

// rehash fetches the nodes of a proof and folds those that make up its one
// imperfect subtree.
func (l *Ledger) rehash(nodes merkle.Nodes) ([]proof.Hash, error) {
	from := l.committed()
	_, begin, end := nodes.Ephem()
	path := make([]proof.Hash, 0, len(nodes.IDs))
	for i, id := range nodes.IDs {
		hash, err := from.node(id)
		if err != nil {
			return nil, err
		}
		if i > begin && i < end {
			path[len(path)-1] = proof.NodeHash(hash, path[len(path)-1])
			continue
		}
		path = append(path, hash)
	}
	return path, nil
}

// committed reads what is committed. A reader first learns a size, so the tiles
// it asks for are there.
func (l *Ledger) committed() *tiles { return &tiles{from: l.db, kept: l.tiles} }

// Tile returns the bytes of a tile as it was at a size of the log: hashes, or
// for proof.EntriesLevel the entry bundle. A tile that a tree of that size does
// not have, or not as wide, fails with ErrBeyond.
func (l *Ledger) Tile(t proof.Tile, size uint64) ([]byte, error) {
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if have := l.Size(); size > have || t.End() > size {
		return nil, fmt.Errorf("%w: %s at %d entries of %d", ErrBeyond, t.Path(), size, have)
	}
	if t.Level == proof.EntriesLevel {
		return l.bundle(t)
	}
	hashes, err := l.committed().hashes(tileID{t.Level, t.Index}, t.Width)
	if err != nil {
		return nil, err
	}
	tile := make([]byte, 0, t.Width*proof.HashSize)
	for i := range hashes {
		tile = append(tile, hashes[i][:]...)
	}
	return tile, nil
}

// bundle is an entry bundle (C2SP tlog-tiles): entries, each behind its length in
// 2 bytes.
func (l *Ledger) bundle(t proof.Tile) (bundle []byte, err error) {
	next := t.Index * proof.TileWidth
	err = l.eachLeaf(next, next+uint64(t.Width), func(_ uint64, leaf []byte) (err error) {
		bundle, err = proof.AppendEntry(bundle, leaf)
		return err
	})
	return bundle, err
}
