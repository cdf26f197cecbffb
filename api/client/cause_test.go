package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"

	"connectrpc.com/connect"
)

// A certificate for other names is told from one of another authority, and its
// names are shown as far as they are names.
func TestAWrongNameIsNotAnImpostor(t *testing.T) {
	cert := &x509.Certificate{
		DNSNames: []string{"localhost", canary, strings.Repeat("a", 300)}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	wrong := &tls.CertificateVerificationError{
		UnverifiedCertificates: []*x509.Certificate{cert}, Err: x509.HostnameError{Certificate: cert, Host: "0.0.0.0"},
	}
	cause := causeOf(connect.NewError(connect.CodeUnavailable, fmt.Errorf("call: %w", wrong)))
	if cause.Kind != CauseWrongName || !slices.Equal(cause.Names, []string{"localhost", "127.0.0.1"}) {
		t.Errorf("%+v", cause)
	}
	wrong.Err = x509.UnknownAuthorityError{Cert: cert}
	if cause := causeOf(wrong); cause.Kind != CauseNotTrusted || cause.Names != nil {
		t.Errorf("another authority: %+v", cause)
	}
}

func TestCausesAreInOurWords(t *testing.T) {
	for _, c := range []struct {
		err  error
		want CauseKind
	}{
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, CauseNobodyListens},
		{&net.OpError{Op: "remote error", Err: errors.New(canary)}, CauseCallerUntrusted},
		{&net.DNSError{Err: canary, Name: canary}, CauseOther},
		{errors.New("invalid content-type: " + canary), CauseOther},
		{fmt.Errorf("HTTP status 500 %s", canary), CauseOther},
	} {
		cause := causeOf(connect.NewError(connect.CodeUnknown, c.err))
		if cause.Kind != c.want || cause.Text == "" || strings.Contains(cause.Text, "CANARY") {
			t.Errorf("%v: %+v", c.err, cause)
		}
	}
}
