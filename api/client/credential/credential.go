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
	Dir    string
	Key    crypto.Signer       // P-256
	Chain  []*x509.Certificate // leaf first
	CA     *x509.CertPool
	Author entry.AuthorID // by which the log knows the key
	Log

	pair tls.Certificate
}

// Log is which log is meant, and which of its checkpoints to believe.
type Log struct {
	Genesis  *entry.Statement
	Policy   *proof.Policy // counts Ed25519 cosignatures
	PolicyPQ *proof.Policy // counts ML-DSA-44 cosignatures
}

// LogID is the identity of the log: the leaf hash of its genesis.
func (l Log) LogID() entry.LogID { return entry.LogID(l.Genesis.LogID()) }

// Parts are the contents of a directory about to be written.
type Parts struct {
	Key         crypto.Signer
	Certificate []byte // DER
	CA          []byte // DER
	Genesis     []byte
	Policy      []byte
	PolicyPQ    []byte
	Name        string // see WriteSettings
	Server      string
}

// Write makes a credential directory.
func Write(dir string, p Parts) error {
	return errors.Join(
		WriteKey(filepath.Join(dir, KeyFile), p.Key),
		WriteCertificates(filepath.Join(dir, CertFile), p.Certificate),
		WriteCertificates(filepath.Join(dir, CAFile), p.CA),
		WritePublic(filepath.Join(dir, GenesisFile), p.Genesis),
		WritePublic(filepath.Join(dir, PolicyFile), p.Policy),
		WritePublic(filepath.Join(dir, PolicyPQFile), p.PolicyPQ),
		WriteSettings(dir, p.Name, p.Server),
	)
}

// WriteSettings replaces the settings file of a credential directory: what the
// credential is called, for people, and the server, https://host:port. Double-quoted
// YAML takes JSON's escapes.
func WriteSettings(dir, name, server string) error {
	return WritePublic(filepath.Join(dir, SettingsFile),
		fmt.Appendf(nil, "# Settings of this credential; every one can be overridden by a flag.\nname: %q\nserver: %q\n", name, server))
}

// ErrIncomplete is a directory that is not, or no longer, a whole credential.
var ErrIncomplete = errors.New("the directory is not a complete credential")

// Load reads a credential directory and checks that its parts belong together.
func Load(dir string) (*Credential, error) {
	c, err := load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
	return c, err
}

func load(dir string) (*Credential, error) {
	c := &Credential{Dir: dir}
	file := func(name string) string { return filepath.Join(dir, name) }
	var err error
	if c.Key, err = ReadKey(file(KeyFile)); err != nil {
		return nil, err
	}
	pub, ok := c.Key.Public().(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%s in %s is not a P-256 key", KeyFile, dir)
	}
	if c.Chain, err = ReadCertificates(file(CertFile)); err != nil {
		return nil, err
	}
	if c.pair, ok = Pair(c.Key, c.Chain); !ok {
		return nil, fmt.Errorf("%s and %s in %s do not belong together", KeyFile, CertFile, dir)
	}
	author, err := entry.NewPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", KeyFile, err)
	}
	c.Author = author.Author()
	authorities, err := ReadCertificates(file(CAFile))
	if err != nil {
		return nil, err
	}
	c.CA = Pool(authorities)
	if c.Log, err = ReadLog(file(GenesisFile), file(PolicyFile), file(PolicyPQFile)); err != nil {
		return nil, err
	}
	return c, nil
}

// ReadLog reads a genesis and the two policies of its log.
func ReadLog(genesis, policy, policyPQ string) (l Log, err error) {
	raw, err := readBounded(genesis)
	if err != nil {
		return l, err
	}
	if l.Genesis, err = entry.Parse(raw); err != nil {
		return l, fmt.Errorf("%s: %w", genesis, err)
	}
	if l.Policy, err = ReadPolicy(policy); err != nil {
		return l, err
	}
	if l.PolicyPQ, err = ReadPolicy(policyPQ); err != nil {
		return l, err
	}
	if l.Policy.LogID() != l.Genesis.LogID() || l.PolicyPQ.LogID() != l.Genesis.LogID() {
		return l, fmt.Errorf("%s, %s and %s are of different logs", genesis, policy, policyPQ)
	}
	return l, nil
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

// Pair joins a key and its certificates, leaf first, for one side of a connection,
// if the leaf is of the key.
func Pair(key crypto.Signer, chain []*x509.Certificate) (tls.Certificate, bool) {
	pair := tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, link := range chain {
		pair.Certificate = append(pair.Certificate, link.Raw)
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return pair, ok && public.Equal(chain[0].PublicKey)
}

// Pool is a set of authorities.
func Pool(authorities []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, cert := range authorities {
		pool.AddCert(cert)
	}
	return pool
}

// TLS is the client side of a connection made with this credential.
func (c *Credential) TLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{c.pair}, RootCAs: c.CA}
}
