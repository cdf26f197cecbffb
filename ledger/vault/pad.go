package vault

import (
	"encoding/binary"
	"math/bits"

	"indelible/ledger/vault/layout"
)

// Content is padded before it is sealed, so that a ciphertext's length names a
// size class and not a size. Classes begin at 256 bytes; above, there are four
// to each power of two, so that at most a fifth of a ciphertext is padding.
const (
	minPadded = 256
	padPrefix = 4    // the length, big-endian
	rowPadded = 1024 // rows that hold identifiers or slots are padded to a multiple of it
)

// paddedSize returns the size class of n bytes.
func paddedSize(n int) int {
	if n <= minPadded {
		return minPadded
	}
	step := 1 << (bits.Len(uint(n-1)) - 3)
	return (n + step - 1) / step * step
}

// pad puts the length before the content and zeros behind it.
func pad(content []byte) []byte { return padTo(content, paddedSize(padPrefix+len(content))) }

// padRow is pad in coarser classes.
func padRow(content []byte) []byte {
	n := padPrefix + len(content)
	return padTo(content, (n+rowPadded-1)/rowPadded*rowPadded)
}

func padTo(content []byte, size int) []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, uint32(len(content)))
	copy(b[padPrefix:], content)
	return b
}

// unpad returns the content within b. It is strict, although only what was
// padded here can come out of an AEAD.
func unpad(b []byte) ([]byte, error) {
	if len(b) < padPrefix {
		return nil, layout.ErrMalformed
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if n > uint64(len(b)-padPrefix) {
		return nil, layout.ErrMalformed
	}
	end := padPrefix + int(n)
	for _, c := range b[end:] {
		if c != 0 {
			return nil, layout.ErrMalformed
		}
	}
	return b[padPrefix:end:end], nil
}
