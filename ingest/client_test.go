package ingest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"
)

// A duplicate may carry another valid signature by the same key: the logged one
// is what the receipt proves, and it is taken.
func TestDuplicateUnderAnotherSignature(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	receipts := openReceipts(t, t.TempDir())
	defer closeReceipts(t, receipts)
	client := server.client(t, receipts)
	d := newP256Device(t, log.id)
	signed := sign(t, d, 1)
	twin := resign(t, signed, d.cfg.Key)
	if twin.ID() != signed.Statement.ID() || bytes.Equal(twin.Bytes(), signed.Statement.Bytes()) {
		t.Fatal("the twin is no twin")
	}
	log.append(t, twin, signed.Statement.IssuedAt)
	outcomes, err := client.Submit(t.Context(), RoadAppend, "eu", []*Signed{signed})
	if err != nil {
		t.Fatal(err)
	}
	o := outcomes[0]
	if o.Proven == nil || !o.Duplicate || !bytes.Equal(o.Proven.Statement.Bytes(), twin.Bytes()) {
		t.Fatalf("%+v", o)
	}
	if p, ok, err := receipts.Find(twin.ID()); err != nil || !ok || !sameProven(p, o.Proven) {
		t.Error("the receipt is not stored", err)
	}
	if again, err := client.Submit(t.Context(), RoadAppend, "eu", []*Signed{signed}); err != nil || again[0].Proven == nil || receipts.Len() != 1 {
		t.Errorf("a second duplicate: %v, %d receipts", err, receipts.Len())
	}
}

func TestClientRefusesWeakTLS(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	good := server.client(t, openReceipts(t, t.TempDir())).cfg
	for name, weaken := range map[string]func(*ClientConfig){
		"no client certificate": func(c *ClientConfig) { c.TLS.Certificates = nil },
		"TLS 1.2":               func(c *ClientConfig) { c.TLS.MinVersion = 0x0303 },
		"any server":            func(c *ClientConfig) { c.TLS.InsecureSkipVerify = true },
		"the system's CAs":      func(c *ClientConfig) { c.TLS.RootCAs = nil },
		"plain HTTP":            func(c *ClientConfig) { c.URL = "http://127.0.0.1:1" },
		"no policy":             func(c *ClientConfig) { c.Policy = nil },
	} {
		cfg := good
		cfg.TLS = good.TLS.Clone()
		weaken(&cfg)
		if _, err := NewClient(cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	// A server of another CA is refused on the wire.
	other := newTestServer(t, newTestLog(t))
	cfg := good
	cfg.URL = other.url
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := c.Deliver(ctx, RoadAppend, "eu", []*Signed{sign(t, newDevice(t, other.log.id, "eu"), 1)}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a foreign server: %v", err)
	}
	if other.appends != 0 {
		t.Error("a reading went to a foreign server")
	}
}
