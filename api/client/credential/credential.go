package credential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"indelible/ledger/entry"
	"indelible/proof"
)

// The files of a credential directory.
const (
	KeyFile      = "key.pem"        // P-256 private key, PKCS #8, 0600
	CertFile     = "cert.pem"       // its certificate
	CAFile       = "ca.pem"         // authority of the servers
	GenesisFile  = "genesis.cose"   // statement at index 0: its leaf hash is the log's identity
	PolicyFile   = "policy.txt"     // counts the nodes' Ed25519 cosignatures
	PolicyPQFile = "policy-pq.txt"  // counts the nodes' ML-DSA-44 cosignatures
	SettingsFile = "indelible.yaml" // server address and the credential's name
)

// Credential is who is asking, and whom to believe.
type Credential struct {
	Dir      string
	Key      crypto.Signer       // P-256
	Chain    []*x509.Certificate // leaf first
	CA       *x509.CertPool
	Author   entry.AuthorID // by which the log knows the key
	Genesis  *entry.Statement
	Policy   *proof.Policy
	PolicyPQ *proof.Policy
}

// Parts are the contents of a directory about to be written.
type Parts struct {
	Key         crypto.Signer
	Certificate []byte // DER
	CA          []byte // DER
	Genesis     []byte
	Policy      []byte
	PolicyPQ    []byte
	Settings    []byte
}

// Write makes a credential directory.
func Write(dir string, p Parts) error {
	err := WriteKey(filepath.Join(dir, KeyFile), p.Key)
	if err == nil {
		err = WriteCertificates(filepath.Join(dir, CertFile), p.Certificate)
	}
	if err == nil {
		err = WriteCertificates(filepath.Join(dir, CAFile), p.CA)
	}
	for _, file := range []struct {
		name string
		data []byte
	}{{GenesisFile, p.Genesis}, {PolicyFile, p.Policy}, {PolicyPQFile, p.PolicyPQ}, {SettingsFile, p.Settings}} {
		if err == nil {
			err = WritePublic(filepath.Join(dir, file.name), file.data)
		}
	}
	return err
}

// ErrIncomplete is a directory that is not, or no longer, a whole credential.
var ErrIncomplete = errors.New("the directory is not a complete credential")

// Load reads a credential directory and checks that its parts belong together.
func Load(dir string) (*Credential, error) {
	c := &Credential{Dir: dir}
	for _, step := range []func() error{c.loadKey, c.loadCA, c.loadLog} {
		if err := step(); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%w: %w", ErrIncomplete, err)
			}
			return nil, err
		}
	}
	return c, nil
}

func (c *Credential) loadKey() error {
	key, err := ReadKey(filepath.Join(c.Dir, KeyFile))
	if err != nil {
		return err
	}
	pub, ok := key.Public().(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return fmt.Errorf("%s in %s is not a P-256 key", KeyFile, c.Dir)
	}
	if c.Chain, err = ReadCertificates(filepath.Join(c.Dir, CertFile)); err != nil {
		return err
	}
	if !pub.Equal(c.Chain[0].PublicKey) {
		return fmt.Errorf("%s and %s in %s do not belong together", KeyFile, CertFile, c.Dir)
	}
	author, err := entry.NewPublicKey(pub)
	if err != nil {
		return fmt.Errorf("%s: %w", KeyFile, err)
	}
	c.Key, c.Author = key, author.Author()
	return nil
}

func (c *Credential) loadCA() error {
	authorities, err := ReadCertificates(filepath.Join(c.Dir, CAFile))
	if err != nil {
		return err
	}
	c.CA = x509.NewCertPool()
	for _, cert := range authorities {
		c.CA.AddCert(cert)
	}
	return nil
}

func (c *Credential) loadLog() error {
	raw, err := readBounded(filepath.Join(c.Dir, GenesisFile))
	if err != nil {
		return err
	}
	if c.Genesis, err = entry.Parse(raw); err != nil {
		return fmt.Errorf("%s: %w", GenesisFile, err)
	}
	if c.Policy, err = ReadPolicy(filepath.Join(c.Dir, PolicyFile)); err != nil {
		return err
	}
	if c.PolicyPQ, err = ReadPolicy(filepath.Join(c.Dir, PolicyPQFile)); err != nil {
		return err
	}
	if c.Policy.LogID() != c.Genesis.LogID() || c.PolicyPQ.LogID() != c.Genesis.LogID() {
		return fmt.Errorf("policy and genesis in %s are of different logs", c.Dir)
	}
	return nil
}

// ReadPolicy reads a policy file.
func ReadPolicy(path string) (*proof.Policy, error) {
	text, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	policy, err := proof.ParsePolicy(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return policy, nil
}

// TLS is the client side of a connection made with this credential.
func (c *Credential) TLS() *tls.Config {
	cert := tls.Certificate{PrivateKey: c.Key, Leaf: c.Chain[0]}
	for _, link := range c.Chain {
		cert.Certificate = append(cert.Certificate, link.Raw)
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, RootCAs: c.CA}
}

// LogID is the identity of the log the credential is for.
func (c *Credential) LogID() entry.LogID { return entry.LogID(c.Genesis.LogID()) }
