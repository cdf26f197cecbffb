package ingest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"indelible/api/client"
)

// A duplicate may carry another valid signature by the same key: the logged one
// is what the receipt proves, and it is taken.
func TestDuplicateUnderAnotherSignature(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	receipts := openReceipts(t, t.TempDir())
	defer closeReceipts(t, receipts)
	caller := server.client(t, receipts)
	d, key := newP256Device(t, log.id)
	signed := sign(t, d, 1)
	twin := resign(t, signed, key)
	if twin.ID() != signed.Statement.ID() || bytes.Equal(twin.Bytes(), signed.Statement.Bytes()) {
		t.Fatal("the twin is no twin")
	}
	log.append(t, twin, signed.Statement.IssuedAt)
	outcomes, err := caller.Submit(t.Context(), []*client.Signed{signed})
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
	if again, err := caller.Submit(t.Context(), []*client.Signed{signed}); err != nil || again[0].Proven == nil || receiptCount(t, receipts) != 1 {
		t.Errorf("a second duplicate: %v, %d receipts", err, receiptCount(t, receipts))
	}
}

func TestClientRefusesWeakTLS(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	good, receipts := server.config(t), openReceipts(t, t.TempDir())
	defer closeReceipts(t, receipts)
	for name, weaken := range map[string]func(*client.Config){
		"no client certificate": func(c *client.Config) { c.TLS.Certificates = nil },
		"TLS 1.2":               func(c *client.Config) { c.TLS.MinVersion = 0x0303 },
		"any server":            func(c *client.Config) { c.TLS.InsecureSkipVerify = true },
		"the system's CAs":      func(c *client.Config) { c.TLS.RootCAs = nil },
		"plain HTTP":            func(c *client.Config) { c.URL = "http://127.0.0.1:1" },
		"no policy":             func(c *client.Config) { c.Policy = nil },
	} {
		cfg := good
		cfg.TLS = good.TLS.Clone()
		weaken(&cfg)
		if _, err := client.New(receipts.Attach(cfg)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	// A server of another CA is refused on the wire.
	other := newTestServer(t, newTestLog(t))
	cfg := good
	cfg.URL = other.url
	c, err := client.New(receipts.Attach(cfg))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := c.Deliver(ctx, []*client.Signed{sign(t, newDevice(t, other.log.id, "eu"), 1)}); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("a foreign server: %v", err)
	}
	if other.appends != 0 {
		t.Error("a reading went to a foreign server")
	}
}
