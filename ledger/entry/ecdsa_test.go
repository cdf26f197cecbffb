package entry

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"encoding/asn1"
	"io"
	"math/big"
	"testing"

	"indelible/test/seed"
)

// withS replaces s of a statement's signature.
func withS(raw []byte, s *big.Int) []byte {
	b := bytes.Clone(raw)
	s.FillBytes(b[len(b)-scalarSize:])
	return b
}

func sOf(raw []byte) *big.Int { return new(big.Int).SetBytes(raw[len(raw)-scalarSize:]) }

func TestSignIsAlwaysLowS(t *testing.T) {
	c := chance{seed.Rand(t)}
	for range 64 {
		d, _ := c.draft(t, KindReading)
		s, err := d.Sign(rand.Reader, c.p256())
		if err != nil {
			t.Fatal(err)
		}
		if sOf(s.Bytes()).Cmp(halfP256) > 0 {
			t.Fatal("a high s was signed")
		}
	}
}

// TestHighS: the twin of a signature verifies by the equation, so it is refused
// by name and normalised at the edge, to the same bytes and the same id.
func TestHighS(t *testing.T) {
	c := chance{seed.Rand(t)}
	for range 32 {
		d, _ := c.draft(t, KindReading)
		key := c.p256()
		low, pub := mustSign(t, d, key), publicOf(t, key)
		high := withS(low.Bytes(), new(big.Int).Sub(orderP256, sOf(low.Bytes())))
		s, err := Parse(high)
		if err != nil {
			t.Fatal(err)
		}
		requireCode(t, s.Verify(pub), CodeHighS)
		requireCode(t, NewVerifier(VerifierConfig{}).Verify([]*Statement{s}, []*PublicKey{pub})[0], CodeHighS)
		digest := hashOf(s.tbs)
		if !verifyES256(pub.ecdsa, digest[:], s.sig) {
			t.Fatal("the twin does not verify: this test tests nothing")
		}
		if s.ID() != low.ID() {
			t.Fatal("the id depends on the signature")
		}
		for _, raw := range [][]byte{high, low.Bytes()} {
			normal, err := NormalizeSignature(raw)
			if err != nil {
				t.Fatal(err)
			}
			sameBytes(t, "normalised", normal, low.Bytes())
		}
	}
}

func TestNormalizeLeavesTheRestAlone(t *testing.T) {
	c := chance{seed.Rand(t)}
	for _, kind := range Kinds() {
		d, _ := c.draft(t, kind)
		if kind == KindGenesis {
			continue // its signer is in its body
		}
		s := mustSign(t, d, c.ed25519())
		b := bytes.Clone(s.Bytes())
		b[len(b)-1] |= 0x0f // would be a high s under ES256
		normal, err := NormalizeSignature(b)
		if err != nil {
			t.Fatal(err)
		}
		sameBytes(t, "EdDSA normalised", normal, b)
	}
	d, _ := c.draft(t, KindReading)
	s := mustSign(t, d, c.p256())
	beyond := withS(s.Bytes(), new(big.Int).Add(orderP256, big.NewInt(1)))
	normal, err := NormalizeSignature(beyond)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "s above n", normal, beyond)
	if _, err := NormalizeSignature(beyond[1:]); err == nil {
		t.Error("what is no COSE_Sign1 was normalised")
	}
	if _, err := NormalizeSignature(make([]byte, MaxStatement+1)); err == nil {
		t.Error("what is too large was normalised")
	}
}

// TestES256Borders: r and s at the borders of their range are refused.
func TestES256Borders(t *testing.T) {
	c := chance{seed.Rand(t)}
	d, _ := c.draft(t, KindReading)
	key := c.p256()
	s, pub := mustSign(t, d, key), publicOf(t, key)
	zero, one := new(big.Int), big.NewInt(1)
	all := new(big.Int).Sub(new(big.Int).Lsh(one, 256), one)
	border := []*big.Int{zero, one, halfP256, new(big.Int).Add(halfP256, one), new(big.Int).Sub(orderP256, one), orderP256, all}
	for _, r := range border {
		for _, v := range border {
			sig := append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...)
			if verifySign1(pub, s.tbs, sig) == nil {
				t.Errorf("r %x s %x verifies", r, v)
			}
		}
	}
}

// badSigner returns what a broken secure element might.
type badSigner struct {
	crypto.Signer
	answer []byte
}

func (b badSigner) Sign(_ io.Reader, _ []byte, _ crypto.SignerOpts) ([]byte, error) {
	return b.answer, nil
}

func TestSignRefusesWhatASignerGotWrong(t *testing.T) {
	c := chance{seed.Rand(t)}
	d, _ := c.draft(t, KindReading)
	der := func(r, s *big.Int) []byte {
		b, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	one, huge := big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), 300)
	for _, answer := range [][]byte{nil, {0x30, 0}, der(new(big.Int), one), der(one, orderP256), der(one, big.NewInt(-1)), der(one, one), der(huge, one), der(one, huge), append(der(one, one), 0), make([]byte, 64)} {
		if _, err := d.Sign(nil, badSigner{c.p256(), answer}); err == nil {
			t.Errorf("ES256 signature %x was taken", answer)
		}
		if _, err := d.Sign(nil, badSigner{c.ed25519(), answer}); err == nil {
			t.Errorf("EdDSA signature %x was taken", answer)
		}
	}
}
