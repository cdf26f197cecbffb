package api

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"indelible/api/wire"
	"indelible/ledger/entry"
)

// halting is a body that stops until more is closed, then ends.
type halting struct {
	io.Reader
	more chan struct{}
}

func (h *halting) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		<-h.more
	}
	return n, err
}

// eventually waits for what another goroutine is about to do.
func (s *site) eventually(what string, holds func() bool) {
	s.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			s.t.Fatal("not seen in 20 s: " + what)
		}
	}
}

func gauge(t *testing.T, s *site) float64 {
	t.Helper()
	return s.counted("request_bytes_in_flight")
}

// h1 is a bare HTTP/1.1 connection.
func (s *site) h1(who string) (*tls.Conn, *bufio.Reader) {
	s.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.ca.cert)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), &tls.Config{
		RootCAs: roots, Certificates: []tls.Certificate{s.people[who].cert}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS13,
	})
	must(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() }) // some are closed by then
	return conn, bufio.NewReader(conn)
}

// TestWhoeverMayConnectCannotFillTheNode: health and reflection answer callers
// nobody enrolled, so they take neither much nor what swells.
func TestWhoeverMayConnectCannotFillTheNode(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{})
	stranger := s.newLocal("stranger")
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, err := w.Write(make([]byte, 8<<20))
	must(t, errors.Join(err, w.Close()))
	large := func() io.Reader { return bytes.NewReader(make([]byte, 1<<20)) }
	const check, reflect = "/grpc.health.v1.Health/Check", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
	for _, c := range []struct {
		name, path, contentType string
		body                    io.Reader
		headers                 []string
		code                    entry.Code
	}{
		{"compressed", check, "application/proto", &bomb, []string{"Content-Encoding", "gzip"}, wire.CodeRequestCompressed},
		{"large", check, "application/proto", large(), nil, wire.CodeRequestTooLarge},
		{"large as JSON", check, "application/json", large(), nil, wire.CodeRequestTooLarge},
		{"not a message", check, "application/json", strings.NewReader("canary"), nil, wire.CodeRequestMalformed},
		{"large query", reflect, "application/connect+proto", io.MultiReader(strings.NewReader("\x00\x00\x10\x00\x00"), large()), nil, wire.CodeRequestTooLarge},
	} {
		got := s.words(stranger.http, c.path, c.contentType, c.body, c.headers...)
		if !strings.Contains(got, string(c.code)) || strings.Contains(got, "canary") {
			t.Errorf("%s: answered %s, expected %s", c.name, got, c.code)
		}
	}
}

// words is everything a call is answered with, headers and trailers included.
func (s *site) words(client *http.Client, path, contentType string, body io.Reader, headers ...string) string {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+path, body)
	must(s.t, err)
	if contentType == "" {
		request.Method, request.Body = http.MethodGet, nil
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set(wire.JurisdictionHeader, home)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	must(s.t, err)
	raw, err := io.ReadAll(response.Body)
	must(s.t, errors.Join(err, response.Body.Close()))
	return fmt.Sprintf("%d %s %s %s %s", response.StatusCode, response.Header.Get("Grpc-Message"), raw, response.Trailer.Get("Grpc-Message"), response.Header.Get("Connect-Error"))
}

// TestNothingIsRefusedInTheLibrarysWords: they quote headers and bodies, name
// addresses, and make incidents of what a client does wrong.
func TestNothingIsRefusedInTheLibrarysWords(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	const (
		append1, stream, get = "/indelible.v1.LedgerService/Append", "/indelible.v1.LedgerService/AppendStream", "/indelible.v1.LedgerService/GetLog"
		grpc, web, streamed  = "application/grpc", "application/grpc-web+proto", "application/connect+proto"
	)
	for _, c := range []struct {
		name, path, contentType, body string
		code                          entry.Code
		headers                       []string
	}{
		{"compression", append1, "application/json", "{}", wire.CodeRequestCompressed, []string{"Content-Encoding", "canary"}},
		{"compression, gRPC", append1, grpc, "\x00\x00\x00\x00\x00", wire.CodeRequestCompressed, []string{"Grpc-Encoding", "canary"}},
		{"compression, stream", stream, streamed, "\x01\x00\x00\x00\x00", wire.CodeRequestCompressed, []string{"Connect-Content-Encoding", "canary"}},
		{"compressed after all", append1, grpc, "\x01\x00\x00\x00\x02xx", wire.CodeRequestMalformed, nil},
		{"timeout", append1, "application/json", "{}", wire.CodeRequestMalformed, []string{"Connect-Timeout-Ms", "canary"}},
		{"timeout too long", append1, "application/json", "{}", wire.CodeRequestMalformed, []string{"Connect-Timeout-Ms", "99999999999"}},
		{"timeout below zero", append1, "application/json", "{}", wire.CodeRequestMalformed, []string{"Connect-Timeout-Ms", "-1"}},
		{"longest timeout", append1, "application/json", "{}", wire.CodeRequestInvalid, []string{"Connect-Timeout-Ms", "9999999999"}},
		{"timeout, gRPC", append1, grpc, "\x00\x00\x00\x00\x00", wire.CodeRequestMalformed, []string{"Grpc-Timeout", "canary"}},
		{"timeout without a number", append1, grpc, "\x00\x00\x00\x00\x00", wire.CodeRequestMalformed, []string{"Grpc-Timeout", "S"}},
		{"longest timeout, gRPC", append1, grpc, "\x00\x00\x00\x00\x00", wire.CodeRequestInvalid, []string{"Grpc-Timeout", "99999999H"}},
		{"version", append1, "application/json", "{}", wire.CodeRequestMalformed, []string{"Connect-Protocol-Version", "canary"}},
		{"short message", append1, grpc, "\x00\x00\x00\x00\x09canary", wire.CodeRequestIncomplete, nil},
		{"short prefix", append1, grpc, "\x00\x00", wire.CodeRequestIncomplete, nil},
		{"no message", append1, grpc, "", wire.CodeRequestMalformed, nil},
		{"two messages", append1, grpc, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", wire.CodeRequestMalformed, nil},
		{"flags", append1, grpc, "\x42\x00\x00\x00\x06canary", wire.CodeRequestMalformed, nil},
		{"trailers", append1, web, "\x80\x00\x00\x00\x06canary", wire.CodeRequestMalformed, nil},
		{"end of stream", stream, streamed, "\x02\x00\x00\x00\x06canary", wire.CodeRequestMalformed, nil},
		{"short message, stream", stream, streamed, "\x00\x00\x00\x00\x09canary", wire.CodeRequestIncomplete, nil},
		{"query without a message", get + "?connect=v1&encoding=json", "", "", wire.CodeRequestMalformed, nil},
		{"query of a version", get + "?connect=canary&message=%7B%7D&encoding=json", "", "", wire.CodeRequestMalformed, nil},
		{"query, compressed", get + "?message=%7B%7D&encoding=json&compression=canary", "", "", wire.CodeRequestCompressed, nil},
		{"query that is not base64", get + "?message=!canary!&encoding=json&base64=1", "", "", wire.CodeRequestMalformed, nil},
	} {
		before := s.counted("refusals_total", string(c.code))
		got := s.words(s.people["service"].http, c.path, c.contentType, strings.NewReader(c.body), c.headers...)
		if !strings.Contains(got, string(c.code)+": ") || strings.Contains(got, "canary") {
			t.Errorf("%s: answered %s, expected %s", c.name, got, c.code)
		}
		if now := s.counted("refusals_total", string(c.code)); now != before+1 {
			t.Errorf("%s: counted %v times", c.name, now-before)
		}
	}
	if n := s.counted("incidents_total"); n != 0 || strings.Contains(s.logs.String(), "canary") {
		t.Errorf("%v incidents", n)
	}
}

// TestABrokenBodyIsAnsweredByTheTable: what the network says of it names the
// addresses of both ends.
func TestABrokenBodyIsAnsweredByTheTable(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	conn, answers := s.h1("service")
	_, err := fmt.Fprint(conn, "POST /indelible.v1.LedgerService/Append HTTP/1.1\r\nHost: x\r\nIndelible-Jurisdiction: eu\r\n"+
		"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	must(t, errors.Join(err, conn.CloseWrite()))
	response, err := http.ReadResponse(answers, nil)
	must(t, err)
	raw, err := io.ReadAll(response.Body)
	must(t, errors.Join(err, response.Body.Close()))
	if !bytes.Contains(raw, []byte(wire.CodeRequestIncomplete)) || bytes.Contains(raw, []byte("127.0.0.1")) {
		t.Fatalf("answered %s", raw)
	}
	if n := s.counted("calls_total", "/indelible.v1.LedgerService/Append", "aborted"); n != 1 {
		t.Fatalf("counted %v times", n)
	}
}

// TestARefusalDoesNotWaitForTheBody: HTTP/1.1 reads what is left of a body
// before it answers, and a refused caller need not ever send it.
func TestARefusalDoesNotWaitForTheBody(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	conn, answers := s.h1("auditor")
	_, err := fmt.Fprint(conn, "POST /indelible.v1.LedgerService/Append HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
	must(t, errors.Join(err, conn.SetReadDeadline(time.Now().Add(10*time.Second))))
	response, err := http.ReadResponse(answers, nil)
	must(t, err)
	if response.StatusCode != http.StatusForbidden || !response.Close {
		t.Fatalf("answered %s", response.Status)
	}
}
