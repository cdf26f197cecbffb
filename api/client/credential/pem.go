package credential

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

const (
	blockKey    = "PRIVATE KEY" // PKCS #8
	blockCert   = "CERTIFICATE" // X.509
	blockPublic = "PUBLIC KEY"  // SubjectPublicKeyInfo
	maxPEM      = 64 << 10      // bytes read of any file here
)

// ErrPermissions is a private key that others on this machine may read.
var ErrPermissions = errors.New("the private key may be read by others")

// WriteKey writes a private key as PKCS #8.
func WriteKey(path string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return WriteSecretPEM(path, blockKey, der)
}

// ReadKey reads what WriteKey wrote; a file others may read is refused.
func ReadKey(path string) (crypto.Signer, error) {
	der, err := ReadSecretPEM(path, blockKey)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%s holds no usable private key: %w", path, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s holds a key that cannot sign", path)
	}
	return signer, nil
}

// WriteCertificates writes certificates in DER, leaf first.
func WriteCertificates(path string, chain ...[]byte) error {
	var text []byte
	for _, der := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: blockCert, Bytes: der})...)
	}
	return WritePublic(path, text)
}

// ReadCertificates reads the certificates of a file, leaf first.
func ReadCertificates(path string) ([]*x509.Certificate, error) {
	rest, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != blockCert {
			return nil, fmt.Errorf("%s holds something that is not a certificate", path)
		}
		chain = append(chain, cert)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return chain, nil
}

// WriteSecretPEM writes one PEM block that only the file's owner may read.
func WriteSecretPEM(path, kind string, data []byte) error {
	return WriteSecret(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}))
}

// ReadSecretPEM reads what WriteSecretPEM wrote. A file that others may read is
// refused with ErrPermissions.
func ReadSecretPEM(path, kind string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o, it must be 0600", ErrPermissions, path, info.Mode().Perm())
	}
	return readPEM(path, kind)
}

// ReadPublicKey reads a SubjectPublicKeyInfo (RFC 5280 section 4.1) in PEM.
func ReadPublicKey(path string) ([]byte, error) { return readPEM(path, blockPublic) }

// readPEM reads the first block of a file, which must be of a kind.
func readPEM(path, kind string) ([]byte, error) {
	text, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s is not a %s file", path, kind)
	}
	return block.Bytes, nil
}

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxPEM {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxPEM)
	}
	return os.ReadFile(path)
}
