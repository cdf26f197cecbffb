package main

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	say("building indelibled and founding a log")
	n, err := buildNode(ctx, set.dir)
	if err != nil {
		return nil, err
	}
	before, err := n.disk(stateDir)
	if err != nil {
		return nil, err
	}
	if _, err := n.start(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	s, err := openSite(ctx, set.dir, n)
	if err != nil {
		return nil, err
	}
	r := newReport()
	from, err := size(s.ctx, s.service)
	if err != nil {
		return nil, err
	}
	if err := s.all(set, r); err != nil {
		return nil, err
	}
	return r, s.conclude(r, from, before)
}

// stateDir is where a node keeps all of its databases, below its folder.
const stateDir = "state"

func openSite(ctx context.Context, dir string, n *node) (*site, error) {
	s := &site{ctx: ctx, dir: dir, node: n}
	var err error
	if s.service, err = n.as("ingest-service", nil); err != nil {
		return nil, err
	}
	say("enrolling %d devices", devices)
	if s.devices, err = s.onboard(devices); err != nil {
		return nil, err
	}
	s.source, err = ingest.NewGenerator(ingest.GeneratorConfig{
		Seed: seed, Patients: devices, Readings: 1_000_000_000, Start: time.Unix(1_700_000_000, 0).UTC(),
	})
	return s, err
}

// all runs the workloads and, when asked, fills the log.
func (s *site) all(set settings, r *report) error {
	for _, w := range workloads {
		w.Readings = max(int(float64(w.Readings)*set.scale), w.Batch)
		say("appending %d readings, %d in a call, %d clients", w.Readings, w.Batch, w.Clients)
		one, err := s.append(w)
		if err != nil {
			return err
		}
		r.Rows = append(r.Rows, *one)
	}
	return s.fill(set.fill)
}

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

// conclude measures memory, restart and disk, and checks the whole log.
func (s *site) conclude(r *report, from, before uint64) error {
	var err error
	if r.Entries, err = size(s.ctx, s.service); err != nil {
		return err
	}
	if _, r.PeakMemory, err = s.node.memory(); err != nil {
		return err
	}
	say("restarting")
	if err := s.node.stop(); err != nil {
		return fmt.Errorf("stop the node: %w", err)
	}
	after, err := s.node.disk(stateDir)
	if err != nil {
		return err
	}
	if after > before && r.Entries > from {
		r.DiskPerEntry = float64(after-before) / float64(r.Entries-from)
	}
	took, err := s.node.start(s.ctx)
	if err != nil {
		return err
	}
	r.RestartSeconds = took.Seconds()
	if r.Memory, _, err = s.node.memory(); err != nil {
		return err
	}
	if err := s.node.stop(); err != nil {
		return fmt.Errorf("stop the node: %w", err)
	}
	say("checking every entry")
	return s.node.fsck(s.ctx)
}

// say tells a person what is under way; figures go to standard output.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
