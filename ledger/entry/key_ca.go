package entry

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/asn1"
	"math"
	"math/big"
)

// Sizes of an RSA device CA key, bits. The upper one bounds what verifying one
// certificate costs.
const (
	MinRSABits = 2048
	MaxRSABits = 8192
)

// rsaEncryption, RFC 8017 appendix A.1.
var oidRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}

type rsaInfo struct {
	Algorithm struct {
		OID  asn1.ObjectIdentifier
		Null asn1.RawValue
	}
	Key asn1.BitString
}

type rsaKey struct {
	N *big.Int
	E int64
}

// ParseCAKey reads the SubjectPublicKeyInfo of a device CA: P-256, P-384,
// Ed25519, or RSA of 2,048 to 8,192 bits. Like an author's key it has exactly
// one encoding. It returns a *ecdsa.PublicKey, ed25519.PublicKey or
// *rsa.PublicKey.
func ParseCAKey(spki []byte) (crypto.PublicKey, error) {
	if len(spki) == len(spkiP384)+p384PointSize && bytes.HasPrefix(spki, spkiP384) {
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P384(), spki[len(spkiP384)-1:])
		if err != nil {
			return nil, Refuse(CodeBadKey, "the point is not on the curve P-384")
		}
		return pub, nil
	}
	if k, err := ParsePublicKey(spki); err == nil {
		return k.Key(), nil
	}
	return parseRSA(spki)
}

func parseRSA(spki []byte) (*rsa.PublicKey, error) {
	refused := Refuse(CodeBadKey, "not the one encoding of a P-256, P-384, Ed25519 or RSA key")
	var info rsaInfo
	if rest, err := asn1.Unmarshal(spki, &info); err != nil || len(rest) != 0 || !info.Algorithm.OID.Equal(oidRSA) {
		return nil, refused
	}
	var key rsaKey
	if rest, err := asn1.Unmarshal(info.Key.Bytes, &key); err != nil || len(rest) != 0 {
		return nil, refused
	}
	again, err := encodeRSA(key)
	if err != nil || !bytes.Equal(again, spki) {
		return nil, refused
	}
	if bits := key.N.BitLen(); key.N.Sign() <= 0 || bits < MinRSABits || bits > MaxRSABits {
		return nil, Refuse(CodeBadKey, "an RSA key outside %d to %d bits", MinRSABits, MaxRSABits)
	}
	if key.E < 3 || key.E&1 == 0 || key.E > math.MaxInt32 || key.N.Bit(0) == 0 {
		return nil, Refuse(CodeBadKey, "an RSA key whose modulus or exponent is even or out of range")
	}
	return &rsa.PublicKey{N: key.N, E: int(key.E)}, nil
}

func encodeRSA(key rsaKey) ([]byte, error) {
	bits, err := asn1.Marshal(key)
	if err != nil {
		return nil, err
	}
	var info rsaInfo
	info.Algorithm.OID = oidRSA
	info.Algorithm.Null = asn1.NullRawValue
	info.Key = asn1.BitString{Bytes: bits, BitLength: 8 * len(bits)}
	return asn1.Marshal(info)
}
