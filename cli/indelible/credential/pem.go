package credential

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"filippo.io/mldsa"
)

const (
	blockKey   = "PRIVATE KEY"              // PKCS #8
	blockCert  = "CERTIFICATE"              // X.509
	blockMLDSA = "INDELIBLE ML-DSA-44 SEED" // the 32 bytes of FIPS 204's xi
	maxPEM     = 64 << 10                   // bytes read of any file here
)

// ErrPermissions is a private key that others on this machine may read.
var ErrPermissions = errors.New("the private key may be read by others")

// WriteKey writes a private key as PKCS #8.
func WriteKey(path string, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return WriteSecret(path, pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: der}))
}

// ReadKey reads what WriteKey wrote; a file others may read is refused.
func ReadKey(path string) (crypto.Signer, error) {
	der, err := readSecret(path, blockKey)
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

// WriteMLDSA writes the seed of an ML-DSA-44 key.
func WriteMLDSA(path string, key *mldsa.PrivateKey) error {
	return WriteSecret(path, pem.EncodeToMemory(&pem.Block{Type: blockMLDSA, Bytes: key.Bytes()}))
}

// ReadMLDSA reads what WriteMLDSA wrote.
func ReadMLDSA(path string) (*mldsa.PrivateKey, error) {
	seed, err := readSecret(path, blockMLDSA)
	if err != nil {
		return nil, err
	}
	key, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), seed)
	if err != nil {
		return nil, fmt.Errorf("%s holds no usable ML-DSA-44 seed: %w", path, err)
	}
	return key, nil
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

func readSecret(path, kind string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o, it must be 0600", ErrPermissions, path, info.Mode().Perm())
	}
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

// ReadPublicKey reads a SubjectPublicKeyInfo in PEM.
func ReadPublicKey(path string) ([]byte, error) {
	text, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("%s is not a public key file", path)
	}
	return block.Bytes, nil
}
