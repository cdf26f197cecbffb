package founding

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"indelible/ledger/entry"
	"indelible/proof"
)

// Spec is what is decided about a log before it exists.
type Spec struct {
	// Dir is the directory everything goes into. It may exist when it is empty.
	Dir string
	// Origin is the log's name in every checkpoint, a URL without scheme by
	// custom. Empty: a random one under indelible.invalid (RFC 6761 §6.4), good
	// for a log that never leaves its machine.
	Origin string
	// Node is the first node's name. Empty: "n1".
	Node string
	// Hosts are the names and addresses clients reach the node under; localhost
	// and the loopback addresses are always among them.
	Hosts []string
	// Listen is the node's client address, host:port.
	Listen string
	// URL is what is written into the credentials as the server's address.
	// Empty: https:// and Listen.
	URL string
	// Jurisdictions, with regime, grace and floors. The node is placed in all.
	Jurisdictions []entry.JurisdictionRule
	// Now dates the certificates and genesis. Required.
	Now func() time.Time
	// Rand is where every key comes from. Required.
	Rand io.Reader
}

const (
	defaultNode   = "n1"
	originBytes   = 4
	invalidDomain = ".indelible.invalid"
)

var loopback = []string{"localhost", "127.0.0.1", "::1"}

// Validate reports every fault at once.
func (s *Spec) Validate() error {
	var faults []error
	if s.Dir == "" {
		faults = append(faults, errors.New("the directory is not named"))
	}
	if s.Now == nil || s.Rand == nil {
		faults = append(faults, errors.New("clock or randomness is missing"))
	}
	if _, _, err := net.SplitHostPort(s.Listen); err != nil {
		faults = append(faults, errors.New("the listen address is not host:port"))
	}
	if len(s.Jurisdictions) == 0 {
		faults = append(faults, errors.New("at least one jurisdiction is needed"))
	}
	for _, name := range []string{s.Origin, s.Node} {
		if err := proof.ValidName(name); name != "" && err != nil {
			faults = append(faults, fmt.Errorf("%q cannot be the name of a key: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

// complete fills what was left to chance or custom.
func (s *Spec) complete() error {
	if s.Node == "" {
		s.Node = defaultNode
	}
	if s.URL == "" {
		s.URL = "https://" + s.Listen
	}
	if s.Origin != "" {
		return nil
	}
	raw := make([]byte, originBytes)
	if _, err := io.ReadFull(s.Rand, raw); err != nil {
		return fmt.Errorf("draw the log's name: %w", err)
	}
	s.Origin = hex.EncodeToString(raw) + invalidDomain
	return nil
}
