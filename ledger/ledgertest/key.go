package ledgertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"io"
	"math/rand/v2"

	"indelible/ledger/entry"
)

// Key is an author's key pair. What it signs depends on the message alone.
type Key struct {
	crypto.Signer
	Pub *entry.PublicKey
}

// ID is the author id.
func (k *Key) ID() entry.AuthorID { return k.Pub.Author() }

// SPKI is the public key as statements carry it.
func (k *Key) SPKI() []byte { return k.Pub.SPKI() }

// fixed makes P-256 signatures deterministic (RFC 6979): the standard library
// does that when it is handed no randomness.
type fixed struct{ *ecdsa.PrivateKey }

func (f fixed) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return f.PrivateKey.Sign(nil, digest, opts)
}

// source is a seeded source of keys and identifiers.
type source struct{ *rand.ChaCha8 }

func newSource(seed uint64) source {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	return source{rand.NewChaCha8(key)}
}

func (s source) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.Uint64())
	}
	return b
}

func newKey(signer crypto.Signer) *Key {
	pub, err := entry.NewPublicKey(signer.Public())
	if err != nil {
		panic("ledgertest: " + err.Error())
	}
	return &Key{Signer: signer, Pub: pub}
}

// ed25519 draws an Ed25519 key, as devices and nodes have.
func (s source) ed25519() *Key {
	return newKey(ed25519.NewKeyFromSeed(s.bytes(ed25519.SeedSize)))
}

// p256 draws a P-256 key, as people have.
func (s source) p256() *Key {
	for {
		priv, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), s.bytes(32))
		if err == nil {
			return newKey(fixed{priv})
		}
	}
}
