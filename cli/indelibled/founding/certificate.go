package founding

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"time"
)

const (
	authorityYears = 10
	leafYears      = 2
	clockSlack     = 5 * time.Minute // certificates begin this much in the past, for clocks that are behind
	serialBits     = 127
)

// authority signs certificates: for connections, or for devices.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	now  time.Time
	rand io.Reader
}

func newAuthority(name string, now time.Time, random io.Reader) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return nil, fmt.Errorf("make the key of %s: %w", name, err)
	}
	serial, err := newSerial(random)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-clockSlack),
		NotAfter:              now.AddDate(authorityYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(random, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate of %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read back the certificate of %s: %w", name, err)
	}
	return &authority{cert: cert, key: key, now: now, rand: random}, nil
}

// node certifies a key for both sides of a connection, under the host names
// and addresses clients will use.
func (a *authority) node(name string, pub crypto.PublicKey, hosts []string) ([]byte, error) {
	template := a.leaf(name, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return a.sign(template, pub)
}

// client certifies a key for the calling side alone.
func (a *authority) client(name string, pub crypto.PublicKey) ([]byte, error) {
	return a.sign(a.leaf(name, x509.ExtKeyUsageClientAuth), pub)
}

func (a *authority) leaf(name string, usage ...x509.ExtKeyUsage) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             a.now.Add(-clockSlack),
		NotAfter:              a.now.AddDate(leafYears, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           usage,
		BasicConstraintsValid: true,
	}
}

func (a *authority) sign(template *x509.Certificate, pub crypto.PublicKey) ([]byte, error) {
	serial, err := newSerial(a.rand)
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(a.rand, template, a.cert, pub, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate of %s: %w", template.Subject.CommonName, err)
	}
	return der, nil
}

func newSerial(random io.Reader) (*big.Int, error) {
	raw := make([]byte, (serialBits+7)/8)
	if _, err := io.ReadFull(random, raw); err != nil {
		return nil, fmt.Errorf("draw a certificate's serial number: %w", err)
	}
	raw[0] &= 0x7f // positive in 16 bytes, RFC 5280 §4.1.2.2
	raw[len(raw)-1] |= 1
	return new(big.Int).SetBytes(raw), nil
}
