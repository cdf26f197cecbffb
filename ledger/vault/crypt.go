package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"

	"indelible/ledger/entry"
)

// KeySize is the size of every key of the tree and of a root, bytes.
const KeySize = 32

// sealOverhead is what sealing adds: a nonce of 12 bytes and a tag of 16.
const sealOverhead = 28

// Key is a symmetric key. It prints as nothing.
type Key [KeySize]byte

const redactedKey = "vault.Key(redacted)"

// String returns a fixed text.
func (Key) String() string { return redactedKey }

// GoString returns a fixed text.
func (Key) GoString() string { return redactedKey }

// Format writes a fixed text for every verb.
func (Key) Format(f fmt.State, _ rune) {
	if _, err := io.WriteString(f, redactedKey); err != nil {
		return // a fmt.State never fails; what its writer does is the printer's business
	}
}

// LogValue returns a fixed text.
func (Key) LogValue() slog.Value { return slog.StringValue(redactedKey) }

// MarshalText returns a fixed text, also inside JSON.
func (Key) MarshalText() ([]byte, error) { return []byte(redactedKey), nil }

func (k *Key) isZero() bool { return *k == Key{} }

// wipe overwrites the key. It is a best effort: the garbage collector may have
// left copies, and key schedules inside cipher.AEAD cannot be reached.
func (k *Key) wipe() { *k = Key{} }

func newKey(random io.Reader) (Key, error) {
	var k Key
	if _, err := io.ReadFull(random, k[:]); err != nil {
		return Key{}, fmt.Errorf("vault: draw a key: %w", err)
	}
	return k, nil
}

// aead is AES-256-GCM that draws its nonce itself (FORMATS §6).
func (k *Key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		return nil, fmt.Errorf("vault: cipher: %w", err)
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("vault: cipher: %w", err)
	}
	return a, nil
}

// What begins the associated data of each use of a key, so that a ciphertext of
// one use never opens as another.
const (
	useRecord = 1 // [1, group, slot, class, statement id, commitment] (FORMATS §6)
	useRow    = 2 // [2, group, row letter, number]
	useNode   = 3 // [3, group, level, position, epoch]
	useTop    = 4 // [4, group, height, epoch]
)

func associated(use uint64, fields int, group string) []byte {
	b := make([]byte, 0, 128)
	b = cborHead(b, 4, uint64(fields))
	b = cborHead(b, 0, use)
	b = cborHead(b, 3, uint64(len(group)))
	return append(b, group...)
}

// recordData binds a sealed part to its place and to what it must open to.
func recordData(group string, number uint64, class entry.Class, id entry.StatementID, commitment entry.Hash) []byte {
	b := associated(useRecord, 6, group)
	b = cborHead(b, 0, number)
	b = cborHead(b, 0, uint64(class))
	b = append(cborHead(b, 2, uint64(len(id))), id[:]...)
	return append(cborHead(b, 2, uint64(len(commitment))), commitment[:]...)
}

// rowData binds a sealed row of the store to its key.
func rowData(group string, letter byte, number uint64) []byte {
	b := associated(useRow, 4, group)
	b = cborHead(b, 0, uint64(letter))
	return cborHead(b, 0, number)
}

// nodeData binds a node of the tree to its place and epoch.
func nodeData(group string, at place, epoch uint64) []byte {
	b := associated(useNode, 5, group)
	b = cborHead(b, 0, uint64(at.level))
	b = cborHead(b, 0, at.position)
	return cborHead(b, 0, epoch)
}

// topData binds the wrapped key of the top node.
func topData(group string, height uint8, epoch uint64) []byte {
	b := associated(useTop, 4, group)
	b = cborHead(b, 0, uint64(height))
	return cborHead(b, 0, epoch)
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
