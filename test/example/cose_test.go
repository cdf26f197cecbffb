package example

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"testing"
)

// sign1Case is a COSE_Sign1 (RFC 9052 §4.2), its key as coordinates in
// hexadecimal, and whether it verifies. ToBeSigned is there where it does.
type sign1Case struct {
	Name       string `json:"name"`
	Crv        string `json:"crv"`
	X          string `json:"x_hex"`
	Y          string `json:"y_hex,omitempty"`
	Message    string `json:"cborHex"`
	ToBeSigned string `json:"toBeSignedHex,omitempty"`
	Valid      bool   `json:"valid"`
}

const (
	algES256 = 0x26 // CBOR of -7, RFC 9053 §2.1
	algEdDSA = 0x27 // CBOR of -8, §2.2
)

// bstr is a CBOR byte string of fewer than 65536 bytes (RFC 8949 §3.1).
func bstr(b []byte) []byte { return append(head(0x40, len(b)), b...) }

func head(major byte, n int) []byte {
	switch {
	case n < 24:
		return []byte{major | byte(n)}
	case n < 1<<8:
		return []byte{major | 24, byte(n)}
	}
	return []byte{major | 25, byte(n >> 8), byte(n)}
}

// toBeSigned is Sig_structure of RFC 9052 §4.4 for context "Signature1".
func toBeSigned(protected, payload []byte) []byte {
	return bytes.Join([][]byte{{0x84, 0x6a}, []byte("Signature1"), bstr(protected), bstr(nil), bstr(payload)}, nil)
}

// message is COSE_Sign1 with tag 18 and a key id in its unprotected header.
func message(protected, payload, sig []byte) []byte {
	unprotected := append([]byte{0xa1, 0x04}, bstr([]byte("made-up key"))...)
	return bytes.Join([][]byte{{0xd2, 0x84}, bstr(protected), unprotected, bstr(payload), bstr(sig)}, nil)
}

type sign1Maker struct {
	crv, x, y string
	alg       byte
	sign      func(tbs []byte) []byte
}

func ed25519Maker(name string) sign1Maker {
	key := ed25519.NewKeyFromSeed(hash([]byte(name)))
	return sign1Maker{
		crv: "Ed25519", x: hex.EncodeToString(key.Public().(ed25519.PublicKey)), alg: algEdDSA,
		sign: func(tbs []byte) []byte { return ed25519.Sign(key, tbs) },
	}
}

// p256Maker signs as RFC 6979 says, so that it signs the same each time.
func p256Maker(t *testing.T, name string) sign1Maker {
	t.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), hash([]byte(name)))
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return sign1Maker{
		crv: "P-256", x: hex.EncodeToString(point[1:33]), y: hex.EncodeToString(point[33:]), alg: algES256,
		sign: func(tbs []byte) []byte { return p256Sign(t, key, tbs) },
	}
}

// p256Sign is r and s of 32 bytes each (RFC 9053 §2.1).
func p256Sign(t *testing.T, key *ecdsa.PrivateKey, tbs []byte) []byte {
	t.Helper()
	digest := sha256.Sum256(tbs)
	der, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	at, sig := 2, make([]byte, 0, 64) // SEQUENCE of two INTEGERs, all of short lengths
	for range 2 {
		n := int(der[at+1])
		sig = append(sig, new(big.Int).SetBytes(der[at+2:at+2+n]).FillBytes(make([]byte, 32))...)
		at += 2 + n
	}
	return sig
}

func sign1Cases(t *testing.T) (out []sign1Case) {
	payloads := [][]byte{[]byte("This is the content."), {}, bytes.Repeat([]byte{0xf6}, 300), hash([]byte("a commitment"))}
	for _, m := range []sign1Maker{ed25519Maker("first"), ed25519Maker("second"), p256Maker(t, "third"), p256Maker(t, "fourth")} {
		protected := []byte{0xa1, 0x01, m.alg}
		for _, payload := range payloads {
			tbs := toBeSigned(protected, payload)
			out = append(out, m.vector("signed", message(protected, payload, m.sign(tbs)), tbs))
		}
		out = append(out, m.failing(protected, payloads[0])...)
	}
	return out
}

func (m sign1Maker) vector(name string, message, tbs []byte) sign1Case {
	return sign1Case{
		Name: m.crv + ", " + name, Crv: m.crv, X: m.x, Y: m.y,
		Message: hex.EncodeToString(message), ToBeSigned: hex.EncodeToString(tbs), Valid: tbs != nil,
	}
}

// failing are messages that nobody may take: each is wrong in one thing.
func (m sign1Maker) failing(protected, payload []byte) []sign1Case {
	sig := m.sign(toBeSigned(protected, payload))
	good := message(protected, payload, sig)
	other := []byte{0xa1, 0x01, algES256 ^ algEdDSA ^ m.alg}
	unknown := []byte{0xa1, 0x01, 0x39, 0x03, 0xe6} // -999
	context := bytes.Replace(toBeSigned(protected, payload), []byte("Signature1"), []byte("Signature2"), 1)
	return []sign1Case{
		m.vector("a bit of the signature turned", message(protected, payload, flipped(sig)), nil),
		m.vector("a bit of the payload turned", message(protected, flipped(payload), sig), nil),
		m.vector("half a signature", message(protected, payload, sig[:32]), nil),
		m.vector("no signature", message(protected, payload, nil), nil),
		m.vector("the algorithm of the other kind of key", message(other, payload, m.sign(toBeSigned(other, payload))), nil),
		m.vector("an algorithm that does not exist", message(unknown, payload, m.sign(toBeSigned(unknown, payload))), nil),
		m.vector("no algorithm", message(nil, payload, m.sign(toBeSigned(nil, payload))), nil),
		m.vector("a changed protected header", message([]byte{0xa2, 0x01, m.alg, 0x18, 0x63, 0x01}, payload, sig), nil),
		m.vector("signed in another context", message(protected, payload, m.sign(context)), nil),
		m.vector("the tag of another message", append([]byte{0xd1}, good[1:]...), nil),
	}
}
