package session

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// Whoever names a node by a name its certificate is not for must not be told that
// someone else is answering.
func TestAWrongNameIsNotAnImpostor(t *testing.T) {
	s := &Session{Server: "https://0.0.0.0:1", Credential: &credential.Credential{Dir: "d"}}
	cert := &x509.Certificate{DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	wrong := &tls.CertificateVerificationError{
		UnverifiedCertificates: []*x509.Certificate{cert}, Err: x509.HostnameError{Certificate: cert, Host: "0.0.0.0"},
	}
	p := say.AsProblem(s.problem(fmt.Errorf("call: %w", wrong)))
	if p.Exit != say.ExitUnreachable || !strings.Contains(p.What, "https://0.0.0.0:1; it is for localhost, 127.0.0.1") || strings.Contains(p.Next, "someone else") {
		t.Errorf("%+v", p)
	}
	wrong.Err = x509.UnknownAuthorityError{Cert: cert}
	if p := say.AsProblem(s.problem(wrong)); !strings.Contains(p.Next, "someone else") {
		t.Errorf("another authority: %+v", p)
	}
}

// What stops an ingest is said in words a person can act on.
func TestWhyAnIngestStopped(t *testing.T) {
	for code, says := range map[entry.Code]string{
		"CALLER_FORBIDDEN": "role", "NOT_PLACED_HERE": "jurisdiction", "CALLER_UNKNOWN": "not enrolled",
		entry.CodeAlreadyRegistered: "--work",
	} {
		refused := fmt.Errorf("ingest: %w: %w", client.ErrCallRefused, entry.Refuse(code, "a reason"))
		p := say.AsProblem(IngestProblem(refused, time.Minute))
		if p.Exit != say.ExitRefused || p.Code != string(code) || !strings.Contains(p.What+p.Next, says) || p.NotDone == "" {
			t.Errorf("%s: %+v", code, p)
		}
		stuck := fmt.Errorf("%w: %w", ingest.ErrNoProgress, refused)
		if p := say.AsProblem(IngestProblem(stuck, time.Minute)); p.Exit != say.ExitUnreachable || !strings.Contains(p.What, "last word") {
			t.Errorf("%s, stuck: %+v", code, p)
		}
	}
	if p := say.AsProblem(IngestProblem(ingest.ErrNoProgress, time.Minute)); p.Exit != say.ExitUnreachable || strings.Contains(p.What, "last word") {
		t.Errorf("no answer at all: %+v", p)
	}
}
