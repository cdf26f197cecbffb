package proof

import (
	"encoding/binary"
	"fmt"
	"math"
)

// MaxEntry is the largest entry a bundle can hold, in bytes: its length takes
// two (C2SP tlog-tiles).
const MaxEntry = math.MaxUint16

// AppendEntry appends one entry, behind its length, to an entry bundle.
func AppendEntry(bundle, entry []byte) ([]byte, error) {
	if len(entry) > MaxEntry {
		return nil, fmt.Errorf("entry of %d bytes, at most %d allowed: %w", len(entry), MaxEntry, ErrTooLarge)
	}
	bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(entry)))
	return append(bundle, entry...), nil
}

// ParseBundle cuts an entry bundle into its entries, 1 to TileWidth of them.
// They share the bundle's memory.
func ParseBundle(bundle []byte) ([][]byte, error) {
	var entries [][]byte
	for len(bundle) > 0 {
		if len(entries) == TileWidth {
			return nil, fmt.Errorf("bundle of more than %d entries: %w", TileWidth, ErrTooLarge)
		}
		if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
			return nil, fmt.Errorf("bundle ends within entry %d: %w", len(entries), ErrEncoding)
		}
		end := 2 + int(binary.BigEndian.Uint16(bundle))
		entries = append(entries, bundle[2:end:end])
		bundle = bundle[end:]
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("bundle without entries: %w", ErrEncoding)
	}
	return entries, nil
}

// ParseTile cuts the bytes of a hash tile into its hashes, 1 to TileWidth.
func ParseTile(tile []byte) ([]Hash, error) {
	if len(tile) == 0 || len(tile)%HashSize != 0 || len(tile) > TileWidth*HashSize {
		return nil, fmt.Errorf("tile of %d bytes is not 1 to %d hashes: %w", len(tile), TileWidth, ErrEncoding)
	}
	hashes := make([]Hash, len(tile)/HashSize)
	for i := range hashes {
		hashes[i] = Hash(tile[i*HashSize:])
	}
	return hashes, nil
}
