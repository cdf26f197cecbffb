package proof

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"filippo.io/mldsa"
)

// KeyType is the byte that says what a key signs and how (C2SP signed-note).
type KeyType byte

// The key types this package signs with and verifies.
const (
	KeyLog        KeyType = 0x01 // Ed25519 over the text of the note
	KeyCosigner   KeyType = 0x04 // timestamped Ed25519 cosignature
	KeyCosignerPQ KeyType = 0x06 // timestamped ML-DSA-44 cosignature
)

// Key is a public key under a name, as pinned in policies. The zero Key is not
// usable.
type Key struct {
	name   string
	typ    KeyType
	id     uint32
	public []byte
	pq     *mldsa.PublicKey // set for KeyCosignerPQ
}

// NewKey makes a Key of raw public key bytes: 32 for the Ed25519 types, 1,312
// for ML-DSA-44. It refuses keys under which anyone can sign (Ed25519 keys of
// small order) and second spellings of a key.
func NewKey(name string, typ KeyType, public []byte) (*Key, error) {
	if err := ValidName(name); err != nil {
		return nil, err
	}
	k := &Key{name: name, typ: typ, public: append([]byte(nil), public...)}
	switch typ {
	case KeyLog, KeyCosigner:
		if err := validEd25519(public); err != nil {
			return nil, err
		}
	case KeyCosignerPQ:
		pq, err := mldsa.NewPublicKey(mldsa.MLDSA44(), public)
		if err != nil {
			return nil, fmt.Errorf("not an ML-DSA-44 public key: %w", ErrKey)
		}
		k.pq = pq
	default:
		return nil, fmt.Errorf("key type %#02x is unknown: %w", byte(typ), ErrKey)
	}
	k.id = keyID(name, typ, public)
	return k, nil
}

// keyID is the first four bytes of the hash that ties a key to its name and
// use. It tells keys apart; it authenticates nothing.
func keyID(name string, typ KeyType, public []byte) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write([]byte{byte(typ)})
	h.Write(public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// Name is the key's name: the log's origin, or the cosigner's name.
func (k *Key) Name() string { return k.name }

// ID is the key ID that stands in this key's signature lines.
func (k *Key) ID() uint32 { return k.id }

// Type says what the key signs.
func (k *Key) Type() KeyType { return k.typ }

// Public is a copy of the raw public key.
func (k *Key) Public() []byte { return append([]byte(nil), k.public...) }

// String is the key as a vkey: name, key ID, type and public key in one word
// (C2SP signed-note).
func (k *Key) String() string {
	var id [keyIDSize]byte
	binary.BigEndian.PutUint32(id[:], k.id)
	typed := append([]byte{byte(k.typ)}, k.public...)
	return k.name + "+" + hex.EncodeToString(id[:]) + "+" + base64.StdEncoding.EncodeToString(typed)
}

// maxVKey bounds a vkey, in bytes; an ML-DSA-44 one takes 1,752 after its name.
const maxVKey = MaxName + 2048

// ParseVKey reads a vkey. It accepts exactly what String writes.
func ParseVKey(vkey string) (*Key, error) {
	if len(vkey) > maxVKey {
		return nil, fmt.Errorf("vkey of %d bytes, at most %d allowed: %w", len(vkey), maxVKey, ErrTooLarge)
	}
	// Base64 has '+' too: only the first two separate.
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("vkey has not three parts: %w", ErrEncoding)
	}
	typed, err := parseBase64(parts[2])
	if err != nil {
		return nil, fmt.Errorf("vkey: %w", err)
	}
	if len(typed) == 0 {
		return nil, fmt.Errorf("vkey holds no key: %w", ErrEncoding)
	}
	k, err := NewKey(parts[0], KeyType(typed[0]), typed[1:])
	if err != nil {
		return nil, fmt.Errorf("vkey: %w", err)
	}
	if k.String() != vkey {
		return nil, fmt.Errorf("vkey: key ID does not belong to name and key: %w", ErrEncoding)
	}
	return k, nil
}

// LogVKey is the vkey of a log's Ed25519 key, or "" where NewKey refuses it.
func LogVKey(origin string, pub ed25519.PublicKey) string { return vkey(origin, KeyLog, pub) }

// CosignerVKey is the vkey of a cosigner's Ed25519 key, or "" where NewKey
// refuses it.
func CosignerVKey(name string, pub ed25519.PublicKey) string { return vkey(name, KeyCosigner, pub) }

// MLDSAVKey is the vkey of a cosigner's ML-DSA-44 key of 1,312 raw bytes, or ""
// where NewKey refuses it.
func MLDSAVKey(name string, pub []byte) string { return vkey(name, KeyCosignerPQ, pub) }

func vkey(name string, typ KeyType, pub []byte) string {
	k, err := NewKey(name, typ, pub)
	if err != nil {
		return ""
	}
	return k.String()
}

// smallOrder are the y coordinates, sign bit cleared, of the points of order 1,
// 2, 4 and 8 on edwards25519 (little-endian hexadecimal). Under such a key a
// signature can be made without a private key.
var smallOrder = [...]string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
}

// validEd25519 refuses keys of small order and encodings that are not the one
// of their point. Whether a point has such a y at all shows when a signature
// is verified: none ever does.
func validEd25519(pub []byte) error {
	if len(pub) != ed25519.PublicKeySize {
		return fmt.Errorf("Ed25519 public key of %d bytes: %w", len(pub), ErrKey)
	}
	y := [ed25519.PublicKeySize]byte(pub)
	y[31] &= 0x7f
	text := hex.EncodeToString(y[:])
	for _, weak := range smallOrder {
		if text == weak {
			return fmt.Errorf("Ed25519 public key of small order: %w", ErrKey)
		}
	}
	if !belowPrime(y) {
		return fmt.Errorf("Ed25519 public key is not in canonical form: %w", ErrKey)
	}
	return nil
}

// belowPrime tells whether a little-endian number below 2^255 is below
// 2^255-19: only the 19 numbers with all high bytes full are not.
func belowPrime(y [ed25519.PublicKeySize]byte) bool {
	if y[31] != 0x7f || y[0] < 0xed {
		return true
	}
	for _, b := range y[1:31] {
		if b != 0xff {
			return true
		}
	}
	return false
}
