package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/api/wire"
	"indelible/ingest"
	"indelible/ledger/entry"
	"indelible/proof"
)

const (
	jurisdiction = "eu"    // one of those the quickstart founds
	devices      = 16      // that sign
	signAhead    = 100_000 // readings signed before a clock starts, at most
	maxFill      = 100_000_000
)

// workload is one row of the report.
type workload struct {
	Batch    int `json:"batch"`    // readings in a call
	Clients  int `json:"clients"`  // calls under way at once
	Readings int `json:"readings"` // in all
}

// workloads are what every run measures, before scaling.
var workloads = []workload{
	{1, 1, 2_000}, {1, 16, 12_000}, {1, 64, 20_000},
	{256, 1, 40_000}, {256, 16, 80_000}, {256, 64, 80_000},
}

func newKey(keys map[string]crypto.Signer, reference string) (crypto.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a device key: %w", err)
	}
	keys[reference] = key
	return key, nil
}

// site is where a run takes place.
type site struct {
	ctx     context.Context //nolint:containedctx // of the whole run: a command's, not a request's
	dir     string
	node    *node
	service *identity
	devices []*ingest.Device
	source  *ingest.Generator
}

// sign makes readings, all of them before anything is sent.
func (s *site) sign(count int) ([]*ingest.Signed, error) {
	list := make([]*ingest.Signed, 0, count)
	for n := range count {
		raw, _, err := s.source.Next()
		if err != nil {
			return nil, fmt.Errorf("make a reading: %w", err)
		}
		reading, _, err := ingest.ObservationReading(raw)
		if err != nil {
			return nil, fmt.Errorf("cut a reading: %w", err)
		}
		signed, err := s.devices[n%len(s.devices)].Sign(reading.Parts())
		if err != nil {
			return nil, fmt.Errorf("sign a reading: %w", err)
		}
		list = append(list, signed)
	}
	return list, nil
}

// call is one request ready to be sent, and what came back.
type call struct {
	signed []*ingest.Signed
	sent   *indeliblev1.AppendRequest
	got    *indeliblev1.AppendResponse
	took   time.Duration
}

func calls(list []*ingest.Signed, batch int) []*call {
	var out []*call
	for chunk := range slices.Chunk(list, batch) {
		c := &call{signed: chunk, sent: &indeliblev1.AppendRequest{}}
		for _, one := range chunk {
			sub := &indeliblev1.Submission{Statement: one.Statement.Bytes()}
			for _, o := range one.Openings {
				sub.Openings = append(sub.Openings, &indeliblev1.Opening{Class: indeliblev1.Class(o.Class), Opening: o.Encoded})
			}
			c.sent.Submissions = append(c.sent.Submissions, sub)
		}
		out = append(out, c)
	}
	return out
}

func (c *call) send(ctx context.Context, to indeliblev1connect.LedgerServiceClient) error {
	req := connect.NewRequest(c.sent)
	req.Header().Set(wire.JurisdictionHeader, jurisdiction)
	began := time.Now()
	resp, err := to.Append(ctx, req)
	c.took = time.Since(began)
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	c.got = resp.Msg
	return nil
}

// append sends readings from several clients and returns how long it took in
// all and for each call. Every receipt is verified before it returns.
func (s *site) append(w workload) (*row, error) {
	list, err := s.sign(w.Readings)
	if err != nil {
		return nil, err
	}
	work := calls(list, w.Batch)
	took, err := s.drive(work, w.Clients)
	if err != nil {
		return nil, err
	}
	if err := s.verify(work); err != nil {
		return nil, err
	}
	return newRow(w, work, took), nil
}

func (s *site) drive(work []*call, clients int) (time.Duration, error) {
	var next atomic.Int64
	var warm, begin sync.WaitGroup
	warm.Add(clients)
	begin.Add(1)
	group, ctx := errgroup.WithContext(s.ctx)
	for range clients {
		group.Go(func() error {
			to, web, err := s.service.appender(s.node.url)
			if err == nil {
				_, err = to.GetCheckpoint(ctx, connect.NewRequest(&indeliblev1.GetCheckpointRequest{}))
			}
			warm.Done()
			if err != nil {
				return fmt.Errorf("connect: %w", err)
			}
			defer web.CloseIdleConnections()
			begin.Wait()
			for {
				i := next.Add(1) - 1
				if i >= int64(len(work)) {
					return nil
				}
				if err := work[i].send(ctx, to); err != nil {
					return err
				}
			}
		})
	}
	warm.Wait()
	began := time.Now()
	begin.Done()
	err := group.Wait()
	return time.Since(began), err
}

// verify checks every receipt offline, from the statement that was signed here.
func (s *site) verify(work []*call) error {
	v := proof.NewVerifier(s.service.policy)
	for _, c := range work {
		if len(c.got.GetOutcomes()) != len(c.signed) {
			return fmt.Errorf("%d outcomes for %d readings", len(c.got.GetOutcomes()), len(c.signed))
		}
		for i, o := range c.got.GetOutcomes() {
			if o.GetStatus() != indeliblev1.Outcome_STATUS_ACCEPTED {
				return fmt.Errorf("a reading was not accepted: %s %s", o.GetRefusal().GetCode(), o.GetRefusal().GetText())
			}
			if err := verifyOne(v, c.signed[i].Statement, o.GetReceipt()); err != nil {
				return err
			}
		}
	}
	return nil
}

func verifyOne(v *proof.Verifier, s *entry.Statement, raw []byte) error {
	receipt, err := proof.ParseReceipt(raw)
	if err == nil {
		_, err = v.Verify(s, receipt)
	}
	if err != nil {
		return fmt.Errorf("a receipt does not verify: %w", err)
	}
	return nil
}
