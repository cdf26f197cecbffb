package raft

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	hraft "github.com/hashicorp/raft"

	"indelible/ledger/entry"
)

// town is a certificate authority and the nodes it has signed for.
type town struct {
	t     *testing.T
	ca    *x509.Certificate
	key   *ecdsa.PrivateKey
	roots *x509.CertPool

	mu     sync.Mutex
	nodes  map[string]entry.Node // guarded by mu: what the log says
	at     map[string]string     // guarded by mu
	banned map[string]bool       // guarded by mu: group ‖ " " ‖ node
}

func newTown(t *testing.T) *town {
	v := &town{t: t, nodes: map[string]entry.Node{}, at: map[string]string{}, banned: map[string]bool{}, roots: x509.NewCertPool()}
	v.key = newTLSKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "town"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, v.key.Public(), v.key)
	if err != nil {
		t.Fatal(err)
	}
	if v.ca, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	v.roots.AddCert(v.ca)
	return v
}

func newTLSKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certify signs a certificate for a key, valid until a time.
func (v *town) certify(name string, key *ecdsa.PrivateKey, until time.Time) tls.Certificate {
	v.t.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, v.ca, key.Public(), v.key)
	if err != nil {
		v.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// record writes a node into the log.
func (v *town) record(name string, key *ecdsa.PrivateKey, placement ...string) {
	v.t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		v.t.Fatal(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.nodes[name] = entry.Node{Name: name, TLSKey: spki, Placement: placement}
}

// node serves peer streams on loopback with whatever credentials it is given.
func (v *town) node(name string, credentials tls.Certificate, placement ...string) *Peers {
	v.t.Helper()
	p, err := NewPeers(PeerConfig{
		Name: name, Placement: placement, Certificate: credentials, Roots: v.roots, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		Node: func(n string) (entry.Node, bool) {
			v.mu.Lock()
			defer v.mu.Unlock()
			record, ok := v.nodes[n]
			return record, ok
		},
		Belongs: func(group, node string) bool {
			v.mu.Lock()
			defer v.mu.Unlock()
			return !v.banned[group+" "+node]
		},
		Address: func(n string) (string, error) {
			v.mu.Lock()
			defer v.mu.Unlock()
			if at, ok := v.at[n]; ok {
				return at, nil
			}
			return "", errors.New("nobody knows where it listens")
		},
	})
	if err != nil {
		v.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		v.t.Fatal(err)
	}
	v.mu.Lock()
	v.at[name] = listener.Addr().String()
	v.mu.Unlock()
	ctx, cancel := context.WithCancel(v.t.Context())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, listener) }()
	v.t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			v.t.Error(err)
		}
	})
	return p
}

// citizen is a node with a good certificate and a record.
func (v *town) citizen(name string, placement ...string) *Peers {
	v.t.Helper()
	key := newTLSKey(v.t)
	v.record(name, key, placement...)
	return v.node(name, v.certify(name, key, time.Now().Add(time.Hour)), placement...)
}

func streamOf(t *testing.T, p *Peers, purpose Purpose, group string) *Stream {
	t.Helper()
	s, err := p.Stream(purpose, group)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestPeersCarryRaft: two of the library's own transports talk over two stream
// layers on loopback, and groups stay apart.
func TestPeersCarryRaft(t *testing.T) {
	v := newTown(t)
	a, b := v.citizen("n1", "eu"), v.citizen("n2", "eu")
	for _, group := range []string{GlobalGroup, JurisdictionGroup("eu")} {
		from, to := transportOf(t, a, group), transportOf(t, b, group)
		go func() {
			rpc := <-to.Consumer()
			req, ok := rpc.Command.(*hraft.RequestVoteRequest)
			if !ok || req.Term != 7 {
				rpc.Respond(nil, errors.New("not the request that was sent"))
				return
			}
			rpc.Respond(&hraft.RequestVoteResponse{Term: 8, Granted: true}, nil)
		}()
		var answer hraft.RequestVoteResponse
		err := from.RequestVote("n2", "n2", &hraft.RequestVoteRequest{Term: 7}, &answer)
		if err != nil || answer.Term != 8 || !answer.Granted {
			t.Errorf("group %s: %+v, %v", group, answer, err)
		}
		if from.LocalAddr() != "n1" {
			t.Errorf("the address of n1 is %s", from.LocalAddr())
		}
	}
}

func transportOf(t *testing.T, p *Peers, group string) *hraft.NetworkTransport {
	t.Helper()
	transport := hraft.NewNetworkTransportWithConfig(&hraft.NetworkTransportConfig{
		Stream: streamOf(t, p, PurposeRaft, group), MaxPool: 1, Timeout: 5 * time.Second, MaxRPCsInFlight: 1,
		Logger: libraryLog{to: slog.New(slog.DiscardHandler), name: group},
	})
	t.Cleanup(func() {
		if err := transport.Close(); err != nil {
			t.Error(err)
		}
	})
	return transport
}

// refusedBy opens a stream and expects the other side to close it unread.
func refusedBy(t *testing.T, why string, s *Stream, node string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := s.Open(ctx, node)
	if err != nil {
		return // refused in the handshake, or by ourselves
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Logf("%s: %v", why, err) // the other side was first
		}
	}()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(make([]byte, 1))
	var timeout net.Error
	if n != 0 || err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("%s: the stream is open (%d, %v)", why, n, err)
	}
}

// TestPeersRefuse: no stream reaches a group unless the certificate, the log,
// the placement and the membership all say so.
func TestPeersRefuse(t *testing.T) {
	v := newTown(t)
	good := v.citizen("n1", "eu")
	reached := make(chan string, 16)
	for _, group := range []string{GlobalGroup, JurisdictionGroup("eu")} {
		s := streamOf(t, good, PurposeRaft, group)
		go func() {
			for conn, err := s.Accept(); err == nil; conn, err = s.Accept() {
				reached <- group
				if err := conn.Close(); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	hour := time.Now().Add(time.Hour)

	strangerKey := newTLSKey(t)
	stranger := v.node("n9", v.certify("n9", strangerKey, hour), "eu")
	refusedBy(t, "a node that is not in the log", streamOf(t, stranger, PurposeRaft, GlobalGroup), "n1")

	impostor := v.node("n2", v.certify("n2", newTLSKey(t), hour), "eu")
	v.record("n2", newTLSKey(t), "eu")
	refusedBy(t, "a certificate for another key than the one in the log", streamOf(t, impostor, PurposeRaft, GlobalGroup), "n1")

	foreignTown := newTown(t)
	key := newTLSKey(t)
	v.record("n3", key, "eu")
	foreign := v.node("n3", foreignTown.certify("n3", key, hour), "eu")
	refusedBy(t, "a certificate of another authority", streamOf(t, foreign, PurposeRaft, GlobalGroup), "n1")

	key = newTLSKey(t)
	v.record("n4", key, "eu")
	expired := v.node("n4", v.certify("n4", key, time.Now().Add(-time.Minute)), "eu")
	refusedBy(t, "an expired certificate", streamOf(t, expired, PurposeRaft, GlobalGroup), "n1")

	elsewhere := v.citizen("n5", "us")
	refusedBy(t, "a node placed elsewhere", streamOf(t, elsewhere, PurposeRaft, JurisdictionGroup("eu")), "n1")
	refusedBy(t, "a group of a jurisdiction this node is not placed in", streamOf(t, elsewhere, PurposeRaft, JurisdictionGroup("us")), "n1")

	removed := v.citizen("n6", "eu")
	v.mu.Lock()
	v.banned[GlobalGroup+" n6"] = true
	v.mu.Unlock()
	refusedBy(t, "a node that was removed", streamOf(t, removed, PurposeRaft, GlobalGroup), "n1")
	refusedBy(t, "a purpose nobody takes", streamOf(t, removed, PurposeSeed, GlobalGroup), "n1")

	select {
	case group := <-reached:
		t.Errorf("a refused stream reached %s", group)
	default:
	}
	// And the same way a good one does get through.
	conn, err := streamOf(t, v.citizen("n7", "eu"), PurposeRaft, JurisdictionGroup("eu")).Open(t.Context(), "n1")
	if err != nil {
		t.Fatal(err)
	}
	if group := <-reached; group != JurisdictionGroup("eu") {
		t.Errorf("reached %s", group)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

// TestPeersRefuseTheWrongServer: whoever dials uses no connection to anyone but
// the holder of the key that stands in the log.
func TestPeersRefuseTheWrongServer(t *testing.T) {
	v := newTown(t)
	client := streamOf(t, v.citizen("n1", "eu"), PurposeRaft, GlobalGroup)
	v.citizen("n2", "eu")
	v.record("n2", newTLSKey(t), "eu") // the log names another key now
	if conn, err := client.Open(t.Context(), "n2"); err == nil || !errors.Is(err, errNotPeer) {
		t.Errorf("a stream to whoever answers for n2: %v, %v", conn, err)
	}
	if _, err := client.Open(t.Context(), "n3"); err == nil {
		t.Error("a stream to nobody")
	}
	// A node that listens where another is expected.
	v.citizen("n4", "eu")
	v.mu.Lock()
	v.at["n5"], v.nodes["n5"] = v.at["n4"], v.nodes["n4"]
	v.mu.Unlock()
	refusedBy(t, "a frame meant for another node", client, "n5")
}

// TestPeersHostileFirstBytes: what is not a frame is closed on.
func TestPeersHostileFirstBytes(t *testing.T) {
	v := newTown(t)
	v.citizen("n1", "eu")
	key := newTLSKey(t)
	v.record("n2", key, "eu")
	for _, first := range []string{"\x00\x03\x00\x01\x01", "\xff\xff" + strings.Repeat("x", 100), "GET / HTTP/1.1\r\n\r\n"} {
		conn, err := tls.Dial("tcp", v.at["n1"], &tls.Config{
			MinVersion: tls.VersionTLS13, NextProtos: []string{PeerProtocol}, RootCAs: v.roots, InsecureSkipVerify: true, //nolint:gosec // a hostile client
			Certificates: []tls.Certificate{v.certify("n2", key, time.Now().Add(time.Hour))},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, first); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%q: read %d, %v", first, n, err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestStreamsAreTakenOnce(t *testing.T) {
	v := newTown(t)
	p := v.citizen("n1", "eu")
	s, err := p.Stream(PurposeSeed, GlobalGroup)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Stream(PurposeSeed, GlobalGroup); !errors.Is(err, errStreamOpen) {
		t.Errorf("taken twice: %v", err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepted after the end: %v", err)
	}
	if again, err := p.Stream(PurposeSeed, GlobalGroup); err != nil || again.Addr().String() != "n1" || again.Addr().Network() != PeerProtocol {
		t.Errorf("taken again: %v", err)
	}
	if _, err := NewPeers(PeerConfig{}); err == nil || !strings.Contains(err.Error(), "Roots") || !strings.Contains(err.Error(), "Belongs") {
		t.Errorf("an empty configuration: %v", err)
	}
}
