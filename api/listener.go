package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Time and size limits of connections.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 5 * time.Minute
	drainTimeout  = 10 * time.Second // for calls under way when the node stops
	maxHeader     = 16 << 10         // bytes; certificates do not travel in headers
)

// TLS is the configuration of the listener for clients: TLS 1.3, a certificate
// from everyone. There is no other mode.
func (s *Server) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{s.cfg.Certificate},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    s.cfg.ClientCAs,
		Time:         s.cfg.Now,
		NextProtos:   []string{"h2", "http/1.1"},
	}
}

// publicTLS is that of the public listener: the server shows a certificate and
// asks for none.
func (s *Server) publicTLS() *tls.Config {
	c := s.TLS()
	c.ClientAuth = tls.NoClientCert
	c.ClientCAs = nil
	return c
}

// Serve answers clients on the listener until ctx ends, then lets calls under
// way finish for a few seconds. It closes the listener and returns nil after an
// orderly end.
func (s *Server) Serve(ctx context.Context, on net.Listener) error {
	return s.serve(ctx, on, s.TLS(), s.Handler())
}

// ServePublic serves the checkpoint and hash tiles, nothing else, to anyone, on
// a listener of its own.
func (s *Server) ServePublic(ctx context.Context, on net.Listener) error {
	return s.serve(ctx, on, s.publicTLS(), s.PublicHandler())
}

func (s *Server) serve(ctx context.Context, on net.Listener, config *tls.Config, handler http.Handler) error {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	server := &http.Server{
		Handler:           handler,
		TLSConfig:         config,
		Protocols:         &protocols,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(faultCounter{s.metrics}, "", 0),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: s.limits.ConnectionRPCs},
	}
	bounded := newBoundedListener(on, s.limits.Connections)
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(bounded, "", "") }()
	select {
	case err := <-ended:
		return fmt.Errorf("api: serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// faultCounter counts what the HTTP server would log about connections. The
// lines hold addresses of clients, so they are not kept.
type faultCounter struct{ metrics *metrics }

// Write implements io.Writer.
func (c faultCounter) Write(line []byte) (int, error) {
	c.metrics.connections.Inc()
	return len(line), nil
}

// boundedListener accepts no more than a number of connections at once; more
// wait in the kernel's queue.
type boundedListener struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newBoundedListener(on net.Listener, limit int) *boundedListener {
	return &boundedListener{Listener: on, slots: make(chan struct{}, limit), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (b *boundedListener) Accept() (net.Conn, error) {
	select {
	case b.slots <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.slots
		return nil, err
	}
	return &boundedConn{Conn: conn, slots: b.slots}, nil
}

// Close implements net.Listener.
func (b *boundedListener) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

type boundedConn struct {
	net.Conn
	slots chan struct{}
	once  sync.Once
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	c.once.Do(func() { <-c.slots })
	return c.Conn.Close()
}
