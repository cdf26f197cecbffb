package founding

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"errors"
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

// ed25519File is one of the keys and where it is kept.
type ed25519File struct {
	name string
	key  *ed25519.PrivateKey
}

func (k *NodeKeys) ed25519Files() []ed25519File {
	return []ed25519File{{AuthorKeyFile, &k.Author}, {CosignerKeyFile, &k.Cosigner}, {LogKeyFile, &k.Log}}
}

func newNodeKeys(random io.Reader) (*NodeKeys, error) {
	k := &NodeKeys{}
	var err error
	k.TLS, err = ecdsa.GenerateKey(elliptic.P256(), random)
	for _, file := range k.ed25519Files() {
		if err == nil {
			_, *file.key, err = ed25519.GenerateKey(random)
		}
	}
	seed := make([]byte, mldsaSeedBytes)
	if err == nil {
		_, err = io.ReadFull(random, seed)
	}
	if err == nil {
		k.MLDSA, err = mldsa.NewPrivateKey(mldsa.MLDSA44(), seed)
	}
	if err != nil {
		return nil, fmt.Errorf("make the node's keys: %w", err)
	}
	return k, nil
}

func (k *NodeKeys) write(dir string) error {
	err := credential.WriteKey(filepath.Join(dir, TLSKeyFile), k.TLS)
	for _, file := range k.ed25519Files() {
		err = errors.Join(err, credential.WriteKey(filepath.Join(dir, file.name), *file.key))
	}
	return errors.Join(err, credential.WriteSecretPEM(filepath.Join(dir, MLDSAKeyFile), blockMLDSA, k.MLDSA.Bytes()))
}

// ReadNodeKeys reads the key folder of a node.
func ReadNodeKeys(dir string) (*NodeKeys, error) {
	k := &NodeKeys{}
	var err error
	if k.TLS, err = credential.ReadKey(filepath.Join(dir, TLSKeyFile)); err != nil {
		return nil, err
	}
	for _, file := range k.ed25519Files() {
		path := filepath.Join(dir, file.name)
		signer, err := credential.ReadKey(path)
		if err != nil {
			return nil, err
		}
		var ok bool
		if *file.key, ok = signer.(ed25519.PrivateKey); !ok {
			return nil, fmt.Errorf("%s is not an Ed25519 key", path)
		}
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

// publicHalf is the raw public key of an Ed25519 private key (RFC 8032 §5.1.5).
func publicHalf(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}
