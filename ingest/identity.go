package ingest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"indelible/api/client/credential"
)

// Identity is who a device is: the certificate its maker gave it and the key of
// that certificate. The key signs only certifications of binding keys, so that
// readings cannot be joined by it.
type Identity struct {
	Chain [][]byte      // certificates, DER, leaf first
	Key   crypto.Signer // of the leaf
}

// DeviceCA issues identities to simulated devices, as a maker's authority does to
// real ones (IEEE 802.1AR: an IDevID lives as long as the device).
type DeviceCA struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// NewDeviceCA takes an authority's certificate and key.
func NewDeviceCA(certificate *x509.Certificate, key crypto.Signer) (*DeviceCA, error) {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !certificate.IsCA || !ok || !public.Equal(certificate.PublicKey) {
		return nil, errors.New("ingest: the certificate is not that of a device authority with this key")
	}
	return &DeviceCA{certificate: certificate, key: key}, nil
}

// ReadDeviceCA reads an authority's certificate and key from files in PEM.
func ReadDeviceCA(certFile, keyFile string) (*DeviceCA, error) {
	chain, err := credential.ReadCertificates(certFile)
	if err != nil {
		return nil, err
	}
	key, err := credential.ReadKey(keyFile)
	if err != nil {
		return nil, err
	}
	return NewDeviceCA(chain[0], key)
}

// Identity issues an identity to each device that is asked for, under a random serial
// number: it says nothing about whose device it is. It fits OnboardingConfig.
func (ca *DeviceCA) Identity(random io.Reader, now func() time.Time) func(reference string) (*Identity, error) {
	return func(string) (*Identity, error) {
		var serial [serialBytes]byte
		if _, err := io.ReadFull(random, serial[:]); err != nil {
			return nil, fmt.Errorf("ingest: draw a device's serial number: %w", err)
		}
		return ca.Issue(random, hex.EncodeToString(serial[:]), now())
	}
}

const serialBytes = 8

// deviceLife is how long a simulated device may live.
const deviceLife = 20 * 365 * 24 * time.Hour

// Issue makes a P-256 key and a certificate for a device with a serial number
// (subject serialNumber, 2.5.4.5), which must not say whose device it is.
func (ca *DeviceCA) Issue(random io.Reader, serial string, now time.Time) (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return nil, fmt.Errorf("ingest: device identity: %w", err)
	}
	number, err := rand.Int(random, new(big.Int).Lsh(big.NewInt(1), 159))
	if err != nil {
		return nil, fmt.Errorf("ingest: device identity: %w", err)
	}
	ends := now.Add(deviceLife)
	if ends.After(ca.certificate.NotAfter) {
		ends = ca.certificate.NotAfter
	}
	der, err := x509.CreateCertificate(random, &x509.Certificate{
		SerialNumber: number.Add(number, big.NewInt(1)),
		Subject:      pkix.Name{SerialNumber: serial, CommonName: "Synthetic Wearable"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     ends,
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}, ca.certificate, key.Public(), ca.key)
	if err != nil {
		return nil, fmt.Errorf("ingest: device identity: %w", err)
	}
	return &Identity{Chain: [][]byte{der, ca.certificate.Raw}, Key: key}, nil
}
