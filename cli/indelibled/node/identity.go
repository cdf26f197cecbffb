package node

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"indelible/api/client/credential"
	"indelible/cli/indelibled/config"
	"indelible/cli/indelibled/founding"
	"indelible/ledger/entry"
)

// readIdentity reads keys, genesis, policies and certificates and checks that
// they are of one log and one node.
func (n *Node) readIdentity() error {
	id := &n.identity
	var err error
	if id.keys, err = founding.ReadNodeKeys(n.cfg.Keys); err != nil {
		return fmt.Errorf("node: read the keys: %w", err)
	}
	if id.author, err = entry.NewPublicKey(id.keys.Author.Public()); err != nil {
		return fmt.Errorf("node: the author key: %w", err)
	}
	if err := n.readLog(); err != nil {
		return err
	}
	chain, err := credential.ReadCertificates(n.cfg.Certificate)
	if err != nil {
		return fmt.Errorf("node: read the certificate: %w", err)
	}
	id.tls = tls.Certificate{PrivateKey: id.keys.TLS, Leaf: chain[0]}
	for _, cert := range chain {
		id.tls.Certificate = append(id.tls.Certificate, cert.Raw)
	}
	if !equalKey(id.keys.TLS.Public(), chain[0].PublicKey) {
		return errors.New("node: the certificate is not for the key in " + n.cfg.Keys)
	}
	if !bytes.Equal(chain[0].RawSubjectPublicKeyInfo, id.record.TLSKey) {
		return errors.New("node: the log names another TLS key for this node than the one in " + n.cfg.Keys)
	}
	if err := valid(n.cfg.Certificate, chain[0], time.Now()); err != nil {
		return err
	}
	authorities, err := credential.ReadCertificates(n.cfg.CA)
	if err != nil {
		return fmt.Errorf("node: read the authority of callers: %w", err)
	}
	id.callers = x509.NewCertPool()
	var expired []error
	for _, cert := range authorities {
		id.callers.AddCert(cert)
		if old := valid(n.cfg.CA, cert, time.Now()); old != nil {
			expired = append(expired, old)
		}
	}
	if len(expired) == len(authorities) {
		return errors.Join(expired...)
	}
	return nil
}

// valid refuses a certificate with which no client could connect: a node that
// serves with it looks sound from within and is dead from without.
func valid(file string, cert *x509.Certificate, now time.Time) error {
	if now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return fmt.Errorf("node: the certificate in %s is good from %s to %s, and the clock says %s", file,
			cert.NotBefore.UTC().Format(time.DateTime), cert.NotAfter.UTC().Format(time.DateTime), now.UTC().Format(time.DateTime))
	}
	return nil
}

// readLog reads which log this is and which of its nodes.
func (n *Node) readLog() error {
	id := &n.identity
	raw, err := os.ReadFile(n.cfg.Genesis)
	if err != nil {
		return fmt.Errorf("node: read genesis: %w", err)
	}
	if id.genesis, err = entry.Parse(raw); err != nil {
		return fmt.Errorf("node: %s is not a genesis: %w", n.cfg.Genesis, err)
	}
	body, ok := id.genesis.Body.(*entry.Genesis)
	if !ok {
		return fmt.Errorf("node: %s is not a genesis", n.cfg.Genesis)
	}
	if id.policy, err = credential.ReadPolicy(n.cfg.Policy); err != nil {
		return fmt.Errorf("node: read the policy: %w", err)
	}
	if id.policyPQ, err = credential.ReadPolicy(n.cfg.PolicyPQ); err != nil {
		return fmt.Errorf("node: read the policy: %w", err)
	}
	if id.policy.LogID() != id.genesis.LogID() || id.policyPQ.LogID() != id.genesis.LogID() {
		return errors.New("node: policy and genesis are of different logs")
	}
	for _, record := range body.Nodes {
		if record.Name == n.cfg.Name {
			id.record = record
		}
	}
	if !bytes.Equal(id.record.AuthorKey, id.author.SPKI()) {
		return fmt.Errorf("node: genesis has no node called %q with the author key in %s", n.cfg.Name, n.cfg.Keys)
	}
	return nil
}

// equalKey compares public keys; every type of the standard library can.
func equalKey(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}

func newLogger(cfg config.Config, out io.Writer) *slog.Logger {
	level, err := cfg.Level()
	if err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}
