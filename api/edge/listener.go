package edge

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
	pingTimeout   = time.Minute      // of silence on a connection before it is asked whether it lives
	drainTimeout  = 10 * time.Second // for calls under way when the node stops, and again for those that were cut off
	maxHeader     = 16 << 10         // bytes; certificates do not travel in headers
)

// TLS is the configuration of the listener for clients: TLS 1.3, a certificate
// from everyone. There is no other mode.
func (e *Edge) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{e.cfg.Certificate},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    e.cfg.ClientCAs,
		Time:         e.cfg.Now,
		NextProtos:   []string{"h2", "http/1.1"},
	}
}

// publicTLS is that of the public listener: the server shows a certificate and
// asks for none.
func (e *Edge) publicTLS() *tls.Config {
	c := e.TLS()
	c.ClientAuth = tls.NoClientCert
	c.ClientCAs = nil
	return c
}

// Serve answers clients with a certificate on the listener until ctx ends, then
// lets calls under way finish for a few seconds. It closes the listener and
// returns nil after an orderly end.
func (e *Edge) Serve(ctx context.Context, on net.Listener, handler http.Handler) error {
	return e.serve(ctx, on, e.TLS(), handler)
}

// ServePublic is Serve for anyone.
func (e *Edge) ServePublic(ctx context.Context, on net.Listener, handler http.Handler) error {
	return e.serve(ctx, on, e.publicTLS(), handler)
}

func (e *Edge) serve(ctx context.Context, on net.Listener, config *tls.Config, handler http.Handler) error {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	calls := &underway{idle: make(chan struct{})}
	server := &http.Server{
		Handler:           calls.wrap(e.timed(handler)),
		TLSConfig:         config,
		Protocols:         &protocols,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(faultCounter{e.metrics}, "", 0),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: e.limits.ConnectionRPCs, SendPingTimeout: pingTimeout, WriteByteTimeout: writeTimeout,
		},
	}
	bounded := newBoundedListener(on, e.limits.Connections, e.limits.AddressConns)
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(bounded, "", "") }()
	select {
	case err := <-ended:
		return fmt.Errorf("edge: serve: %w", err)
	case <-ctx.Done():
	}
	e.stop()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(server.Close(), calls.end(drainTimeout))
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// underway counts the requests being answered, so that their end can be waited
// for: the server does not do so when it cuts them off, and what they work on is
// closed next.
type underway struct {
	mu    sync.Mutex // guards both
	count int
	over  bool
	idle  chan struct{} // closed when it is over and nothing is under way
}

// errStuck is a handler that goes on after its connection was closed.
var errStuck = errors.New("edge: a call did not end after its connection was closed")

func (u *underway) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !u.enter() {
			return // its connection is closed
		}
		defer u.leave()
		next.ServeHTTP(w, r)
	})
}

func (u *underway) enter() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.over {
		u.count++
	}
	return !u.over
}

func (u *underway) leave() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.count--; u.over && u.count == 0 {
		close(u.idle)
	}
}

// end lets nothing begin any more and waits for a time until nothing is
// under way.
func (u *underway) end(within time.Duration) error {
	u.mu.Lock()
	u.over = true
	if u.count == 0 {
		close(u.idle)
	}
	u.mu.Unlock()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-u.idle:
		return nil
	case <-late.C:
		return errStuck
	}
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
// wait in the kernel's queue. Of one address it accepts only a part of them and
// closes the rest: to open a connection takes no certificate, and one
// machine must not keep all others out.
type boundedListener struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
	share  int // of one address

	mu   sync.Mutex // guards from
	from map[string]int
}

func newBoundedListener(on net.Listener, limit, share int) *boundedListener {
	return &boundedListener{
		Listener: on, slots: make(chan struct{}, limit), closed: make(chan struct{}), share: share, from: map[string]int{},
	}
}

// Accept implements net.Listener.
func (b *boundedListener) Accept() (net.Conn, error) {
	select {
	case b.slots <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			<-b.slots
			return nil, err
		}
		host := hostOf(conn.RemoteAddr().String())
		if b.enter(host) {
			return &boundedConn{Conn: conn, leave: func() { b.leave(host) }}, nil
		}
		// Nothing depends on how the end of a refused connection goes; its error
		// would tell the address, and answering it would end the listener.
		_ = conn.Close()
	}
}

func (b *boundedListener) enter(host string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.from[host] >= b.share {
		return false
	}
	b.from[host]++
	return true
}

func (b *boundedListener) leave(host string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.from[host]--; b.from[host] == 0 {
		delete(b.from, host)
	}
	<-b.slots
}

// Close implements net.Listener.
func (b *boundedListener) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

type boundedConn struct {
	net.Conn
	leave func()
	once  sync.Once
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}
