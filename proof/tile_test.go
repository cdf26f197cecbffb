package proof

import (
	"bytes"
	"strings"
	"testing"
)

func TestTilePaths(t *testing.T) {
	for path, tile := range map[string]Tile{
		"tile/0/000":                                {0, 0, 256},
		"tile/0/005":                                {0, 5, 256},
		"tile/0/x001/000":                           {0, 1000, 256},
		"tile/3/x001/x234/067":                      {3, 1234067, 256},
		"tile/0/000.p/1":                            {0, 0, 1},
		"tile/7/000.p/127":                          {7, 0, 127},
		"tile/0/x999/x999/999.p/255":                {0, 999999999, 255},
		"tile/entries/000":                          {EntriesLevel, 0, 256},
		"tile/entries/x123/456.p/9":                 {EntriesLevel, 123456, 9},
		"tile/0/x036/x028/x797/x018/x963/967.p/255": {0, 36028797018963967, 255},
	} {
		if got := tile.Path(); got != path {
			t.Errorf("%+v is spelled %q, want %q", tile, got, path)
		}
		if got, err := ParseTilePath(path); err != nil || got != tile {
			t.Errorf("%q is read as %+v, %v; want %+v", path, got, err, tile)
		}
	}
	for tile, end := range map[Tile]uint64{
		{0, 0, 1}: 1, {0, 2, 256}: 768, {1, 0, 1}: 256, {2, 1, 3}: 259 << 16, {EntriesLevel, 3, 4}: 772,
		{0, 36028797018963967, 255}: MaxSize, {7, 0, 127}: 127 << 56,
	} {
		if got := tile.End(); got != end {
			t.Errorf("%+v ends at %d, want %d", tile, got, end)
		}
	}
}

func TestHostileTilePaths(t *testing.T) {
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile//000", "Tile/0/000",
		"tile/00/000", "tile/+0/000", "tile/-1/000", "tile/8/000", "tile/63/000", "tile/64/000", "tile/entries",
		"tile/entry/000", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1000", "tile/0/x000/001", "tile/0/x001",
		"tile/0/001/000", "tile/0/x001/x000", "tile/0/x01/000", "tile/0/x001/00", "tile/0/xx001/000", "tile/0/X001/000",
		"tile/0/x001//000", "tile/0/x001/000x", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/256",
		"tile/0/000.p/01", "tile/0/000.p/+1", "tile/0/000.p/1/", "tile/0/000.p/1.p/1", "tile/0/000.P/1", "tile/0/ 00",
		"tile/0/000 ", "tile/0/000\n", "tile/0/..", "tile/../0/000", "tile/0/000?x", "tile/0/\u0660\u0660\u0660",
		"tile/0/x036/x028/x797/x018/x963/967", // ends above 2^63-1
		"tile/0/x036/x028/x797/x018/x963/968", // begins there
		"tile/7/000", "tile/7/000.p/128",      // half of the level lies above 2^63-1
		"tile/0/x018/x446/x744/x073/x709/x551/615", // 2^64-1
		"tile/0/x018/x446/x744/x073/x709/x551/616", // 2^64
		"tile/0/" + strings.Repeat("x000/", 20) + "000", "tile/0/" + strings.Repeat("9", 100),
	} {
		if tile, err := ParseTilePath(path); err == nil {
			t.Errorf("%q: accepted as %+v", path, tile)
		} else if !oneReason(err) {
			t.Errorf("%q: error %q wraps no reason of errors.go", path, err)
		}
	}
	for _, tile := range []Tile{{-2, 0, 1}, {8, 0, 1}, {0, 0, 0}, {0, 0, 257}, {0, 0, -1}, {0, 1 << 63, 1}, {0, 1<<64 - 1, 256}} {
		if tile.Validate() == nil {
			t.Errorf("%+v: accepted", tile)
		}
	}
}

func TestHostileTilesAndBundles(t *testing.T) {
	full := bytes.Repeat([]byte{7}, TileWidth*HashSize)
	if hashes, err := ParseTile(full); err != nil || len(hashes) != TileWidth || hashes[255] != Hash(full[:32]) {
		t.Errorf("a full tile: %d hashes, %v", len(hashes), err)
	}
	for what, tile := range map[string][]byte{"empty": {}, "31 bytes": full[:31], "33 bytes": full[:33], "257 hashes": append(full, full[:32]...)} {
		if _, err := ParseTile(tile); err == nil {
			t.Errorf("tile of %s: accepted", what)
		}
	}
	var bundle []byte
	for i := range TileWidth {
		var err error
		if bundle, err = AppendEntry(bundle, bytes.Repeat([]byte{byte(i)}, i)); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := ParseBundle(bundle); err != nil || len(entries) != TileWidth || len(entries[200]) != 200 {
		t.Errorf("a full bundle: %d entries, %v", len(entries), err)
	}
	largest := make([]byte, MaxEntry)
	one, err := AppendEntry(nil, largest)
	if err != nil || len(one) != MaxEntry+2 {
		t.Errorf("the largest entry: %d bytes, %v", len(one), err)
	}
	_, err = AppendEntry(nil, make([]byte, MaxEntry+1))
	wantError(t, "an entry above the limit", err, ErrTooLarge)
	for what, bundle := range map[string][]byte{
		"nothing": {}, "one byte": {0}, "half a length": {0, 1, 7, 0}, "a length too long": {0, 2, 7},
		"a missing byte": one[:len(one)-1], "257 entries": append(bundle, 0, 0),
	} {
		if _, err := ParseBundle(bundle); err == nil {
			t.Errorf("bundle of %s: accepted", what)
		} else if !oneReason(err) {
			t.Errorf("bundle of %s: error %q wraps no reason of errors.go", what, err)
		}
	}
	entries, err := ParseBundle([]byte{0, 1, 7, 0, 1, 8})
	if err != nil || cap(entries[0]) != 1 {
		t.Errorf("appending to an entry would overwrite the next: capacity %d, %v", cap(entries[0]), err)
	}
}
