package api

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

// caller is who asks: an author of the log, as its registry knows it, and what
// the connection says of the person. The second half is PHI of staff: it goes
// into the sealed audit part of access entries and nowhere else, so a caller
// prints as its author id and role.
type caller struct {
	*ledger.Author        // as it was when the gate looked
	jurisdiction   string // the one this call names; empty when it names none
	forbidden      bool   // the rule does not allow this role; the handler records the denial

	expires time.Time // of the certificate, which outlives neither connections nor streams

	user    string // name in the certificate
	address string // IP address
	agent   string
}

// Format implements fmt.Formatter.
func (c *caller) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "caller %s (%s)", c.ID, c.Role) // a fmt.State does not fail
}

// LogValue implements slog.LogValuer.
func (c *caller) LogValue() slog.Value {
	return slog.GroupValue(slog.String("author", c.ID.String()), slog.String("role", c.Role.String()))
}

type callerKey struct{}

func withCaller(ctx context.Context, c *caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerOf returns the caller the gate admitted. A handler reached without the
// gate is a fault of the program.
func callerOf(ctx context.Context) *caller {
	c, ok := ctx.Value(callerKey{}).(*caller)
	if !ok {
		panic("api: a handler was reached without passing the gate")
	}
	return c
}

// identify finds the author behind a connection's certificate. A connection can
// outlive its certificate, so the time is looked at again.
func identify(log *ledger.Ledger, r *http.Request, now time.Time) (*caller, error) {
	id, err := keyOf(r)
	if err != nil {
		return nil, err
	}
	cert := certificate(r)
	author, err := standing(log, id, cert.NotAfter, now)
	if err != nil {
		return nil, err
	}
	return &caller{
		Author: author, expires: cert.NotAfter,
		user: cut(nameIn(cert), maxUserBytes), address: addressOf(r), agent: cut(r.UserAgent(), maxAgentBytes),
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

// standing is what the log says of a caller now, or why it may not call.
func standing(log *ledger.Ledger, id entry.AuthorID, expires, now time.Time) (*ledger.Author, error) {
	if now.After(expires) {
		return nil, wire.Refuse(wire.CodeCertificateExpired)
	}
	author, ok, err := log.Author(id)
	if err != nil {
		return nil, fmt.Errorf("api: look up the caller: %w", err)
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
