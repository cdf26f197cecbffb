package vaulttest

import (
	"crypto/aes"
	"crypto/cipher"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// Key is a key of the tree, or of a root.
type Key [32]byte

// Cipher is AES-256-GCM that draws its nonce itself.
func (k Key) Cipher() cipher.AEAD {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic(err)
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return a
}

// associated is the associated data of a use of a key (FORMATS §6): a CBOR array
// of whole numbers, byte strings and one text.
func associated(list ...any) []byte {
	b := head(nil, 4, uint64(len(list)))
	for _, item := range list {
		switch item := item.(type) {
		case string:
			b = append(head(b, 3, uint64(len(item))), item...)
		case []byte:
			b = append(head(b, 2, uint64(len(item))), item...)
		case uint64:
			b = head(b, 0, item)
		default:
			panic("vaulttest: associated data of another type")
		}
	}
	return b
}

// head is a CBOR head in its shortest form.
func head(b []byte, major byte, n uint64) []byte {
	if n < 24 {
		return append(b, major<<5|byte(n))
	}
	size := 0 // bytes of the number are a power of two
	for size < 3 && n >= 1<<(8<<size) {
		size++
	}
	b = append(b, major<<5|24+byte(size))
	for i := 1<<size - 1; i >= 0; i-- {
		b = append(b, byte(n>>(8*i)))
	}
	return b
}

// RecordData is the associated data of a sealed part.
func RecordData(group string, number uint64, class entry.Class, id entry.StatementID, commitment entry.Hash) []byte {
	return associated(uint64(1), group, number, uint64(class), id[:], commitment[:])
}

// RowData is the associated data of a sealed row.
func RowData(group string, letter byte, number uint64) []byte {
	return associated(uint64(2), group, uint64(letter), number)
}

// NodeData is the associated data of a node of the key tree.
func NodeData(group string, at store.Place, epoch uint64) []byte {
	return associated(uint64(3), group, uint64(at.Level), at.Position, epoch)
}

// TopData is the associated data of the wrapped top key.
func TopData(group string, height uint8, epoch uint64) []byte {
	return associated(uint64(4), group, uint64(height), epoch)
}
