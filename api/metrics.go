package api

import (
	"github.com/prometheus/client_golang/prometheus"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/raft"
)

// metrics are the counts of statements. No label takes a value a client chose.
type metrics struct {
	statements *prometheus.CounterVec // by kind and status
	accesses   *prometheus.CounterVec // access entries, by action and outcome
}

// newMetrics registers the counts of statements and of the log.
func newMetrics(at *prometheus.Registry, log *ledger.Ledger, node *raft.Node) *metrics {
	counts := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: edge.Namespace, Name: name, Help: help}, labels)
	}
	m := &metrics{
		statements: counts("statements_total", "Statements handed in.", "kind", "status"),
		accesses:   counts("access_entries_total", "Access entries written.", "action", "outcome"),
	}
	at.MustRegister(m.statements, m.accesses, &nodeCollector{log: log, node: node})
	return m
}

// counted counts one statement. kind is 0 when it could not be parsed.
func (s *Server) counted(kind entry.Kind, o *indeliblev1.Outcome) {
	name := "unparsed"
	if kind.Valid() {
		name = kind.String()
	}
	s.metrics.statements.WithLabelValues(name, statusNames[o.GetStatus()]).Inc()
	if o.GetRefusal() != nil {
		s.edge.Refused(entry.Code(o.GetRefusal().GetCode()))
	}
}

var statusNames = map[indeliblev1.Outcome_Status]string{
	indeliblev1.Outcome_STATUS_ACCEPTED:  "accepted",
	indeliblev1.Outcome_STATUS_DUPLICATE: "duplicate",
	indeliblev1.Outcome_STATUS_REFUSED:   "refused",
	indeliblev1.Outcome_STATUS_UNKNOWN:   "unknown",
}

// nodeCollector reads the counts of the log and its replication when asked.
type nodeCollector struct {
	log  *ledger.Ledger
	node *raft.Node
}

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
	return prometheus.NewDesc(prometheus.BuildFQName(edge.Namespace, "", name), help, labels, nil)
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
