package raft

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	hraft "github.com/hashicorp/raft"
)

// Stream takes and opens the streams of one purpose and group. With purpose
// raft it is what the Raft library calls a stream layer; addresses are node
// names, so that a changed IP address changes no membership.
type Stream struct {
	peers    *Peers
	route    route
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

var _ hraft.StreamLayer = (*Stream)(nil)

// Stream begins to take streams of a purpose and group; none other may until
// it is closed.
func (p *Peers) Stream(purpose Purpose, group string) (*Stream, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := route{purpose, group}
	if p.taken[r] != nil {
		return nil, fmt.Errorf("%w: %s of %s", errStreamOpen, purpose, group)
	}
	s := &Stream{peers: p, route: r, accepted: make(chan net.Conn, streamBacklog), closed: make(chan struct{})}
	p.taken[r] = s
	return s, nil
}

func (s *Stream) Accept() (net.Conn, error) {
	select {
	case conn := <-s.accepted:
		return conn, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. The TCP listener and other groups go on.
func (s *Stream) Close() error {
	s.once.Do(func() {
		s.peers.mu.Lock()
		delete(s.peers.taken, s.route)
		s.peers.mu.Unlock()
		close(s.closed)
		s.drain()
	})
	return nil
}

// drain closes streams that were accepted and not taken.
func (s *Stream) drain() {
	for {
		select {
		case conn := <-s.accepted:
			s.peers.shut(conn)
		default:
			return
		}
	}
}

// Addr implements net.Listener: the node's name.
func (s *Stream) Addr() net.Addr { return nodeAddr(s.peers.cfg.Name) }

type nodeAddr string

func (nodeAddr) Network() string  { return PeerProtocol }
func (a nodeAddr) String() string { return string(a) }

// Dial implements hraft.StreamLayer: it opens a stream to the named node and
// sends the first frame.
func (s *Stream) Dial(address hraft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.Open(ctx, string(address))
}

// Open opens a stream to the named node. The connection is used for nothing
// unless the other side holds the TLS key logged for that name.
func (s *Stream) Open(ctx context.Context, node string) (net.Conn, error) {
	frame, err := Frame{Purpose: s.route.purpose, Group: s.route.group, Source: s.peers.cfg.Name, Target: node}.Marshal()
	if err != nil {
		return nil, err
	}
	address, err := s.peers.cfg.Address(node)
	if err != nil {
		return nil, fmt.Errorf("raft: where node %s listens: %w", node, err)
	}
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: helloTimeout}, Config: s.peers.dialTLS(node)}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("raft: open a stream to node %s: %w", node, err)
	}
	if err := write(ctx, conn, frame); err != nil {
		return nil, errors.Join(fmt.Errorf("raft: open a stream to node %s: %w", node, err), conn.Close())
	}
	return conn, nil
}

func write(ctx context.Context, conn net.Conn, raw []byte) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(frameTimeout)
	}
	if err := conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	if _, err := conn.Write(raw); err != nil {
		return err
	}
	return conn.SetWriteDeadline(time.Time{})
}

// dialTLS verifies the other side by chain and by the key in the log. The host
// name means nothing here: nodes are known by name, not by address, so the
// standard check is replaced by the stricter one.
func (p *Peers) dialTLS(node string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{PeerProtocol}, Time: p.cfg.Now,
		Certificates:       []tls.Certificate{p.cfg.Certificate},
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection below is the check
		VerifyConnection: func(state tls.ConnectionState) error {
			return p.verify(state, node)
		},
	}
}

func (p *Peers) verify(state tls.ConnectionState, node string) error {
	target, known := p.cfg.Node(node)
	if !known || len(state.PeerCertificates) == 0 || state.NegotiatedProtocol != PeerProtocol {
		return errNotPeer
	}
	leaf := state.PeerCertificates[0]
	if !bytes.Equal(target.TLSKey, leaf.RawSubjectPublicKeyInfo) {
		return errNotPeer
	}
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: p.cfg.Roots, Intermediates: between, CurrentTime: p.cfg.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}
