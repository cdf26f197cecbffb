package edge

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"indelible/api/wire"
	"indelible/ledger"
	"indelible/ledger/entry"
)

// Bounds of what a connection says of a person. Longer texts are cut: they are
// evidence of who asked, not input to any decision.
const (
	maxUserBytes  = 256
	maxAgentBytes = 512
)

// Caller is who asks: an author of the log, as its registry knows it, and what
// the connection says of the person. The second half is PHI of staff: it goes
// into the sealed audit part of access entries and nowhere else, so a caller
// prints as its author id and role.
type Caller struct {
	*ledger.Author        // as it was when the gate looked
	Jurisdiction   string // the one this call names; empty when it names none
	Forbidden      bool   // the rule does not allow this role; the handler records the denial

	Expires time.Time // of the certificate, which outlives neither connections nor streams

	User    string // name in the certificate
	Address string // IP address
	Agent   string // User-Agent header
}

// Format implements fmt.Formatter.
func (c *Caller) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "caller %s (%s)", c.ID, c.Role) // a fmt.State does not fail
}

// LogValue implements slog.LogValuer.
func (c *Caller) LogValue() slog.Value {
	return slog.GroupValue(slog.String("author", c.ID.String()), slog.String("role", c.Role.String()))
}

type callerKey struct{}

// WithCaller puts an admitted caller under a call.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns the caller the gate admitted. A handler reached without the
// gate is a fault of the program.
func CallerOf(ctx context.Context) *Caller {
	c, ok := ctx.Value(callerKey{}).(*Caller)
	if !ok {
		panic("edge: a handler was reached without passing the gate")
	}
	return c
}

// identify finds the author behind a connection's certificate. A connection can
// outlive its certificate, so the time is looked at again.
func (e *Edge) identify(r *http.Request) (*Caller, error) {
	id, err := keyOf(r)
	if err != nil {
		return nil, err
	}
	cert := certificate(r)
	author, err := e.standing(id, cert.NotAfter, e.cfg.Now())
	if err != nil {
		return nil, err
	}
	return &Caller{
		Author: author, Expires: cert.NotAfter,
		User: cut(nameIn(cert), maxUserBytes), Address: addressOf(r), Agent: cut(r.UserAgent(), maxAgentBytes),
	}, nil
}

// keyOf is the hash of the connection's key, enrolled or not.
func keyOf(r *http.Request) (entry.AuthorID, error) {
	cert := certificate(r)
	if cert == nil {
		return entry.AuthorID{}, wire.Refuse(wire.CodeNoCertificate)
	}
	return sha256.Sum256(cert.RawSubjectPublicKeyInfo), nil
}

// StillMay looks again at what the gate decided when a stream began: whether the
// caller may call, for the jurisdiction it named.
func (e *Edge) StillMay(who *Caller, now time.Time) error {
	author, err := e.standing(who.ID, who.Expires, now)
	if err == nil && !author.May(who.Jurisdiction) {
		return wire.Refuse(wire.CodeCallerJurisdiction)
	}
	return err
}

// standing is what the log says of a caller now, or why it may not call.
func (e *Edge) standing(id entry.AuthorID, expires, now time.Time) (*ledger.Author, error) {
	if now.After(expires) {
		return nil, wire.Refuse(wire.CodeCertificateExpired)
	}
	author, ok, err := e.cfg.Author(id)
	if err != nil {
		return nil, fmt.Errorf("edge: look up the caller: %w", err)
	}
	if !ok {
		return nil, wire.Refuse(wire.CodeCallerUnknown)
	}
	switch author.State {
	case ledger.AuthorActive:
		return author, nil
	case ledger.AuthorSuspended:
		return nil, wire.Refuse(wire.CodeCallerSuspended)
	}
	return nil, wire.Refuse(wire.CodeCallerRevoked)
}

// certificate is the verified client certificate of the connection, or nil.
func certificate(r *http.Request) *x509.Certificate {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0]
}

// nameIn is how the certificate names its holder.
func nameIn(cert *x509.Certificate) string {
	switch {
	case cert.Subject.CommonName != "":
		return cert.Subject.CommonName
	case len(cert.EmailAddresses) > 0:
		return cert.EmailAddresses[0]
	case len(cert.URIs) > 0:
		return cert.URIs[0].String()
	case len(cert.DNSNames) > 0:
		return cert.DNSNames[0]
	}
	return cert.SerialNumber.String()
}

func addressOf(r *http.Request) string { return hostOf(r.RemoteAddr) }

// hostOf is an address without its port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "unknown"
	}
	return host
}

// cut shortens text to at most limit bytes of valid UTF-8.
func cut(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit]
	}
	return strings.ToValidUTF8(text, "")
}
