package api

import (
	"context"
	"slices"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"github.com/prometheus/client_golang/prometheus"

	"indelible/api/wire"
	"indelible/raft"
)

// health answers health checks: a node is serving once all its groups have a
// leader and a checkpoint is published.
type health struct{ node *raft.Node }

// Check implements grpchealth.Checker.
func (h health) Check(_ context.Context, in *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if in.Service != "" && !slices.Contains(services, in.Service) {
		return nil, connect.NewError(connect.CodeNotFound, wire.Refuse(wire.CodeUnknownRPC))
	}
	if !h.node.Status().Ready {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}

// nodeCollector reads the counts of the log and its replication when asked.
type nodeCollector struct{ road }

var (
	logSize      = describe("log_size", "Entries in the log.")
	logTime      = describe("ledger_time_seconds", "Ledger time, Unix seconds.")
	publishedAt  = describe("published_size", "Size of the newest published checkpoint.")
	publishedPQ  = describe("published_ml_dsa_size", "Size of the newest published checkpoint with ML-DSA-44 cosignatures.")
	entriesTotal = describe("entries_total", "Statements that got an index.")
	marked       = describe("equivocations_total", "Equivocations appended with their mark.")
	overloaded   = describe("overloaded_total", "Calls refused because a queue of the log was full.")
	logWrites    = describe("raft_log_writes_total", "Synced writes of the Raft log.")
	logBytes     = describe("raft_log_bytes_total", "Bytes of entries written to the Raft log.")
	groupApplied = describe("group_applied", "Newest command folded in, by group.", "group")
	groupLeading = describe("group_leading", "1 where this node leads the group.", "group")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// Describe implements prometheus.Collector.
func (c *nodeCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		logSize, logTime, publishedAt, publishedPQ, entriesTotal, marked, overloaded, logWrites, logBytes, groupApplied, groupLeading,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *nodeCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	gauge(logSize, float64(c.log.Size()))
	gauge(logTime, float64(c.log.Time())/1000)
	if p := c.node.Published(); p != nil {
		gauge(publishedAt, float64(p.Checkpoint.Size))
	}
	if p := c.node.PublishedPQ(); p != nil {
		gauge(publishedPQ, float64(p.Checkpoint.Size))
	}
	m := c.node.Metrics()
	counter(entriesTotal, m.Entries)
	counter(marked, m.Marked)
	counter(overloaded, m.Overloaded)
	counter(logWrites, m.LogWrites)
	counter(logBytes, m.LogBytes)
	for _, g := range c.node.Status().Groups {
		name := g.Jurisdiction
		if name == "" {
			name = "log"
		}
		gauge(groupApplied, float64(g.Applied), name)
		leading := 0.0
		if g.Leading {
			leading = 1
		}
		gauge(groupLeading, leading, name)
	}
}
