package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/cli/say"
)

// problem turns a failed call into what a person needs. What the server said
// about it comes first; then what is known about why there was no answer.
func (s *Session) problem(err error) error {
	if p := Refusal(err); p != nil {
		return p
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	if p := s.untrusted(err); p != nil {
		return p
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		p := say.Unreachable(err, "nobody answers at "+s.Server, "start the node, or name another one with --server")
		p.NotDone = "nothing was sent"
		return p
	}
	return say.Unreachable(err, fmt.Sprintf("no answer from %s (%s)", s.Server, reason(err)),
		"check that the node runs and that --server names it; what was sent before may be sent again, it is logged once")
}

// untrusted explains a handshake in which one side did not believe the other.
func (s *Session) untrusted(err error) *say.Problem {
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &name) && name.Certificate != nil:
		return &say.Problem{
			Exit: say.ExitUnreachable, Code: "SERVER_NOT_TRUSTED", Err: err,
			What:    "the server's certificate is not for the name in " + s.Server + "; it is for " + namesOf(name.Certificate),
			NotDone: "nothing was sent",
			Next:    "name the server by one of these with --server; indelibled init puts those of --host into the certificate",
		}
	case errors.As(err, &unknown), errors.As(err, &verification):
		return &say.Problem{
			Exit: say.ExitUnreachable, Code: "SERVER_NOT_TRUSTED", Err: err,
			What:    "the server " + s.Server + " does not show a certificate of the authority in " + s.Credential.Dir,
			NotDone: "nothing was sent",
			Next:    "check that --credentials and --server belong to the same log; if they do, someone else is answering",
		}
	case strings.Contains(err.Error(), "remote error: tls:"):
		return &say.Problem{
			Exit: say.ExitUnreachable, Code: "CERTIFICATE_REFUSED", Err: err,
			What:    "the server " + s.Server + " does not accept the certificate in " + s.Credential.Dir,
			NotDone: "nothing was sent",
			Next:    "use a credential of this log that is still valid",
		}
	}
	return nil
}

// namesOf are the names and addresses a certificate is for.
func namesOf(cert *x509.Certificate) string {
	names := slices.Clone(cert.DNSNames)
	for _, address := range cert.IPAddresses {
		names = append(names, address.String())
	}
	return strings.Join(names, ", ")
}

// reason is the innermost error: the one that says "connection refused".
func reason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// Refusal is the refusal by a server that an error carries, as a problem; nil when
// it carries none.
func Refusal(err error) *say.Problem {
	var c *connect.Error
	if !errors.As(err, &c) {
		return nil
	}
	if r := detail[indeliblev1.Refusal](c); r != nil {
		return refused(r, err)
	}
	return nil
}

// refused is a refusal by the server as a problem.
func refused(r *indeliblev1.Refusal, err error) *say.Problem {
	p := say.Refused(r.GetCode(), r.GetText(), r.GetNotDone(), r.GetNext())
	p.Err = err
	return p
}

// detail finds a message among the details of an error.
func detail[T any](c *connect.Error) *T {
	for _, d := range c.Details() {
		value, err := d.Value()
		if err != nil {
			continue
		}
		if found, ok := any(value).(*T); ok {
			return found
		}
	}
	return nil
}
