package founding

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"fmt"
	"io"
	"path/filepath"

	"filippo.io/mldsa"

	"indelible/api/client/credential"
)

// The files of a node's key folder.
const (
	TLSKeyFile      = "tls.pem"      // P-256: connections
	AuthorKeyFile   = "author.pem"   // Ed25519: the node's statements
	CosignerKeyFile = "cosigner.pem" // Ed25519: checkpoints it has recomputed
	MLDSAKeyFile    = "mldsa.pem"    // ML-DSA-44: the same, against later quantum forgery
	LogKeyFile      = "log.pem"      // Ed25519: the log's own signature, the same on every voter
)

const (
	mldsaSeedBytes = 32
	blockMLDSA     = "INDELIBLE ML-DSA-44 SEED" // PEM type: the 32 bytes of FIPS 204's xi
)

// NodeKeys are the private keys of one node.
type NodeKeys struct {
	TLS      crypto.Signer
	Author   ed25519.PrivateKey
	Cosigner ed25519.PrivateKey
	MLDSA    *mldsa.PrivateKey
	Log      ed25519.PrivateKey
}

func newNodeKeys(random io.Reader) (*NodeKeys, error) {
	k := &NodeKeys{}
	tlsKey, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return nil, fmt.Errorf("make the node's TLS key: %w", err)
	}
	k.TLS = tlsKey
	for _, into := range []*ed25519.PrivateKey{&k.Author, &k.Cosigner, &k.Log} {
		if _, *into, err = ed25519.GenerateKey(random); err != nil {
			return nil, fmt.Errorf("make the node's keys: %w", err)
		}
	}
	seed := make([]byte, mldsaSeedBytes)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("make the node's ML-DSA-44 key: %w", err)
	}
	if k.MLDSA, err = mldsa.NewPrivateKey(mldsa.MLDSA44(), seed); err != nil {
		return nil, fmt.Errorf("make the node's ML-DSA-44 key: %w", err)
	}
	return k, nil
}

func (k *NodeKeys) write(dir string) error {
	for _, file := range []struct {
		name string
		key  crypto.Signer
	}{{TLSKeyFile, k.TLS}, {AuthorKeyFile, k.Author}, {CosignerKeyFile, k.Cosigner}, {LogKeyFile, k.Log}} {
		if err := credential.WriteKey(filepath.Join(dir, file.name), file.key); err != nil {
			return err
		}
	}
	return credential.WriteSecretPEM(filepath.Join(dir, MLDSAKeyFile), blockMLDSA, k.MLDSA.Bytes())
}

// ReadNodeKeys reads the key folder of a node.
func ReadNodeKeys(dir string) (*NodeKeys, error) {
	k := &NodeKeys{}
	var err error
	if k.TLS, err = credential.ReadKey(filepath.Join(dir, TLSKeyFile)); err != nil {
		return nil, err
	}
	for _, file := range []struct {
		name string
		into *ed25519.PrivateKey
	}{{AuthorKeyFile, &k.Author}, {CosignerKeyFile, &k.Cosigner}, {LogKeyFile, &k.Log}} {
		signer, err := credential.ReadKey(filepath.Join(dir, file.name))
		if err != nil {
			return nil, err
		}
		key, ok := signer.(ed25519.PrivateKey)
		if !ok {
			return nil, fmt.Errorf("%s is not an Ed25519 key", filepath.Join(dir, file.name))
		}
		*file.into = key
	}
	seed, err := credential.ReadSecretPEM(filepath.Join(dir, MLDSAKeyFile), blockMLDSA)
	if err != nil {
		return nil, err
	}
	if k.MLDSA, err = mldsa.NewPrivateKey(mldsa.MLDSA44(), seed); err != nil {
		return nil, fmt.Errorf("%s holds no usable ML-DSA-44 seed: %w", MLDSAKeyFile, err)
	}
	return k, nil
}

// spki is a public key as statements carry it.
func spki(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("encode a public key: %w", err)
	}
	return der, nil
}

// publicHalf is the raw public key of an Ed25519 private key (RFC 8032 §5.1.5).
func publicHalf(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}
