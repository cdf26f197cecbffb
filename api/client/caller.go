package client

import (
	"io"

	"indelible/api/client/credential"
)

// Caller is a credential at work: what speaks to the log with it, and what signs.
type Caller struct {
	*Client
	*Author
	Credential *credential.Credential
}

// Open makes a caller of a credential. TLS, policies and the log's identity are
// those pinned in the credential, whatever cfg says of them; rand is a CSPRNG. It
// connects to nothing yet.
func Open(c *credential.Credential, cfg Config, rand io.Reader) (*Caller, error) {
	cfg.TLS, cfg.Policy, cfg.PolicyPQ = c.TLS(), c.Policy, c.PolicyPQ
	speaks, err := New(cfg)
	if err != nil {
		return nil, err
	}
	signs, err := NewAuthor(c.Key, c.LogID(), cfg.Now, rand)
	if err != nil {
		return nil, err
	}
	return &Caller{Client: speaks, Author: signs, Credential: c}, nil
}
