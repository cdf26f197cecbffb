package ingest

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
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

// A connection whose other end is gone without a word is given up, and the same
// bytes go over a new one.
func TestClientLeavesADeadConnection(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	receipts := openReceipts(t, memory(t))
	defer closeReceipts(t, receipts)
	hole := newBlackhole(t, server.url)
	cfg := server.client(t, receipts).cfg
	cfg.URL = "https://" + hole.Addr().String()
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	h2 := c.http.Transport.(*http.Transport).HTTP2
	if h2 == nil || h2.SendPingTimeout <= 0 || h2.PingTimeout <= 0 || h2.SendPingTimeout+h2.PingTimeout >= callTimeout {
		t.Fatalf("a dead connection is not noticed before its calls end: %+v", h2)
	}
	h2.SendPingTimeout, h2.PingTimeout = 300*time.Millisecond, 300*time.Millisecond
	d := newDevice(t, server.log.id, "eu")
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for n := range 2 {
		if _, err := c.Deliver(ctx, RoadAppend, "eu", []*Signed{sign(t, d, n)}); err != nil {
			t.Fatal(err)
		}
		hole.epoch.Add(1)
	}
}
