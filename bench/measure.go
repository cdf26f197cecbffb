package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"indelible/ingest"
)

// seed makes every run sign the same measurements.
const seed = 1

// fillBatch and fillClients are the workload that fills a log.
const (
	fillBatch   = 256
	fillClients = 16
)

// measure founds a log, runs every workload on it, fills it, restarts it, and
// ends in fsck.
func measure(ctx context.Context, set settings) (_ *report, err error) {
	r := &report{CPUs: runtime.NumCPU(), Go: runtime.Version()}
	n := newNode(set.dir)
	defer func() { err = errors.Join(err, n.stop()) }()
	s := &site{ctx: ctx, dir: set.dir, node: n}
	var before, after, from uint64 // bytes on disk; entries before the first workload
	for _, step := range []func() error{
		func() error { return n.found(ctx) },
		func() (err error) { before, err = n.disk(); return err },
		func() error { return n.start(ctx) },
		s.open,
		func() (err error) { from, err = size(ctx, s.service); return err },
		func() error { return s.all(set.scale, r) },
		func() error { return s.fill(set.fill) },
		func() (err error) { r.Entries, err = size(ctx, s.service); return err },
		func() (err error) { _, r.PeakMemory, err = n.memory(); return err },
		n.stop,
		func() (err error) { after, err = n.disk(); return err },
		func() error { return n.start(ctx) },
		func() (err error) { r.Memory, _, err = n.memory(); return err },
		n.stop,
		func() error { return n.fsck(ctx) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	r.RestartSeconds = n.took.Seconds()
	if after > before && r.Entries > from {
		r.DiskPerEntry = float64(after-before) / float64(r.Entries-from)
	}
	return r, nil
}

// open makes a client and what signs.
func (s *site) open() error {
	var err error
	if s.service, err = s.node.as("ingest-service"); err != nil {
		return err
	}
	say("enrolling %d devices", devices)
	if s.devices, err = s.onboard(devices); err != nil {
		return err
	}
	s.source, err = ingest.NewGenerator(ingest.GeneratorConfig{
		Seed: seed, Patients: devices, Readings: 1_000_000_000, Start: time.Unix(1_700_000_000, 0).UTC(),
	})
	return err
}

// all runs the workloads.
func (s *site) all(scale float64, r *report) error {
	for _, w := range workloads {
		w.Readings = max(int(float64(w.Readings)*scale), w.Batch)
		say("appending %d readings, %d in a call, %d clients", w.Readings, w.Batch, w.Clients)
		one, err := s.append(w)
		if err != nil {
			return err
		}
		r.Rows = append(r.Rows, *one)
	}
	return nil
}

// fill makes the log as large as was asked for.
func (s *site) fill(to uint64) error {
	for {
		size, err := size(s.ctx, s.service)
		if err != nil || size >= to {
			return err
		}
		count := min(int(to-size), signAhead)
		say("filling: %d of %d entries", size, to)
		if _, err := s.append(workload{Batch: fillBatch, Clients: fillClients, Readings: count}); err != nil {
			return err
		}
	}
}

// say tells a person what is under way; figures go to standard output.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
