package api

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// metrics are the counts of the edge. No label takes a value a client chose:
// procedures, codes, kinds and outcomes come from our own lists.
type metrics struct {
	registry *prometheus.Registry

	calls       *prometheus.CounterVec   // by procedure and Connect code
	seconds     *prometheus.HistogramVec // by procedure
	refusals    *prometheus.CounterVec   // by code, of calls and of single statements
	statements  *prometheus.CounterVec   // by kind and status
	accesses    *prometheus.CounterVec   // access entries, by action and outcome
	served      *prometheus.CounterVec   // plain HTTP, by resource and status class
	incidents   prometheus.Counter
	panics      prometheus.Counter
	connections prometheus.Counter // faults of connections, TLS handshakes included
	calling     prometheus.Gauge
	bytes       prometheus.Gauge
}

const namespace = "indelible"

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace,
			Name: "calls_total", Help: "Calls answered."}, []string{"procedure", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace,
			Name: "call_seconds", Help: "Time from the gate to the answer; streams are counted by batch.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16)}, []string{"procedure"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace,
			Name: "refusals_total", Help: "Refusals of calls and of single statements."}, []string{"code"}),
		statements: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace,
			Name: "statements_total", Help: "Statements handed in."}, []string{"kind", "status"}),
		accesses: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace,
			Name: "access_entries_total", Help: "Access entries written."}, []string{"action", "outcome"}),
		served: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace,
			Name: "resources_total", Help: "Checkpoints, tiles and metrics served over plain HTTPS."}, []string{"resource", "status"}),
		incidents: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace,
			Name: "incidents_total", Help: "Faults of the node that a caller met."}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace,
			Name: "panics_total", Help: "Handlers that panicked."}),
		connections: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace,
			Name: "connection_faults_total", Help: "Faults of connections, refused handshakes included."}),
		calling: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace,
			Name: "calls_in_flight", Help: "Calls being answered."}),
		bytes: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace,
			Name: "request_bytes_in_flight", Help: "Request bytes held by calls being answered."}),
	}
	m.registry.MustRegister(m.calls, m.seconds, m.refusals, m.statements, m.accesses, m.served,
		m.incidents, m.panics, m.connections, m.calling, m.bytes,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) refused(code entry.Code) {
	m.refusals.WithLabelValues(string(code)).Inc()
}

// outcome counts one statement. kind is 0 when it could not be parsed.
func (m *metrics) outcome(kind entry.Kind, o *indeliblev1.Outcome) {
	name := "unparsed"
	if kind.Valid() {
		name = kind.String()
	}
	m.statements.WithLabelValues(name, statusNames[o.GetStatus()]).Inc()
	if o.GetRefusal() != nil {
		m.refused(entry.Code(o.GetRefusal().GetCode()))
	}
}

var statusNames = map[indeliblev1.Outcome_Status]string{
	indeliblev1.Outcome_STATUS_ACCEPTED:  "accepted",
	indeliblev1.Outcome_STATUS_DUPLICATE: "duplicate",
	indeliblev1.Outcome_STATUS_REFUSED:   "refused",
	indeliblev1.Outcome_STATUS_UNKNOWN:   "unknown",
}
