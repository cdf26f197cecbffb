package ingest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"io"
	stdlog "log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"indelible/api/client"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// testServer is a real Connect server behind mutual TLS that keeps a testLog, and
// lies when it is told to.
type testServer struct {
	indeliblev1connect.UnimplementedLedgerServiceHandler
	indeliblev1connect.UnimplementedSubjectsServiceHandler

	t   testing.TB
	url string
	ca  *DeviceCA

	mu             sync.Mutex // guards everything below
	log            *testLog
	lie            func(list []*indeliblev1.Submission, honest []*indeliblev1.Outcome) ([]*indeliblev1.Outcome, error) // of Append; nil: honest
	lieGrowth      func(old, size uint64) [][]byte
	erased         map[entry.BindingID]bool
	revoked        map[entry.AuthorID]entry.StatementID // up to
	handles        map[entry.RequestID]entry.Handle
	identifiers    map[string]entry.RequestID
	appends        int
	growths        int
	sent           map[entry.StatementID]string // bytes a statement was first sent as
	openings       map[entry.StatementID]map[entry.Class][]byte
	steps          int                       // Register calls, and Append calls of the registrar
	interrupt      func(step int) error      // fails one of them
	interruptAfter bool                      // after it was done
	refuse         map[entry.Kind]entry.Code // kinds it refuses for good
	called         chan struct{}             // gets one value a call, if somebody listens
}

// newTestServer starts a server for a log.
func newTestServer(t testing.TB, log *testLog) *testServer {
	t.Helper()
	return newTestServerOf(t, log, newTestCA(t))
}

func newTestServerOf(t testing.TB, log *testLog, ca *DeviceCA) *testServer {
	t.Helper()
	s := &testServer{
		t: t, log: log, ca: ca, openings: map[entry.StatementID]map[entry.Class][]byte{}, erased: map[entry.BindingID]bool{}, revoked: map[entry.AuthorID]entry.StatementID{},
		handles: map[entry.RequestID]entry.Handle{}, identifiers: map[string]entry.RequestID{},
		sent: map[entry.StatementID]string{}, called: make(chan struct{}, 1),
	}
	mux := http.NewServeMux()
	mux.Handle(indeliblev1connect.NewLedgerServiceHandler(s))
	mux.Handle(indeliblev1connect.NewSubjectsServiceHandler(s))
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	pool := x509.NewCertPool()
	pool.AddCert(s.ca.certificate)
	server.TLS = &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		Certificates: []tls.Certificate{s.certificate(t, "127.0.0.1")},
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func newTestCA(t testing.TB) *DeviceCA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := NewDeviceCA(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func (s *testServer) certificate(t testing.TB, address string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.ParseIP(address)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, s.ca.certificate, key.Public(), s.ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// client makes a client of this server with a certificate of its own.
func (s *testServer) client(t testing.TB, receipts *Receipts) *client.Client {
	t.Helper()
	c, err := client.New(receipts.Attach(s.config(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// config is that of a client of this server with a certificate of its own.
func (s *testServer) config(t testing.TB) client.Config {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(s.ca.certificate)
	return client.Config{
		URL: s.url, Policy: s.log.policy, Now: time.Now, Logger: quiet(),
		TLS: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool, Certificates: []tls.Certificate{s.certificate(t, "127.0.0.1")}},
	}
}

// tell makes the server lie from the next call on; nil makes it honest.
func (s *testServer) tell(lie func([]*indeliblev1.Submission, []*indeliblev1.Outcome) ([]*indeliblev1.Outcome, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lie = lie
}

// serve makes the server serve another log.
func (s *testServer) serve(log *testLog, growth func(old, size uint64) [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log, s.lieGrowth = log, growth
}

// accept appends what belongs in and answers honestly.
func (s *testServer) accept(list []*indeliblev1.Submission) []*indeliblev1.Outcome {
	s.mu.Lock()
	log := s.log
	s.mu.Unlock()
	outcomes := make([]*indeliblev1.Outcome, len(list))
	entries := make([]*logged, len(list))
	for i, submission := range list {
		outcomes[i], entries[i] = s.judge(submission)
	}
	for i, e := range entries {
		if e != nil {
			outcomes[i].Receipt = log.receipt(s.t, e, log.size())
		}
	}
	return outcomes
}

func (s *testServer) judge(submission *indeliblev1.Submission) (*indeliblev1.Outcome, *logged) {
	statement, err := entry.Parse(submission.Statement)
	if err != nil {
		return &indeliblev1.Outcome{Status: indeliblev1.Outcome_STATUS_REFUSED, Refusal: &indeliblev1.Refusal{Code: "MALFORMED"}}, nil
	}
	id := statement.ID()
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, ok := s.sent[id]; ok && before != string(submission.Statement) {
		s.t.Error("a statement was sent again as other bytes")
	}
	s.sent[id] = string(submission.Statement)
	if code, ok := s.refuse[statement.Kind]; ok {
		meaning, _ := entry.Meaning(code)
		return refused(id, code, meaning.Retryable), nil
	}
	s.openings[id] = map[entry.Class][]byte{}
	for _, o := range submission.Openings {
		s.openings[id][entry.Class(o.Class)] = o.Opening
	}
	if upto, ok := s.revoked[statement.Author]; ok && !s.log.has(id) {
		if id != upto {
			return refused(id, entry.CodeAwaitingUpto, true), nil
		}
		if statement.Prev != nil {
			s.revoked[statement.Author] = *statement.Prev
		}
	}
	if statement.Kind == entry.KindReading && s.erased[statement.Sub.Binding()] && !s.log.has(id) {
		o := refused(id, entry.CodeSubjectErased, false)
		o.SignedRefusal = s.signRefusal(id)
		return o, nil
	}
	e, duplicate := s.log.append(s.t, statement, uint64(time.Now().UnixMilli()))
	o := &indeliblev1.Outcome{
		Status: indeliblev1.Outcome_STATUS_ACCEPTED, Index: e.index, LedgerTimeMs: e.time, StatementId: id[:],
	}
	if duplicate {
		o.Status = indeliblev1.Outcome_STATUS_DUPLICATE
		o.LoggedStatement = e.statement
	}
	return o, e
}

func refused(id entry.StatementID, code entry.Code, retryable bool) *indeliblev1.Outcome {
	return &indeliblev1.Outcome{
		Status: indeliblev1.Outcome_STATUS_REFUSED, StatementId: id[:],
		Refusal: &indeliblev1.Refusal{Code: string(code), Text: canary, Retryable: retryable},
	}
}

func (s *testServer) signRefusal(id entry.StatementID) *indeliblev1.SignedRefusal {
	author, err := entry.NewPublicKey(s.log.author.Public())
	if err != nil {
		s.t.Error(err)
		return nil
	}
	node := author.Author()
	message := append([]byte("indelible refusal v1\n"), s.log.id[:]...)
	message = append(message, id[:]...)
	message = binary.BigEndian.AppendUint64(message, 5)
	message = append(message, entry.CodeSubjectErased...)
	signature, err := s.log.author.Sign(rand.Reader, message, crypto.Hash(0))
	if err != nil {
		s.t.Error(err)
	}
	return &indeliblev1.SignedRefusal{Node: node[:], AtMs: 5, Signature: signature}
}

func (s *testServer) Append(_ context.Context, in *connect.Request[indeliblev1.AppendRequest]) (*connect.Response[indeliblev1.AppendResponse], error) {
	if in.Header().Get(wire.JurisdictionHeader) == "" {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("no jurisdiction"))
	}
	if registrars(in.Msg.Submissions) {
		var outcomes []*indeliblev1.Outcome
		if err := s.step(func() { outcomes = s.accept(in.Msg.Submissions) }); err != nil {
			return nil, err
		}
		return connect.NewResponse(&indeliblev1.AppendResponse{Outcomes: outcomes}), nil
	}
	s.mu.Lock()
	s.appends++
	lie := s.lie
	s.mu.Unlock()
	defer func() {
		select {
		case s.called <- struct{}{}:
		default:
		}
	}()
	if lie == nil {
		return connect.NewResponse(&indeliblev1.AppendResponse{Outcomes: s.accept(in.Msg.Submissions)}), nil
	}
	outcomes, err := lie(in.Msg.Submissions, s.accept(in.Msg.Submissions))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.AppendResponse{Outcomes: outcomes}), nil
}

// registrars says that a call brings what a registrar has signed.
func registrars(list []*indeliblev1.Submission) bool {
	return slices.ContainsFunc(list, func(in *indeliblev1.Submission) bool {
		s, err := entry.Parse(in.Statement)
		return err == nil && (s.Kind == entry.KindHandle || s.Kind == entry.KindAuthor || s.Kind == entry.KindBinding)
	})
}

// step counts a call of the registrar and makes it fail where a test wants it.
func (s *testServer) step(do func()) error {
	s.mu.Lock()
	n := s.steps
	s.steps++
	interrupt, after := s.interrupt, s.interruptAfter
	s.mu.Unlock()
	if interrupt == nil {
		do()
		return nil
	}
	err := interrupt(n)
	if err == nil || after {
		do()
	}
	return err
}

func (s *testServer) Register(_ context.Context, in *connect.Request[indeliblev1.RegisterRequest]) (*connect.Response[indeliblev1.RegisterResponse], error) {
	var h entry.Handle
	var refusal error
	err := s.step(func() { h, refusal = s.register(entry.RequestID(in.Msg.RequestId), in.Msg.Identifiers) })
	if err = errors.Join(err, refusal); err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.RegisterResponse{Handle: h[:]}), nil
}

func (s *testServer) register(request entry.RequestID, identifiers []string) (entry.Handle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, known := s.handles[request]
	for _, identifier := range identifiers {
		if other, taken := s.identifiers[identifier]; taken && other != request {
			return h, failure(s.t, connect.CodeAlreadyExists, &indeliblev1.Refusal{Code: string(entry.CodeAlreadyRegistered)})
		}
		s.identifiers[identifier] = request
	}
	if !known {
		if _, err := rand.Read(h[:]); err != nil {
			return h, err
		}
		s.handles[request] = h
	}
	return h, nil
}

func (s *testServer) GetLog(context.Context, *connect.Request[indeliblev1.GetLogRequest]) (*connect.Response[indeliblev1.GetLogResponse], error) {
	return connect.NewResponse(&indeliblev1.GetLogResponse{LogId: s.log.id[:], GenesisLeaf: s.log.genesis}), nil
}

func (s *testServer) GetConsistency(_ context.Context, in *connect.Request[indeliblev1.GetConsistencyRequest]) (*connect.Response[indeliblev1.GetConsistencyResponse], error) {
	s.mu.Lock()
	s.growths++
	lie, log := s.lieGrowth, s.log
	s.mu.Unlock()
	path := log.consistency(in.Msg.OldSize, in.Msg.NewSize)
	if lie != nil {
		path = lie(in.Msg.OldSize, in.Msg.NewSize)
	}
	return connect.NewResponse(&indeliblev1.GetConsistencyResponse{Path: path}), nil
}

// failure is a call's error as a node makes it, with details.
func failure(t testing.TB, code connect.Code, details ...proto.Message) error {
	t.Helper()
	err := connect.NewError(code, errors.New(canary))
	for _, message := range details {
		detail, detailErr := connect.NewErrorDetail(message)
		if detailErr != nil {
			t.Fatal(detailErr)
		}
		err.AddDetail(detail)
	}
	return err
}
