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

// Describe implements prometheus.Collector. What is told depends on what there is,
// so it is checked when it is collected.
func (c *nodeCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *nodeCollector) Collect(out chan<- prometheus.Metric) {
	tell := func(as prometheus.ValueType, name, help string, v float64, group ...string) {
		labels := []string{"group"}[:len(group)]
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(edge.Namespace+"_"+name, help, labels, nil), as, v, group...)
	}
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	tell(gauge, "log_size", "Entries in the log.", float64(c.log.Size()))
	tell(gauge, "ledger_time_seconds", "Ledger time, Unix seconds.", float64(c.log.Time())/1000)
	if p := c.node.Published(); p != nil {
		tell(gauge, "published_size", "Size of the newest published checkpoint.", float64(p.Checkpoint.Size))
	}
	if p := c.node.PublishedPQ(); p != nil {
		tell(gauge, "published_ml_dsa_size", "Size of the newest published checkpoint with ML-DSA-44 cosignatures.", float64(p.Checkpoint.Size))
	}
	m := c.node.Metrics()
	tell(counter, "entries_total", "Statements that got an index.", float64(m.Entries))
	tell(counter, "equivocations_total", "Equivocations appended with their mark.", float64(m.Marked))
	tell(counter, "overloaded_total", "Calls refused because a queue of the log was full.", float64(m.Overloaded))
	tell(counter, "raft_log_writes_total", "Synced writes of the Raft log.", float64(m.LogWrites))
	tell(counter, "raft_log_bytes_total", "Bytes of entries written to the Raft log.", float64(m.LogBytes))
	for _, g := range c.node.Status().Groups {
		name, leading := g.Jurisdiction, 0.0
		if name == "" {
			name = "log"
		}
		if g.Leading {
			leading = 1
		}
		tell(gauge, "group_applied", "Newest command folded in, by group.", float64(g.Applied), name)
		tell(gauge, "group_leading", "1 where this node leads the group.", leading, name)
	}
}
