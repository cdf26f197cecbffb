package entry

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"

	"indelible/test/seed"
)

func TestPublicKeyAgreesWithX509(t *testing.T) {
	c := chance{seed.Rand(t)}
	for range 50 {
		key := c.signer()
		want, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		k, err := ParsePublicKey(want)
		if err != nil {
			t.Fatal(err)
		}
		sameBytes(t, "SPKI", publicOf(t, key).SPKI(), want)
		sameBytes(t, "SPKI", k.SPKI(), want)
		if k.Author() != sha256.Sum256(want) {
			t.Fatal("author id is not the digest of the SPKI")
		}
		if !k.Key().(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
			t.Fatal("another key came back")
		}
	}
}

// TestPublicKeyOneEncoding: x509 accepts several encodings of a key; each has
// its own digest, so only the one that x509 writes is a key here.
func TestPublicKeyOneEncoding(t *testing.T) {
	c := chance{seed.Rand(t)}
	for range 20 {
		spki := spkiOf(t, c.signer())
		for i := range spki {
			for bit := range 8 {
				b := bytes.Clone(spki)
				b[i] ^= 1 << bit
				k, err := ParsePublicKey(b)
				if err != nil {
					requireCode(t, err, CodeBadKey)
					continue
				}
				again, err := x509.MarshalPKIXPublicKey(k.Key())
				if err != nil {
					t.Fatal(err)
				}
				sameBytes(t, "re-encoded", again, b)
			}
		}
		for n := range spki {
			if _, err := ParsePublicKey(spki[:n]); err == nil {
				t.Fatalf("accepted when cut to %d bytes", n)
			}
		}
	}
}

func requireCode(t testing.TB, err error, code Code) {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted, want %s", code)
	}
	if r := requireRefusal(t, err); r.Code != code {
		t.Fatalf("%v, want %s", r, code)
	}
}

// smallOrder lists every encoding that decodes to one of the eight points of
// small order, canonical or not: y of each, with both signs, and y + p where
// that fits into 255 bits.
func smallOrder(t testing.TB) (canonical, noncanonical [][]byte) {
	t.Helper()
	for i := range curve.EIGHT_TORSION {
		var y curve.CompressedEdwardsY
		y.SetEdwardsPoint(curve.EIGHT_TORSION[i])
		canonical = append(canonical, bytes.Clone(y[:]))
	}
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	for y := int64(0); y < 19; y++ { // every y with y + p < 2^255
		for _, sign := range []byte{0, 0x80} {
			noncanonical = append(noncanonical, encodeY(new(big.Int).Add(p, big.NewInt(y)), sign))
		}
	}
	// x = 0 has no negative: y = 1 and y = -1 with the sign bit.
	noncanonical = append(noncanonical, encodeY(big.NewInt(1), 0x80), encodeY(new(big.Int).Sub(p, big.NewInt(1)), 0x80))
	return canonical, noncanonical
}

func encodeY(y *big.Int, sign byte) []byte {
	b := y.FillBytes(make([]byte, 32))
	for i, j := 0, 31; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	b[31] |= sign
	return b
}

func TestSmallOrderAndNonCanonicalKeysAreRefused(t *testing.T) {
	canonical, noncanonical := smallOrder(t)
	seen := map[string]bool{}
	for _, y := range canonical {
		seen[string(y)] = true
	}
	if len(seen) != 8 {
		t.Fatalf("%d points of small order, want 8", len(seen))
	}
	for _, y := range append(canonical, noncanonical...) {
		_, err := ParsePublicKey(append(bytes.Clone(spkiEd25519), y...))
		requireCode(t, err, CodeBadKey)
		_, err = NewPublicKey(ed25519.PublicKey(y))
		requireCode(t, err, CodeBadKey)
		if _, err := ParseCAKey(append(bytes.Clone(spkiEd25519), y...)); err == nil {
			t.Fatal("accepted as a CA key")
		}
	}
}

func TestP256PointsOffTheCurveAreRefused(t *testing.T) {
	c := chance{seed.Rand(t)}
	spki := spkiOf(t, c.p256())
	x, y := spki[27:59], spki[59:91]
	p := elliptic.P256().Params().P
	over := new(big.Int).Add(new(big.Int).SetBytes(x), p)
	for name, point := range map[string][]byte{
		"zero":        make([]byte, 64),
		"swapped":     append(bytes.Clone(y), x...),
		"y + 1":       append(bytes.Clone(x), new(big.Int).Add(new(big.Int).SetBytes(y), big.NewInt(1)).FillBytes(make([]byte, 32))...),
		"x = p":       append(p.FillBytes(make([]byte, 32)), y...),
		"all ones":    bytes.Repeat([]byte{0xff}, 64),
		"x not below": append(over.Bytes()[max(0, len(over.Bytes())-32):], y...),
	} {
		if _, err := ParsePublicKey(append(bytes.Clone(spkiP256), point...)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOtherKeyTypesAreRefused(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.PublicKey{&p384.PublicKey, (*ecdsa.PublicKey)(nil), nil, "key", ed25519.PublicKey{1}, &rsa.PublicKey{}} {
		if _, err := NewPublicKey(key); err == nil {
			t.Errorf("%T accepted", key)
		}
	}
}

func TestCAKeys(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := chance{seed.Rand(t)}
	for name, key := range map[string]crypto.PublicKey{"P-256": c.p256().Public(), "P-384": p384.Public(), "Ed25519": c.ed25519().Public(), "RSA": rsa2048.Public()} {
		spki, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseCAKey(spki)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !got.(interface{ Equal(crypto.PublicKey) bool }).Equal(key) {
			t.Errorf("%s: another key came back", name)
		}
		checkCAKeyFlips(t, name, spki)
	}
	small := &rsa.PublicKey{N: new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 2047), big.NewInt(1)), E: 65537}
	large := &rsa.PublicKey{N: new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), MaxRSABits+1), big.NewInt(1)), E: 65537}
	even := &rsa.PublicKey{N: rsa2048.N, E: 65536}
	evenModulus := &rsa.PublicKey{N: new(big.Int).Add(rsa2048.N, big.NewInt(1)), E: 65537}
	for name, key := range map[string]crypto.PublicKey{"P-521": p521.Public(), "RSA 2047": small, "RSA 8193": large, "even exponent": even, "even modulus": evenModulus} {
		spki, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseCAKey(spki); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	requireNoNull(t, rsa2048)
}

// checkCAKeyFlips: whatever is accepted is what x509 would write for it.
func checkCAKeyFlips(t *testing.T, name string, spki []byte) {
	t.Helper()
	for i := range spki {
		b := bytes.Clone(spki)
		b[i] ^= 1
		key, err := ParseCAKey(b)
		if err != nil {
			continue
		}
		if again, err := x509.MarshalPKIXPublicKey(key); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%s: byte %d flipped: accepted a second encoding (%v)", name, i, err)
		}
	}
}

// requireNoNull: an RSA algorithm identifier without its NULL is a second
// encoding of the same key.
func requireNoNull(t *testing.T, key *rsa.PrivateKey) {
	t.Helper()
	bits := x509.MarshalPKCS1PublicKey(&key.PublicKey)
	spki, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{pkix.AlgorithmIdentifier{Algorithm: oidRSA}, asn1.BitString{Bytes: bits, BitLength: 8 * len(bits)}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ParseCAKey(spki)
	requireCode(t, err, CodeBadKey)
}

// vectorRSA is the SubjectPublicKeyInfo of an RSA key of 2,048 bits.
var vectorRSA = mustHex("" +
	"30820122300d06092a864886f70d01010105000382010f003082010a02820101009a4bbf1a78c8ef774d4f3c79f3c3d37fd242868b4659f8f9d79d0955148d76" +
	"45b652b23b01ab6dd850774f970267c77afe05ac7804fcfd0373605163c6f4e0c40c35885a31037da69a6753a7b580692c447f581bab23ecabfaaa40e7149eb8" +
	"ed289f99a0bf2ed3098140c4900cb8fb6ae2e8bf56b8cc132960f5ff97301efa177ea2bf86f6876b4d29a84c87e101600833525e7e30e519436690f1b5127b69" +
	"fef8c3c9006e6eac6fe044d6f6550d45cf4a28bd23084f570cc2142b0601148ceb1a2856bc6d233ebf194c0b3f033dc68457a454ceae470d227ae8c075cb5b19" +
	"54e3884aa25783c9fcf224d40d95635447207bb33c8a9ffb8335c1bbe9c7663d970203010001")

func checkX509Agrees(t *testing.T, key crypto.PublicKey, spki []byte) {
	t.Helper()
	again, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "re-encoded by x509", again, spki)
}
