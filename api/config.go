package api

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"indelible/api/edge"
	"indelible/ledger/entry"
	"indelible/proof"
)

// Config says who the node is towards its callers.
type Config struct {
	Name      string   // node name, as in genesis; required
	Version   string   // of the program, for Status
	Placement []string // jurisdictions whose health data this node may receive

	Certificate tls.Certificate // the node's certificate chain and key; required
	ClientCAs   *x509.CertPool  // who certifies callers; required
	AuthorKey   crypto.Signer   // the node's author key, which signs access entries; required

	Policy      *proof.Policy // counts the nodes' Ed25519 cosignatures; required
	PolicyMLDSA *proof.Policy // counts their ML-DSA-44 cosignatures; nil when the log has none

	// Peers are the addresses of nodes by name, https://host:port, for callers who
	// came to a node that is not placed in their jurisdiction. May be empty.
	Peers map[string]string

	Limits edge.Limits
	Now    func() time.Time // required
	Rand   io.Reader        // nonces, request ids, incident numbers; required
	Logger *slog.Logger     // required
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	missing := func(absent bool, name string) {
		if absent {
			faults = append(faults, fmt.Errorf("api: %s is missing", name))
		}
	}
	missing(c.Name == "", "Name")
	missing(len(c.Certificate.Certificate) == 0, "Certificate")
	missing(c.ClientCAs == nil, "ClientCAs")
	missing(c.AuthorKey == nil, "AuthorKey")
	missing(c.Policy == nil, "Policy")
	missing(c.Now == nil, "Now")
	missing(c.Rand == nil, "Rand")
	missing(c.Logger == nil, "Logger")
	for i, j := range c.Placement {
		if !entry.ValidJurisdiction(j) {
			faults = append(faults, fmt.Errorf("api: Placement[%d] is not the name of a jurisdiction", i))
		}
		if slices.Contains(c.Placement[:i], j) {
			faults = append(faults, fmt.Errorf("api: Placement names %s twice", j))
		}
	}
	return errors.Join(append(faults, c.Limits.Validate())...)
}
