package keytree

import (
	"encoding/binary"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// What begins the associated data of each use of a key, so that a ciphertext of
// one use never opens as another.
const (
	useRecord = 1 // [1, group, slot, class, statement id, commitment] (FORMATS §6)
	useRow    = 2 // [2, group, row letter, number]
	useNode   = 3 // [3, group, level, position, epoch]
	useTop    = 4 // [4, group, height, epoch]
)

// associated is a CBOR array of the use, the group, numbers, and byte strings,
// in deterministic encoding.
func associated(use uint64, group string, numbers []uint64, strings ...[]byte) []byte {
	b := make([]byte, 0, 128)
	b = cborHead(b, 4, uint64(2+len(numbers)+len(strings)))
	b = cborHead(b, 0, use)
	b = append(cborHead(b, 3, uint64(len(group))), group...)
	for _, n := range numbers {
		b = cborHead(b, 0, n)
	}
	for _, s := range strings {
		b = append(cborHead(b, 2, uint64(len(s))), s...)
	}
	return b
}

// RecordData is the associated data of a sealed part: it binds the part to its
// place, a slot or for class series a subject, and to what it must open to.
func RecordData(group string, number uint64, class entry.Class, id entry.StatementID, commitment entry.Hash) []byte {
	return associated(useRecord, group, []uint64{number, uint64(class)}, id[:], commitment[:])
}

// RowData is the associated data of a sealed row: it binds the row to its kind,
// a letter, and to the number of its subject or slot.
func RowData(group string, letter byte, number uint64) []byte {
	return associated(useRow, group, []uint64{uint64(letter), number})
}

// nodeData binds a node of the tree to its place and epoch.
func nodeData(group string, at store.Place, epoch uint64) []byte {
	return associated(useNode, group, []uint64{uint64(at.Level), at.Position, epoch})
}

// topData binds the wrapped key of the top node.
func topData(group string, height uint8, epoch uint64) []byte {
	return associated(useTop, group, []uint64{uint64(height), epoch})
}

// cborHead appends an initial byte and its argument in the shortest form
// (RFC 8949 section 4.2.1).
func cborHead(b []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}
