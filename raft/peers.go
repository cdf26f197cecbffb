package raft

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"indelible/ledger/entry"
)

// PeerProtocol is the ALPN name of peer streams. It shares a listener with the
// protocols of clients; ALPN tells them apart before a byte is read.
const PeerProtocol = "indelible-peer/1"

const (
	helloTimeout   = 10 * time.Second // for a TLS handshake, either side
	frameTimeout   = 5 * time.Second  // for the first frame to arrive
	handTimeout    = 5 * time.Second  // for the group to take an accepted stream
	streamBacklog  = 8                // accepted streams waiting for their group
	arrivingAtOnce = 64               // streams between TCP accept and hand-over
)

// Reasons for which a peer stream is refused. The other side learns none of
// them: it sees its stream closed.
var (
	errNotPeer      = errors.New("raft: not a node in the log, or not with the key logged for it")
	errNotPlaced    = errors.New("raft: a node that is not placed in the jurisdiction of the group")
	errNotMember    = errors.New("raft: a node that does not belong to the group")
	errMisdirected  = errors.New("raft: a stream meant for another node")
	errNoSuchStream = errors.New("raft: nobody here takes streams of that purpose and group")
	errStreamOpen   = errors.New("raft: streams of that purpose and group are taken already")
)

// PeerConfig says who this node is towards others and by what it knows them.
type PeerConfig struct {
	Name        string          // this node. Required
	Placement   []string        // jurisdictions this node is placed in
	Certificate tls.Certificate // of the node's TLS key. Required
	Roots       *x509.CertPool  // who signs node certificates. Required

	// Node finds a node's newest record in the log. Required.
	Node func(name string) (entry.Node, bool)
	// Belongs reports whether a node is in a group's membership, or is joining
	// it. Required.
	Belongs func(group, node string) bool
	// Address tells where a node listens, host:port. Required.
	Address func(name string) (string, error)

	Now    func() time.Time // for certificates' validity. Required
	Logger *slog.Logger     // required
}

// Validate reports every fault of the configuration at once.
func (c PeerConfig) Validate() error {
	return errors.Join(missing("raft: PeerConfig.", []field{
		{"Name", c.Name == ""}, {"Certificate", len(c.Certificate.Certificate) == 0}, {"Roots", c.Roots == nil},
		{"Node", c.Node == nil}, {"Belongs", c.Belongs == nil}, {"Address", c.Address == nil},
		{"Now", c.Now == nil}, {"Logger", c.Logger == nil},
	})...)
}

// Peers accepts and opens streams between nodes, and hands each to who takes
// its purpose and group. A node proves who it is by the TLS key that stands in
// the log under its name; a certificate alone is not enough.
type Peers struct {
	cfg      PeerConfig
	arriving chan struct{} // one token per stream not handed over yet

	mu    sync.Mutex
	taken map[route]*Stream // guarded by mu
}

type route struct {
	purpose Purpose
	group   string
}

// NewPeers checks the configuration. It starts nothing.
func NewPeers(cfg PeerConfig) (*Peers, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Peers{cfg: cfg, arriving: make(chan struct{}, arrivingAtOnce), taken: map[route]*Stream{}}, nil
}

// TLS is the configuration for a listener of peer streams. A listener shared
// with clients takes over NextProtos and the certificate.
func (p *Peers) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{PeerProtocol}, Time: p.cfg.Now,
		Certificates: []tls.Certificate{p.cfg.Certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: p.cfg.Roots,
	}
}

// Serve accepts streams from a TCP listener until ctx ends, and closes it.
func (p *Peers) Serve(ctx context.Context, from net.Listener) error {
	defer context.AfterFunc(ctx, func() { p.shut(from) })()
	credentials := p.TLS()
	var streams sync.WaitGroup
	defer streams.Wait()
	for {
		select {
		case p.arriving <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		conn, err := from.Accept()
		if err != nil {
			<-p.arriving
			if ctx.Err() != nil {
				return nil
			}
			p.shut(from)
			return fmt.Errorf("raft: accept peer streams: %w", err)
		}
		streams.Go(func() {
			defer func() { <-p.arriving }()
			p.Handle(ctx, tls.Server(conn, credentials))
		})
	}
}

// Handle takes one TLS connection whose ALPN name is PeerProtocol, from a
// listener shared with clients. It returns when the stream is handed over or
// closed.
func (p *Peers) Handle(ctx context.Context, conn *tls.Conn) {
	frame, err := p.greet(ctx, conn)
	if err == nil {
		err = p.hand(ctx, frame, conn)
	}
	if err != nil {
		p.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "peer stream refused",
			slog.String("from", conn.RemoteAddr().String()), slog.String("reason", err.Error()))
		p.shut(conn)
	}
}

// greet finishes the handshake, reads the first frame, and checks both against
// the log before anything else is read.
func (p *Peers) greet(ctx context.Context, conn *tls.Conn) (Frame, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		return Frame{}, fmt.Errorf("raft: peer handshake: %w", err)
	}
	state := conn.ConnectionState()
	if state.NegotiatedProtocol != PeerProtocol || len(state.PeerCertificates) == 0 {
		return Frame{}, errNotPeer
	}
	if err := conn.SetReadDeadline(time.Now().Add(frameTimeout)); err != nil {
		return Frame{}, err
	}
	frame, err := ReadFrame(conn)
	if err != nil {
		return Frame{}, err
	}
	if err := p.admit(frame, state.PeerCertificates[0]); err != nil {
		return Frame{}, err
	}
	return frame, conn.SetReadDeadline(time.Time{})
}

// admit decides on a first frame from the holder of a certificate.
func (p *Peers) admit(f Frame, shown *x509.Certificate) error {
	if f.Target != p.cfg.Name {
		return errMisdirected
	}
	source, known := p.cfg.Node(f.Source)
	if !known || !bytes.Equal(source.TLSKey, shown.RawSubjectPublicKeyInfo) {
		return errNotPeer
	}
	jurisdiction, isVault := strings.CutPrefix(f.Group, JurisdictionGroup(""))
	if isVault && (!slices.Contains(source.Placement, jurisdiction) || !slices.Contains(p.cfg.Placement, jurisdiction)) {
		return errNotPlaced
	}
	if !p.cfg.Belongs(f.Group, f.Source) {
		return errNotMember
	}
	return nil
}

func (p *Peers) hand(ctx context.Context, f Frame, conn net.Conn) error {
	p.mu.Lock()
	s := p.taken[route{f.Purpose, f.Group}]
	p.mu.Unlock()
	if s == nil {
		return errNoSuchStream
	}
	patience := time.NewTimer(handTimeout)
	defer patience.Stop()
	select {
	case s.accepted <- conn:
		select {
		case <-s.closed: // closed meanwhile: it will not be taken
			s.drain()
		default:
		}
		return nil
	case <-s.closed:
	case <-patience.C:
	case <-ctx.Done():
	}
	return errNoSuchStream
}

func (p *Peers) shut(c interface{ Close() error }) {
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		p.cfg.Logger.LogAttrs(context.Background(), slog.LevelDebug, "close of a peer stream", slog.String("reason", err.Error()))
	}
}
