package entry

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"

	"github.com/oasisprotocol/curve25519-voi/curve"
)

// A SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) has exactly one encoding
// here, so that a key has one author id: everything before the key bits is
// constant.
var (
	// RFC 8410 section 4: id-Ed25519, no parameters.
	spkiEd25519 = mustHex("302a300506032b6570032100")
	// RFC 5480 section 2: id-ecPublicKey with a named curve, uncompressed point.
	spkiP256 = mustHex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
	spkiP384 = mustHex("3076301006072a8648ce3d020106052b8104002203620004")
)

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

const (
	p256PointSize = 64 // X and Y, bytes
	p384PointSize = 96
)

// PublicKey is an author's key: P-256 or Ed25519. It is immutable.
type PublicKey struct {
	spki    []byte
	author  AuthorID
	ecdsa   *ecdsa.PublicKey  // nil for Ed25519
	ed25519 ed25519.PublicKey // nil for P-256
}

// ParsePublicKey reads a SubjectPublicKeyInfo. It accepts P-256 with the named
// curve and an uncompressed point, and Ed25519 with a canonical point that is
// not of small order; any other key or spelling is refused with BAD_KEY.
func ParsePublicKey(spki []byte) (*PublicKey, error) {
	k := &PublicKey{spki: bytes.Clone(spki), author: sha256.Sum256(spki)}
	switch {
	case len(spki) == len(spkiEd25519)+ed25519.PublicKeySize && bytes.HasPrefix(spki, spkiEd25519):
		k.ed25519 = ed25519.PublicKey(k.spki[len(spkiEd25519):])
		if err := checkEd25519Point(k.ed25519); err != nil {
			return nil, err
		}
	case len(spki) == len(spkiP256)+p256PointSize && bytes.HasPrefix(spki, spkiP256):
		point := k.spki[len(spkiP256)-1:] // from the 04 of an uncompressed point
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return nil, Refuse(CodeBadKey, "the point is not on the curve P-256")
		}
		k.ecdsa = pub
	default:
		return nil, Refuse(CodeBadKey, "not the one encoding of a P-256 or Ed25519 key")
	}
	return k, nil
}

// checkEd25519Point refuses keys under which a signature would not be bound to
// its message: encodings that are not canonical and points of small order.
func checkEd25519Point(key []byte) error {
	var y curve.CompressedEdwardsY
	if _, err := y.SetBytes(key); err != nil {
		return Refuse(CodeBadKey, "an Ed25519 key of the wrong size")
	}
	var p curve.EdwardsPoint
	if _, err := p.SetCompressedY(&y); err != nil {
		return Refuse(CodeBadKey, "the Ed25519 key is not a point of the curve")
	}
	if !y.IsCanonicalVartime() {
		return Refuse(CodeBadKey, "the Ed25519 key is not canonically encoded")
	}
	if p.IsSmallOrder() {
		return Refuse(CodeBadKey, "the Ed25519 key is of small order")
	}
	return nil
}

// NewPublicKey takes an ed25519.PublicKey or a P-256 *ecdsa.PublicKey, as a
// crypto.Signer returns it.
func NewPublicKey(key crypto.PublicKey) (*PublicKey, error) {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return ParsePublicKey(append(bytes.Clone(spkiEd25519), k...))
	case *ecdsa.PublicKey:
		if k == nil || k.Curve != elliptic.P256() {
			return nil, Refuse(CodeBadKey, "an ECDSA key on another curve than P-256")
		}
		point, err := k.Bytes()
		if err != nil {
			return nil, Refuse(CodeBadKey, "the point is not on the curve P-256")
		}
		return ParsePublicKey(append(bytes.Clone(spkiP256), point[1:]...))
	}
	return nil, Refuse(CodeBadKey, "a key of type %T, expected P-256 or Ed25519", key)
}

// Author returns the author id: the SHA-256 of SPKI.
func (k *PublicKey) Author() AuthorID { return k.author }

// SPKI returns a copy of the SubjectPublicKeyInfo.
func (k *PublicKey) SPKI() []byte { return bytes.Clone(k.spki) }

// Key returns the key for use with the standard library: an ed25519.PublicKey
// or a *ecdsa.PublicKey. It must not be changed.
func (k *PublicKey) Key() crypto.PublicKey {
	if k.ecdsa != nil {
		return k.ecdsa
	}
	return k.ed25519
}

// Algorithm returns the algorithm SDKs emit for the key: AlgES256 or AlgEdDSA.
func (k *PublicKey) Algorithm() int64 {
	if k.ecdsa != nil {
		return AlgES256
	}
	return AlgEdDSA
}

// fits reports whether alg is the key's algorithm or its exact synonym.
func (k *PublicKey) fits(alg int64) bool {
	if k.ecdsa != nil {
		return alg == AlgES256 || alg == AlgESP256
	}
	return alg == AlgEdDSA || alg == AlgEd25519
}

// key reads a SubjectPublicKeyInfo that check accepts.
func (w *walker) key(check func(spki []byte) error) []byte {
	spki := w.bytes()
	if w.fault != nil {
		return nil
	}
	if err := check(spki); err != nil {
		w.failWith(err)
		return nil
	}
	return bytes.Clone(spki)
}

func (w *walker) authorKey() []byte { return w.key(discard(ParsePublicKey)) }

func (w *walker) caKey() []byte { return w.key(discard(ParseCAKey)) }

// ed25519Key reads a key that must be Ed25519: a log's or a cosigner's.
func (w *walker) ed25519Key() []byte {
	spki := w.authorKey()
	if w.fault == nil && !bytes.HasPrefix(spki, spkiEd25519) {
		w.fail(CodeBadKey, "a log or cosigner key must be Ed25519")
	}
	return spki
}
