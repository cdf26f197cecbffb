package keytree

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"io"
	"log/slog"
)

// KeySize is the size of every key of the tree and of a root, bytes.
const KeySize = 32

// Key is a symmetric key. It prints as nothing.
type Key [KeySize]byte

const redactedKey = "vault.Key(redacted)"

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
