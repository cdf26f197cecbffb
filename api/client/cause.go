package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
)

// CauseKind is why a call has no answer.
type CauseKind uint8

// The kinds of cause.
const (
	CauseOther           CauseKind = iota // see Cause.Text; whether the request arrived is not known
	CauseNobodyListens                    // nothing was sent
	CauseWrongName                        // the server's certificate is for other names, Cause.Names; nothing was sent
	CauseNotTrusted                       // the server shows no certificate of the pinned authority; nothing was sent
	CauseCallerUntrusted                  // the server does not accept the client certificate
)

// Cause is why a call has no answer, as far as this side knows. Nothing in it is
// the server's but Names, which hold host names and addresses and no other text.
type Cause struct {
	Kind  CauseKind
	Text  string   // in our words, without a full stop
	Names []string // with CauseWrongName, at most 16
}

const (
	maxNames      = 16
	maxNameLength = 253 // of a host name, RFC 1035 section 2.3.4
)

// tlsAlert is the operation of a net.OpError in which the other side of a TLS
// connection turned this one down.
const tlsAlert = "remote error"

// causeOf reads the errors that the transport makes on this side. Their texts are
// not taken over: a library may put into them what the other side has sent.
func causeOf(err error) *Cause {
	var name x509.HostnameError
	var verification *tls.CertificateVerificationError
	var alert *net.OpError
	switch {
	case errors.As(err, &name) && name.Certificate != nil:
		return &Cause{Kind: CauseWrongName, Text: "its certificate is for other names", Names: namesOf(name.Certificate)}
	case errors.As(err, &verification):
		return &Cause{Kind: CauseNotTrusted, Text: "it shows no certificate of the log's authority"}
	case errors.As(err, &alert) && alert.Op == tlsAlert:
		return &Cause{Kind: CauseCallerUntrusted, Text: "it does not accept the client certificate"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Cause{Kind: CauseNobodyListens, Text: "nobody answers there"}
	}
	return &Cause{Text: plainCause(err)}
}

// plainCause names the innermost reason if it is one of the system's.
func plainCause(err error) string {
	var system syscall.Errno
	var lookup *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &system):
		return system.Error()
	case errors.As(err, &lookup):
		return "the name cannot be resolved"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "it took too long"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection ended"
	}
	return "what came is no answer of this protocol"
}

// namesOf are the host names and addresses a certificate is for.
func namesOf(cert *x509.Certificate) []string {
	names := slices.Clone(cert.DNSNames)
	for _, address := range cert.IPAddresses {
		names = append(names, address.String())
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !plainName(name) })
	return names[:min(len(names), maxNames)]
}

// plainName keeps to the characters of names, addresses and versions: a certificate
// or an answer of anyone's making could hold any text.
func plainName(name string) bool {
	return name != "" && len(name) <= maxNameLength && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789.-_:*+/()") == ""
}

// plain leaves a name out that is none.
func plain(name string) string {
	if name == "" || plainName(name) {
		return name
	}
	return "unreadable"
}
