package proof

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	// TileWidth is the number of hashes, or entries, of a full tile.
	TileWidth = 256

	// EntriesLevel is the level of an entry bundle, spelled "entries".
	EntriesLevel = -1

	// maxLevel is the highest level a tree of MaxSize has tiles on.
	maxLevel = 7

	tilePrefix = "tile/"
	maxTile    = 64 // bytes of the longest path of a tile, generously
)

// Tile names a tile of a tree: Width hashes on a level, or entries.
type Tile struct {
	Level int    // 0 the leaf hashes, each further one 256 times coarser; EntriesLevel for entries
	Index uint64 // from the left, from 0
	Width int    // 1 … TileWidth; below TileWidth the tile is partial
}

// Path is the tile's path under a log's URL, as "tile/0/x001/067.p/5" (C2SP
// tlog-tiles).
func (t Tile) Path() string {
	var b strings.Builder
	b.WriteString(tilePrefix)
	if t.Level == EntriesLevel {
		b.WriteString("entries")
	} else {
		b.WriteString(strconv.Itoa(t.Level))
	}
	b.WriteString("/" + tileNumber(t.Index))
	if t.Width != TileWidth {
		b.WriteString(".p/" + strconv.Itoa(t.Width))
	}
	return b.String()
}

// tileNumber spells an index in groups of three digits, each but the last
// marked, so that no directory has more than a thousand names.
func tileNumber(n uint64) string {
	s := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		s = fmt.Sprintf("x%03d/%s", n%1000, s)
	}
	return s
}

// End is the number of leaves up to the tile's right edge. No tree smaller than
// that has the tile.
func (t Tile) End() uint64 {
	return (t.Index*TileWidth + uint64(t.Width)) << (8 * max(t.Level, 0))
}

// Validate says why there can be no such tile.
func (t Tile) Validate() error {
	if t.Level < EntriesLevel || t.Level > maxLevel || t.Width < 1 || t.Width > TileWidth {
		return fmt.Errorf("tile level or width out of range: %w", ErrEncoding)
	}
	// Bounds the end of the tile by MaxSize without overflow on the way.
	if last := uint64(MaxSize) >> (8 * max(t.Level, 0)); t.Index > (last-uint64(t.Width))/TileWidth || uint64(t.Width) > last {
		return fmt.Errorf("tile beyond the largest tree: %w", ErrTooLarge)
	}
	return nil
}

// ParseTilePath reads a tile's path. It accepts exactly what Path writes of
// tiles that can exist.
func ParseTilePath(path string) (Tile, error) {
	refused := fmt.Errorf("not the path of a tile: %w", ErrEncoding)
	rest, ok := strings.CutPrefix(path, tilePrefix)
	if !ok || len(path) > maxTile {
		return Tile{}, refused
	}
	level, rest, _ := strings.Cut(rest, "/")
	number, width, partial := strings.Cut(rest, ".p/")
	t := Tile{Level: EntriesLevel, Width: TileWidth}
	if level != "entries" {
		n, err := strconv.ParseUint(level, 10, 8)
		if err != nil {
			return Tile{}, refused
		}
		t.Level = int(n)
	}
	if partial {
		n, err := strconv.ParseUint(width, 10, 8)
		if err != nil {
			return Tile{}, refused
		}
		t.Width = int(n)
	}
	digits := strings.NewReplacer("x", "", "/", "").Replace(number)
	index, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return Tile{}, refused
	}
	t.Index = index
	if err := t.Validate(); err != nil {
		return Tile{}, err
	}
	// Only one spelling of each tile is a path.
	if t.Path() != path {
		return Tile{}, refused
	}
	return t, nil
}
