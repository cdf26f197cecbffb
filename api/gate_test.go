package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// wireError is a Connect error as it stands on the wire.
type wireError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details []struct {
		Type  string          `json:"type"`
		Debug json.RawMessage `json:"debug"`
	} `json:"details"`
	refusal entry.Code
}

// post sends a unary call by hand.
func post(t *testing.T, client *http.Client, url, contentType string, body io.Reader, headers ...string) wireError {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	must(t, err)
	request.Header.Set("Content-Type", contentType)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	must(t, err)
	defer func() { must(t, response.Body.Close()) }()
	raw, err := io.ReadAll(response.Body)
	must(t, err)
	var out wireError
	if response.StatusCode != http.StatusOK {
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatalf("%d: %q", response.StatusCode, raw)
		}
	}
	for _, d := range out.Details {
		if d.Type == "indelible.v1.Refusal" {
			var r struct{ Code entry.Code }
			must(t, json.Unmarshal(d.Debug, &r))
			out.refusal = r.Code
		}
	}
	return out
}

// TestConnectionsWithoutAClientCertificateOrWithOldTLSFail: there is no other
// mode on this port.
func TestConnectionsWithoutAClientCertificateOrWithOldTLSFail(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{})
	if _, err := s.client(nil).Get(s.url + "/checkpoint"); err == nil {
		t.Fatal("answered a client without a certificate")
	}
	stranger := newAuthority(t, "stranger")
	p := s.newPerson("x")
	foreign := tls.Certificate{Certificate: [][]byte{stranger.issue(t, "x", p.key).Raw}, PrivateKey: p.key}
	if _, err := s.client(&foreign).Get(s.url + "/checkpoint"); err == nil {
		t.Fatal("answered a client of another authority")
	}
	old := s.client(&p.cert)
	transport, ok := old.Transport.(*http.Transport)
	if !ok {
		t.Fatal("not a transport")
	}
	transport.TLSClientConfig.MinVersion, transport.TLSClientConfig.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if _, err := old.Get(s.url + "/checkpoint"); err == nil {
		t.Fatal("answered over TLS 1.2")
	}
	if strings.Contains(s.logs.String(), "127.0.0.1") {
		t.Fatal("an address of a client is in the log")
	}
}

// TestRoles calls every RPC as every role: the rule of the option decides, and
// nothing else comes first. Recorded RPCs turn the others away by an entry.
func TestRoles(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	s.people["device"] = s.patient(home).person
	s.people["unknown"] = s.newPerson("unknown")
	roles := map[string]entry.Role{
		"registrar": entry.RoleRegistrar, "operator": entry.RoleOperator, "officer": entry.RoleOfficer,
		"consent-service": entry.RoleConsentService, "service": entry.RoleService, "device": entry.RoleDevice,
		"auditor": entry.RoleAuditor, "clinician": entry.RoleClinician, "unknown": 0,
	}
	for procedure, rule := range accessRules(t) {
		if procedure == appendStreamProcedure {
			continue // the same gate; a stream's first answer needs a client of its own
		}
		for name, role := range roles {
			got := post(t, s.people[name].http, s.url+procedure, "application/json", strings.NewReader(`{}`), wire.JurisdictionHeader, home).refusal
			switch {
			case role == 0:
				if got != wire.CodeCallerUnknown {
					t.Errorf("%s as somebody unknown: %q", procedure, got)
				}
			case rule.GetAnyone() || slices.Contains(rule.GetRoles(), indeliblev1.Role(role)) || rule.GetAudit() == indeliblev1.Audit_AUDIT_ACCESS:
				if got == wire.CodeCallerForbidden || got == wire.CodeCallerUnknown {
					t.Errorf("%s as %s: %q", procedure, name, got)
				}
			case got != wire.CodeCallerForbidden:
				t.Errorf("%s as %s: %q", procedure, name, got)
			}
		}
	}
	if n := s.counted("panics_total") + s.counted("incidents_total"); n != 0 {
		t.Errorf("%v panics and incidents", n)
	}
}

// serviceNames are the names of what is served.
var serviceNames = []string{
	indeliblev1connect.LedgerServiceName, indeliblev1connect.DevicesServiceName, indeliblev1connect.SubjectsServiceName,
	indeliblev1connect.RecordsServiceName, indeliblev1connect.ErasureServiceName, indeliblev1connect.ClusterServiceName,
}

// unreadable is a body that must not be read.
type unreadable struct{ read chan struct{} }

func (u *unreadable) Read([]byte) (int, error) {
	close(u.read)
	return 0, io.ErrUnexpectedEOF
}

// TestJurisdictionIsCheckedBeforeTheBody: a node that may not hold the data of
// a jurisdiction does not receive them either.
func TestJurisdictionIsCheckedBeforeTheBody(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	local := s.people["registrar"].sign(entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
		Action: entry.AuthorEnrol, Key: s.newLocal("local").spki, Role: entry.RoleService, Jurisdictions: []string{home},
	}})
	s.appendOpen(s.people["registrar"], local)
	url := s.url + "/indelible.v1.LedgerService/Append"
	cases := []struct {
		name, who string
		headers   []string
		code      entry.Code
	}{
		{"none", "service", nil, wire.CodeJurisdictionMissing},
		{"not a name", "service", []string{wire.JurisdictionHeader, "EU/../"}, wire.CodeJurisdictionMalformed},
		{"two", "service", []string{wire.JurisdictionHeader, home, wire.JurisdictionHeader, second}, wire.CodeJurisdictionMalformed},
		{"not placed here", "service", []string{wire.JurisdictionHeader, abroad}, wire.CodeNotPlacedHere},
		{"nowhere", "service", []string{wire.JurisdictionHeader, "xx"}, wire.CodeNotPlacedHere},
		{"not the caller's", "local", []string{wire.JurisdictionHeader, second}, wire.CodeCallerJurisdiction},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
			must(t, err)
			request.Header.Set("Content-Type", "application/proto")
			for i := 0; i < len(c.headers); i += 2 {
				request.Header.Add(c.headers[i], c.headers[i+1])
			}
			request.TLS = &tls.ConnectionState{}
			leaf := s.people[c.who].cert.Leaf
			request.TLS.PeerCertificates, request.TLS.VerifiedChains = append(request.TLS.PeerCertificates, leaf), append(request.TLS.VerifiedChains, nil)
			body := &unreadable{read: make(chan struct{})}
			request.Body = io.NopCloser(body)
			answer := &recorder{header: http.Header{}}
			s.server.handler.ServeHTTP(answer, request)
			select {
			case <-body.read:
				t.Fatal("the body was read")
			default:
			}
			if !bytes.Contains(answer.body.Bytes(), []byte(c.code)) {
				t.Fatalf("answered %s, expected %s", answer.body.String(), c.code)
			}
			if c.code == wire.CodeNotPlacedHere && !bytes.Contains(answer.body.Bytes(), []byte("indelible.v1.Placement")) {
				t.Fatal("the answer names no node to go to")
			}
		})
	}
}

// newLocal is a person remembered under its name.
func (s *site) newLocal(name string) *person {
	s.people[name] = s.newPerson(name)
	return s.people[name]
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// TestRequestsOutsideTheSchemaAreRefused: too large, malformed, unknown fields,
// broken rules, unknown RPCs; each by its code, none with a word of the input.
func TestRequestsOutsideTheSchemaAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{limits: edge.Limits{RequestBytes: 64 << 10}}).staffing()
	valid, err := proto.Marshal(&indeliblev1.AppendRequest{Submissions: []*indeliblev1.Submission{{Statement: []byte{1}}}})
	must(t, err)
	unknown := append(bytes.Clone(valid), protowire.AppendBytes(protowire.AppendTag(nil, 77, protowire.BytesType), []byte("canary"))...)
	large := bytes.Repeat([]byte{0}, 65<<10)
	const rpc = "/indelible.v1.LedgerService/Append"
	cases := []struct {
		name, path, contentType string
		body                    []byte
		code                    entry.Code
	}{
		{"too large", rpc, "application/proto", large, wire.CodeRequestTooLarge},
		{"too large as JSON", rpc, "application/json", large, wire.CodeRequestTooLarge},
		{"not protobuf", rpc, "application/proto", []byte("canary"), wire.CodeRequestMalformed},
		{"not JSON", rpc, "application/json", []byte("canary"), wire.CodeRequestMalformed},
		{"unknown field", rpc, "application/proto", unknown, wire.CodeUnknownField},
		{"unknown field in JSON", rpc, "application/json", []byte(`{"canary":"canary"}`), wire.CodeUnknownField},
		{"a rule of the schema", rpc, "application/json", []byte(`{"submissions":[],"wait":0}`), wire.CodeRequestInvalid},
		{"another rule", rpc, "application/json", []byte(`{"submissions":[{"openings":[{"class":9,"opening":"Y2FuYXJ5"}]}]}`), wire.CodeRequestInvalid},
		{"unknown RPC", "/indelible.v1.LedgerService/Canary", "application/proto", valid, wire.CodeUnknownRPC},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := s.counted("refusals_total", string(c.code))
			got := post(t, s.people["service"].http, s.url+c.path, c.contentType, bytes.NewReader(c.body), wire.JurisdictionHeader, home)
			if got.refusal != c.code {
				t.Fatalf("got %+v, expected %s", got, c.code)
			}
			if strings.Contains(strings.ToLower(got.Message), "canary") {
				t.Fatalf("the input came back: %s", got.Message)
			}
			if s.counted("refusals_total", string(c.code)) != before+1 {
				t.Fatal("not counted")
			}
		})
	}
}

// TestThreeProtocols does the same over Connect, gRPC and gRPC-Web, binary and
// JSON, refusals with details included.
func TestThreeProtocols(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	for name, options := range map[string][]connect.ClientOption{
		"Connect": nil, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
		"Connect with JSON": {connect.WithProtoJSON()}, "gRPC with JSON": {connect.WithGRPC(), connect.WithProtoJSON()},
		"Connect with GET": {connect.WithHTTPGet()},
	} {
		t.Run(name, func(t *testing.T) {
			service := s.people["service"].calls(home, options...)
			statement, in := d.reading()
			out, err := service.ledger.Append(t.Context(), connect.NewRequest(&indeliblev1.AppendRequest{Submissions: []*indeliblev1.Submission{in}}))
			must(t, err)
			s.accepted(out.Msg.GetOutcomes()[0], statement)
			id := statement.ID()
			receipt, err := service.ledger.GetReceipt(t.Context(), connect.NewRequest(&indeliblev1.GetReceiptRequest{
				Entry: &indeliblev1.GetReceiptRequest_StatementId{StatementId: id[:]},
			}))
			must(t, err)
			s.proves(receipt.Msg.GetReceipt(), statement, out.Msg.GetOutcomes()[0].GetIndex())

			_, err = service.records.Read(t.Context(), connect.NewRequest(&indeliblev1.ReadRequest{
				Handle: d.handle[:], Parts: []indeliblev1.Class{indeliblev1.Class_CLASS_CLINICAL}, Purpose: indeliblev1.Purpose_PURPOSE_TREAT,
			}))
			if connect.CodeOf(err) != connect.CodePermissionDenied || refusalIn(err).GetCode() != string(wire.CodeAccessDenied) {
				t.Fatalf("a denied read: %v", err)
			}
			stream := service.ledger.AppendStream(t.Context())
			next, in := d.reading()
			must(t, stream.Send(&indeliblev1.AppendStreamRequest{Submissions: []*indeliblev1.Submission{in}}))
			must(t, stream.CloseRequest())
			answer, err := stream.Receive()
			must(t, err)
			s.accepted(answer.GetOutcomes()[0], next)
			must(t, stream.CloseResponse())
		})
	}
}

// TestHealthAndReflection: both answer whoever has a certificate, and reflection
// shows every RPC's access rule.
func TestHealthAndReflection(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{})
	p := s.newPerson("monitor")
	if got := post(t, p.http, s.url+"/grpc.health.v1.Health/Check", "application/json", strings.NewReader(`{}`)); got.Code != "" {
		t.Fatalf("health: %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream := grpcreflect.NewClient(p.http, s.url).NewStream(ctx)
	names, err := stream.ListServices()
	must(t, err)
	for _, name := range serviceNames {
		if !slices.ContainsFunc(names, func(n protoreflect.FullName) bool { return string(n) == name }) {
			t.Errorf("%s is not listed", name)
		}
	}
	if _, err := stream.Close(); err != nil && !errors.Is(err, io.EOF) {
		must(t, err)
	}
}

// TestFloodsAreTurnedAway: more calls than fit get a delay at once, while reads
// have room of their own.
func TestFloodsAreTurnedAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{limits: edge.Limits{Calls: 1, ReservedCalls: 2}}).staffing()
	d := s.patient(home)
	service := s.people["service"].calls(home)
	stream := service.ledger.AppendStream(t.Context())
	statement, in := d.reading()
	must(t, stream.Send(&indeliblev1.AppendStreamRequest{Submissions: []*indeliblev1.Submission{in}}))
	answer, err := stream.Receive()
	must(t, err)
	s.accepted(answer.GetOutcomes()[0], statement)

	_, in = d.reading()
	_, err = service.ledger.Append(t.Context(), connect.NewRequest(&indeliblev1.AppendRequest{Submissions: []*indeliblev1.Submission{in}}))
	if connect.CodeOf(err) != connect.CodeResourceExhausted || refusalIn(err).GetCode() != string(entry.CodeOverloaded) || !hasDelay(err) || overloadIn(err).GetBound() != indeliblev1.Bound_BOUND_CALLS {
		t.Fatalf("beside a stream that takes all room: %v", err)
	}
	read, err := s.people["clinician"].calls(home).records.Read(t.Context(), connect.NewRequest(&indeliblev1.ReadRequest{
		Handle: d.handle[:], Parts: []indeliblev1.Class{indeliblev1.Class_CLASS_CLINICAL}, Purpose: indeliblev1.Purpose_PURPOSE_TREAT,
	}))
	must(t, err)
	if len(read.Msg.GetRecords()) != 1 {
		t.Fatalf("read %d records", len(read.Msg.GetRecords()))
	}
	must(t, stream.CloseRequest())
	if _, err := stream.Receive(); !errors.Is(err, io.EOF) {
		t.Fatalf("the stream ended with %v", err)
	}
}

func hasDelay(err error) bool {
	var c *connect.Error
	if !errors.As(err, &c) {
		return false
	}
	return slices.ContainsFunc(c.Details(), func(d *connect.ErrorDetail) bool { return d.Type() == "google.rpc.RetryInfo" })
}
