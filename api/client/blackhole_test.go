package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/proof"
)

// blackhole passes bytes to a server until its connections are cut off: then it
// swallows what comes on them, and only new ones work.
type blackhole struct {
	net.Listener
	target string
	epoch  atomic.Int64
}

func newBlackhole(t *testing.T, url string) *blackhole {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &blackhole{Listener: l, target: strings.TrimPrefix(url, "https://")}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	go b.serve(t)
	return b
}

func (b *blackhole) serve(t *testing.T) {
	for {
		here, err := b.Accept()
		if err != nil {
			return
		}
		there, err := net.Dial("tcp", b.target)
		if err != nil {
			t.Error(err)
			return
		}
		epoch := b.epoch.Load()
		go b.pass(epoch, there, here)
		go b.pass(epoch, here, there)
	}
}

// pass ends with either connection.
func (b *blackhole) pass(epoch int64, to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err == nil && b.epoch.Load() == epoch {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

// A connection whose other end is gone without a word is given up, and the same call
// goes over a new one.
func TestClientLeavesADeadConnection(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle(indeliblev1connect.NewClusterServiceHandler(answering{}))
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	hole := newBlackhole(t, server.URL)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c, err := New(Config{
		URL: "https://" + hole.Addr().String(), Policy: &proof.Policy{}, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		TLS: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots, Certificates: server.TLS.Certificates},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	h2 := c.http.Transport.(*http.Transport).HTTP2
	if h2 == nil || h2.SendPingTimeout <= 0 || h2.PingTimeout <= 0 || h2.SendPingTimeout+h2.PingTimeout >= callTimeout {
		t.Fatalf("a dead connection is not noticed before its calls end: %+v", h2)
	}
	h2.SendPingTimeout, h2.PingTimeout = 300*time.Millisecond, 300*time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for range 2 {
		if err := c.Repeat(ctx, func() error { _, err := c.Status(ctx); return err }); err != nil {
			t.Fatal(err)
		}
		hole.epoch.Add(1)
	}
}

// answering is a node that answers.
type answering struct {
	indeliblev1connect.UnimplementedClusterServiceHandler
}

func (answering) Status(context.Context, *connect.Request[indeliblev1.StatusRequest]) (*connect.Response[indeliblev1.StatusResponse], error) {
	return connect.NewResponse(&indeliblev1.StatusResponse{}), nil
}
