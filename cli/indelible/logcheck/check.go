package logcheck

import (
	"context"
	"errors"
	"fmt"

	"indelible/ledger/entry"
	"indelible/proof"
)

// Report is what a check established.
type Report struct {
	Verified proof.Verified     // the checkpoint, and who cosigned it
	Note     []byte             // the checkpoint as signed
	Entries  bool               // whether entries were read, or hash tiles alone
	Kinds    map[entry.Kind]int // entries by kind
	Authors  int                // keys the log has enrolled
	Tiles    int                // hash tiles recomputed and compared
}

// Fault is the first place at which the log does not hold.
type Fault struct {
	Index uint64 // entry, or first leaf of the tile
	Step  string
	Err   error
}

// Error names the index and the step.
func (f *Fault) Error() string { return fmt.Sprintf("index %d: %s: %v", f.Index, f.Step, f.Err) }

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Config says what to check and how.
type Config struct {
	Source Source
	Policy *proof.Policy
	// Note is the checkpoint to check up to; nil takes the source's newest.
	Note []byte
	// TilesOnly checks the tree without reading entries: for those who may not.
	TilesOnly bool
	// Each is called for every entry in order; it may be nil.
	Each func(index, ledgerTime uint64, s *entry.Statement) error
	// Keep is called with every object that was read and held; it may be nil.
	Keep func(path string, raw []byte) error
	// Progress is called as leaves are done; it may be nil.
	Progress func(done, total uint64)
}

// checkpointPath is where C2SP tlog-tiles puts the newest checkpoint.
const checkpointPath = "checkpoint"

var errSize = errors.New("not as many as the tree of this size has")

// Check recomputes the log up to a checkpoint.
func Check(ctx context.Context, cfg Config) (*Report, error) {
	note := cfg.Note
	if note == nil {
		var err error
		if note, err = cfg.Source(ctx, checkpointPath); err != nil {
			return nil, err
		}
	}
	verified, err := cfg.Policy.VerifyCheckpoint(note)
	if err != nil {
		return nil, fmt.Errorf("the checkpoint: %w", err)
	}
	c := &checking{cfg: cfg, size: verified.Checkpoint.Size, tree: proof.NewFrontier(), registry: newRegistry(cfg.Policy.LogID())}
	c.report = &Report{Verified: verified, Note: note, Entries: !cfg.TilesOnly, Kinds: map[entry.Kind]int{}}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	root, err := c.tree.Root()
	if err != nil {
		return nil, fmt.Errorf("recompute the root: %w", err)
	}
	if root != verified.Checkpoint.Root {
		return nil, fmt.Errorf("the root recomputed over %d entries is not the one the checkpoint signs: %w", c.size, proof.ErrRoot)
	}
	c.report.Authors = len(c.registry.keys)
	return c.report, c.keep(checkpointPath, note)
}

// checking is a check under way.
type checking struct {
	cfg      Config
	size     uint64
	tree     *proof.Frontier
	registry *registry
	upper    [][]proof.Hash // hashes of the tile under construction, level by level from 1
	time     uint64         // ledger time of the newest entry
	report   *Report
}

// run goes through the log tile by tile, left to right.
func (c *checking) run(ctx context.Context) error {
	for first := uint64(0); first < c.size; first += proof.TileWidth {
		width := int(min(c.size-first, proof.TileWidth))
		leaves, err := c.leaves(ctx, first, width)
		if err != nil {
			return err
		}
		for i, leaf := range leaves {
			if err := c.tree.Append(leaf); err != nil {
				return &Fault{Index: first + uint64(i), Step: "extend the tree", Err: err}
			}
		}
		if err := c.raise(ctx, leaves); err != nil {
			return err
		}
		if c.cfg.Progress != nil {
			c.cfg.Progress(first+uint64(width), c.size)
		}
	}
	return c.compareRest(ctx)
}

// leaves gives the leaf hashes of one tile: recomputed from entries and equal
// to the hash tile, or the hash tile alone.
func (c *checking) leaves(ctx context.Context, first uint64, width int) ([]proof.Hash, error) {
	tile := proof.Tile{Level: 0, Index: first / proof.TileWidth, Width: width}
	if c.cfg.TilesOnly {
		return c.hashTile(ctx, tile)
	}
	hashes, err := c.entries(ctx, tile)
	if err != nil {
		return nil, err
	}
	return hashes, c.compare(ctx, tile, hashes)
}

// hashTile fetches the hashes of a tile.
func (c *checking) hashTile(ctx context.Context, tile proof.Tile) ([]proof.Hash, error) {
	raw, err := fetchTile(ctx, c.cfg.Source, tile)
	if err != nil {
		return nil, err
	}
	hashes, err := proof.ParseTile(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tile.Path(), err)
	}
	if len(hashes) < tile.Width {
		return nil, fmt.Errorf("%s: %w", tile.Path(), errSize)
	}
	return hashes[:tile.Width], c.keep(tile.Path(), raw[:tile.Width*proof.HashSize])
}

// compare fetches a tile and compares it with what was recomputed.
func (c *checking) compare(ctx context.Context, tile proof.Tile, want []proof.Hash) error {
	got, err := c.hashTile(ctx, tile)
	if err != nil {
		return err
	}
	for i := range want {
		if got[i] != want[i] {
			span := uint64(1) << (8 * tile.Level)
			return &Fault{
				Index: (tile.Index*proof.TileWidth + uint64(i)) * span,
				Step:  "compare " + tile.Path(), Err: proof.ErrRoot,
			}
		}
	}
	c.report.Tiles++
	return nil
}

// raise adds the root of a full tile to the level above it, and compares the
// tiles that become full.
func (c *checking) raise(ctx context.Context, hashes []proof.Hash) error {
	for level := 1; len(hashes) == proof.TileWidth; level++ {
		root, err := rootOf(hashes)
		if err != nil {
			return err
		}
		if len(c.upper) < level {
			c.upper = append(c.upper, nil)
		}
		c.upper[level-1] = append(c.upper[level-1], root)
		hashes = c.upper[level-1]
		if len(hashes) < proof.TileWidth {
			return nil
		}
		done := c.tree.Size() >> (8 * (level + 1))
		if err := c.compare(ctx, proof.Tile{Level: level, Index: done - 1, Width: proof.TileWidth}, hashes); err != nil {
			return err
		}
		c.upper[level-1] = nil
	}
	return nil
}

// compareRest compares the partial tiles above the leaves.
func (c *checking) compareRest(ctx context.Context) error {
	for i, hashes := range c.upper {
		if len(hashes) == 0 {
			continue
		}
		level := i + 1
		tile := proof.Tile{Level: level, Index: c.size >> (8 * (level + 1)), Width: len(hashes)}
		if err := c.compare(ctx, tile, hashes); err != nil {
			return err
		}
	}
	return nil
}

func rootOf(hashes []proof.Hash) (proof.Hash, error) {
	f := proof.NewFrontier()
	for _, h := range hashes {
		if err := f.Append(h); err != nil {
			return proof.Hash{}, fmt.Errorf("recompute a tile: %w", err)
		}
	}
	return f.Root()
}

func (c *checking) keep(path string, raw []byte) error {
	if c.cfg.Keep == nil {
		return nil
	}
	return c.cfg.Keep(path, raw)
}
