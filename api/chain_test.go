package api

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"indelible/ledger/entry"
)

// TestDeviceChains: a device's certificate leads to an active device CA, or the
// device is foreign.
func TestDeviceChains(t *testing.T) {
	ca, foreign := newAuthority(t, "ca"), newAuthority(t, "foreign")
	active := [][]byte{ca.cert.RawSubjectPublicKeyInfo}

	between := &authority{key: newKey(t)}
	template := certTemplate("between")
	template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	between.cert = sign(t, template, ca.cert, between.key.Public(), ca.key)

	deviceKey := newKey(t)
	direct, indirect, alien := ca.issue(t, "d", deviceKey), between.issue(t, "d", deviceKey), foreign.issue(t, "d", deviceKey)
	expired := certTemplate("d")
	expired.NotBefore, expired.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	old := sign(t, expired, ca.cert, deviceKey.Public(), ca.key)
	// A device that certifies another key as if it were a CA.
	posing := &authority{cert: direct, key: deviceKey}
	posed := posing.issue(t, "posed", newKey(t))
	// A foreign CA that calls a certificate of its own by the active CA's key.
	disguised := sign(t, certTemplate("ca"), foreign.cert, ca.key.Public(), foreign.key)

	cases := []struct {
		name  string
		chain []*x509.Certificate
		good  bool
	}{
		{"leaf and CA", []*x509.Certificate{direct, ca.cert}, true},
		{"leaf alone", []*x509.Certificate{direct}, true},
		{"leaf, intermediate, CA", []*x509.Certificate{indirect, between.cert, ca.cert}, true},
		{"leaf and intermediate", []*x509.Certificate{indirect, between.cert}, true},
		{"foreign CA", []*x509.Certificate{alien, foreign.cert}, false},
		{"foreign leaf with the active CA beside it", []*x509.Certificate{alien, ca.cert}, false},
		{"foreign leaf with a certificate of the active CA's key", []*x509.Certificate{alien, disguised}, false},
		{"intermediate missing", []*x509.Certificate{indirect, ca.cert}, false},
		{"expired", []*x509.Certificate{old, ca.cert}, false},
		{"device posing as a CA", []*x509.Certificate{posed, direct, ca.cert}, false},
		{"device posing as a CA, CA left out", []*x509.Certificate{posed, direct}, false},
		{"the CA itself as a device", []*x509.Certificate{ca.cert}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var chain [][]byte
			for _, cert := range c.chain {
				chain = append(chain, cert.Raw)
			}
			_, err := checkChain(chain, active, time.Now())
			if c.good != (err == nil) {
				t.Fatalf("got %v", err)
			}
			if err != nil && !errors.Is(err, &entry.Refusal{Code: entry.CodeForeignCA}) {
				t.Fatalf("got %v, expected FOREIGN_CA", err)
			}
		})
	}
	if _, err := checkChain([][]byte{direct.Raw, ca.cert.Raw}, nil, time.Now()); err == nil {
		t.Fatal("accepted without any active CA")
	}
	if _, err := checkChain([][]byte{{0x30, 0x01}}, active, time.Now()); !errors.Is(err, &entry.Refusal{Code: entry.CodeForeignCA}) {
		t.Fatalf("bytes that are no certificate: %v", err)
	}
}

// TestDeviceChainsOfOtherKeys: CA keys may be RSA and Ed25519 as well.
func TestDeviceChainsOfOtherKeys(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey, "Ed25519": edKey} {
		template := certTemplate("ca")
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
		ca := sign(t, template, template, key.Public(), key)
		leaf := sign(t, certTemplate("d"), ca, newKey(t).Public(), key)
		for _, chain := range [][][]byte{{leaf.Raw, ca.Raw}, {leaf.Raw}} {
			if _, err := checkChain(chain, [][]byte{ca.RawSubjectPublicKeyInfo}, time.Now()); err != nil {
				t.Errorf("%s, %d certificates: %v", name, len(chain), err)
			}
		}
	}
}

// TestCertification: an enrolled key is the one the certificate's key vouches
// for, for this subject; a linkable one is the certificate's own.
func TestCertification(t *testing.T) {
	ca, identity, binding := newAuthority(t, "ca"), newKey(t), newKey(t)
	leaf := ca.issue(t, "d", identity)
	h, other := entry.Handle{1}, entry.Handle{2}
	key, own := spki(t, binding.Public()), spki(t, identity.Public())
	certify := func(by crypto.Signer, key []byte, h entry.Handle) []byte {
		t.Helper()
		c, err := entry.SignCertification(rand.Reader, by, key, h)
		must(t, err)
		return c
	}
	cases := []struct {
		name          string
		certification []byte
		change        entry.AuthorChange
		good          bool
	}{
		{"certified", certify(identity, key, h), entry.AuthorChange{Key: key}, true},
		{"for another subject", certify(identity, key, other), entry.AuthorChange{Key: key}, false},
		{"for another key", certify(identity, own, h), entry.AuthorChange{Key: key}, false},
		{"by another key", certify(binding, key, h), entry.AuthorChange{Key: key}, false},
		{"not certified", nil, entry.AuthorChange{Key: key}, false},
		{"linkable", nil, entry.AuthorChange{Key: own, Linkable: true}, true},
		{"linkable with another key", nil, entry.AuthorChange{Key: key, Linkable: true}, false},
		{"linkable and certified", certify(identity, own, h), entry.AuthorChange{Key: own, Linkable: true}, false},
	}
	for _, c := range cases {
		if err := checkIdentity(leaf, c.certification, &c.change, h); c.good != (err == nil) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
