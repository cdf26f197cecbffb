package proof

import (
	"crypto/sha256"
	"encoding/hex"
)

// HashSize is the length of every hash in a tree, in bytes.
const HashSize = sha256.Size

// Hash is a SHA-256 value: a leaf, a node or a root of a tree.
type Hash [HashSize]byte

// String is the hash in lower-case hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Leaves and nodes are hashed under different first bytes, so that no node can
// be passed off as a leaf (RFC 6962 §2.1).
const (
	leafPrefix = 0
	nodePrefix = 1
)

// LeafHash is the hash of a leaf's bytes as a tree contains it (RFC 6962 §2.1).
func LeafHash(leaf []byte) Hash {
	h := sha256.New()
	h.Write([]byte{leafPrefix})
	h.Write(leaf)
	var out Hash
	h.Sum(out[:0])
	return out
}

// NodeHash is the hash of an inner node with children l and r (RFC 6962 §2.1).
func NodeHash(l, r Hash) Hash {
	var node [1 + 2*HashSize]byte
	node[0] = nodePrefix
	copy(node[1:], l[:])
	copy(node[1+HashSize:], r[:])
	return sha256.Sum256(node[:])
}

// EmptyRoot is the root of a tree without leaves: the SHA-256 of nothing.
func EmptyRoot() Hash { return sha256.Sum256(nil) }
