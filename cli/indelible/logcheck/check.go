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

// Check recomputes the log up to the source's newest checkpoint.
func Check(ctx context.Context, cfg Config) (*Report, error) {
	note, err := cfg.Source(ctx, checkpointPath)
	if err != nil {
		return nil, err
	}
	verified, err := cfg.Policy.VerifyCheckpoint(note)
	if err != nil {
		return nil, fmt.Errorf("the checkpoint: %w", err)
	}
	c := &checking{cfg: cfg, size: verified.Checkpoint.Size, tree: proof.NewFrontier(), registry: newRegistry()}
	c.report = &Report{Verified: verified, Entries: !cfg.TilesOnly, Kinds: map[entry.Kind]int{}}
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
	open     [][]proof.Hash // hashes of the tile under construction, level by level
	time     uint64         // ledger time of the newest entry
	report   *Report
}

// run goes through the log tile by tile, left to right.
func (c *checking) run(ctx context.Context) error {
	for first := uint64(0); first < c.size; first += proof.TileWidth {
		width := int(min(c.size-first, proof.TileWidth))
		leaves, err := c.leaves(ctx, proof.Tile{Index: first / proof.TileWidth, Width: width})
		if err != nil {
			return err
		}
		for i, leaf := range leaves {
			if err := c.tree.Append(leaf); err != nil {
				return &Fault{Index: first + uint64(i), Step: "extend the tree", Err: err}
			}
			if err := c.add(ctx, 0, leaf); err != nil {
				return err
			}
		}
		if c.cfg.Progress != nil {
			c.cfg.Progress(first+uint64(width), c.size)
		}
	}
	for level, hashes := range c.open { // the partial tiles
		if err := c.compare(ctx, level, hashes); err != nil {
			return err
		}
	}
	return nil
}

// leaves gives the leaf hashes of one tile: recomputed from entries, or of the hash
// tile itself.
func (c *checking) leaves(ctx context.Context, tile proof.Tile) ([]proof.Hash, error) {
	if c.cfg.TilesOnly {
		return c.hashTile(ctx, tile)
	}
	return c.entries(ctx, tile)
}

// add adds a hash to the tile under construction of a level. The tile that becomes
// full is compared, and its root belongs to the level above.
func (c *checking) add(ctx context.Context, level int, hash proof.Hash) error {
	if len(c.open) == level {
		c.open = append(c.open, nil)
	}
	c.open[level] = append(c.open[level], hash)
	hashes := c.open[level]
	if len(hashes) < proof.TileWidth {
		return nil
	}
	c.open[level] = nil
	err := c.compare(ctx, level, hashes)
	if err != nil {
		return err
	}
	tile := proof.NewFrontier()
	for _, h := range hashes {
		err = errors.Join(err, tile.Append(h))
	}
	root, fault := tile.Root()
	if err := errors.Join(err, fault); err != nil {
		return fmt.Errorf("recompute a tile: %w", err)
	}
	return c.add(ctx, level+1, root)
}

// hashTile fetches the hashes of a tile.
func (c *checking) hashTile(ctx context.Context, tile proof.Tile) ([]proof.Hash, error) {
	hashes, raw, err := fetchTile(ctx, c.cfg.Source, tile, proof.ParseTile)
	if err != nil {
		return nil, err
	}
	return hashes, c.keep(tile.Path(), raw[:tile.Width*proof.HashSize])
}

// compare fetches the newest tile of a level and compares it with what was
// recomputed.
func (c *checking) compare(ctx context.Context, level int, want []proof.Hash) error {
	if len(want) == 0 || level == 0 && c.cfg.TilesOnly {
		return nil
	}
	tile := proof.Tile{Level: level, Index: (c.tree.Size() - 1) >> (8 * (level + 1)), Width: len(want)}
	got, err := c.hashTile(ctx, tile)
	if err != nil {
		return err
	}
	for i := range want {
		if got[i] != want[i] {
			return &Fault{
				Index: (tile.Index*proof.TileWidth + uint64(i)) << (8 * level), Step: "compare " + tile.Path(), Err: proof.ErrRoot,
			}
		}
	}
	c.report.Tiles++
	return nil
}

func (c *checking) keep(path string, raw []byte) error {
	if c.cfg.Keep == nil {
		return nil
	}
	return c.cfg.Keep(path, raw)
}
