package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"indelible/api/client"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ingest"
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

// site is where a run takes place.
type site struct {
	ctx     context.Context //nolint:containedctx // of the whole run: a command's, not a request's
	dir     string
	node    *node
	service *client.Caller
	devices []*client.Device
	source  *ingest.Generator
}

// sign makes readings, all of them before anything is sent.
func (s *site) sign(count int) ([]*client.Signed, error) {
	list := make([]*client.Signed, 0, count)
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
	signed []*client.Signed
	sent   []*indeliblev1.Submission
	got    []*indeliblev1.Outcome
	took   time.Duration
}

func calls(list []*client.Signed, batch int) []*call {
	var out []*call
	for chunk := range slices.Chunk(list, batch) {
		c := &call{signed: chunk}
		for _, one := range chunk {
			c.sent = append(c.sent, one.Submission())
		}
		out = append(out, c)
	}
	return out
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
			to, err := s.node.as("ingest-service")
			if err == nil {
				defer to.Close()
				_, err = size(ctx, to)
			}
			warm.Done()
			if err != nil {
				return fmt.Errorf("connect: %w", err)
			}
			begin.Wait()
			for {
				i := next.Add(1) - 1
				if i >= int64(len(work)) {
					return nil
				}
				c, sent := work[i], time.Now()
				if c.got, err = to.Send(ctx, jurisdiction, c.sent); err != nil {
					return err
				}
				c.took = time.Since(sent)
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
	v := proof.NewVerifier(s.service.Policy())
	for _, c := range work {
		if len(c.got) != len(c.signed) {
			return fmt.Errorf("%d outcomes for %d readings", len(c.got), len(c.signed))
		}
		for i, answer := range c.got {
			outcome := client.Resolve(v, c.signed[i], answer)
			if err := outcome.Err(); err != nil {
				return fmt.Errorf("a reading is not proven: %w", err)
			}
			if outcome.Duplicate {
				return errors.New("a reading was there before it was sent")
			}
		}
	}
	return nil
}
