package node

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	if id.Log, err = credential.ReadLog(n.cfg.Genesis, n.cfg.Policy, n.cfg.PolicyPQ); err != nil {
		return fmt.Errorf("node: read which log this is: %w", err)
	}
	if err := n.findRecord(); err != nil {
		return err
	}
	chain, err := credential.ReadCertificates(n.cfg.Certificate)
	if err != nil {
		return fmt.Errorf("node: read the certificate: %w", err)
	}
	var fits bool
	if id.tls, fits = credential.Pair(id.keys.TLS, chain); !fits {
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
	id.callers = credential.Pool(authorities)
	var expired []error
	for _, cert := range authorities {
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

// findRecord finds which of the log's nodes this is.
func (n *Node) findRecord() error {
	id := &n.identity
	body, ok := id.Genesis.Body.(*entry.Genesis)
	if !ok {
		return fmt.Errorf("node: %s is not a genesis", n.cfg.Genesis)
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

func newLogger(cfg config.Config, out io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level()}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}
