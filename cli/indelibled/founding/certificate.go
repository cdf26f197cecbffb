package founding

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	authorityYears = 10
	leafYears      = 2
	clockSlack     = 5 * time.Minute // certificates begin this much in the past, for clocks that are behind
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
	a := &authority{key: key, now: now, rand: random}
	a.cert = a.template(name, authorityYears) // signs itself
	a.cert.KeyUsage, a.cert.IsCA, a.cert.MaxPathLenZero = x509.KeyUsageCertSign|x509.KeyUsageCRLSign, true, true
	der, err := a.sign(a.cert, key.Public())
	if err != nil {
		return nil, err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("read back the certificate of %s: %w", name, err)
	}
	return a, nil
}

// node certifies a key for both sides of a connection, under the host names
// and addresses clients will use.
func (a *authority) node(name string, pub crypto.PublicKey, hosts []string) ([]byte, error) {
	template := a.template(name, leafYears, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
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
	return a.sign(a.template(name, leafYears, x509.ExtKeyUsageClientAuth), pub)
}

func (a *authority) template(name string, years int, usage ...x509.ExtKeyUsage) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: a.now.Add(-clockSlack), NotAfter: a.now.AddDate(years, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: usage, BasicConstraintsValid: true,
	}
}

// sign makes the certificate. Its serial number is drawn by crypto/x509 (RFC 5280
// section 4.1.2.2).
func (a *authority) sign(template *x509.Certificate, pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.CreateCertificate(a.rand, template, a.cert, pub, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate of %s: %w", template.Subject.CommonName, err)
	}
	return der, nil
}
