package edge

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"indelible/ledger/entry"
)

// metrics are the counts of the edge. No label takes a value a client chose:
// procedures and codes come from our own lists.
type metrics struct {
	registry *prometheus.Registry

	calls       *prometheus.CounterVec   // by procedure and Connect code
	seconds     *prometheus.HistogramVec // by procedure
	refusals    *prometheus.CounterVec   // by code, of calls and of single statements
	served      *prometheus.CounterVec   // plain HTTP, by resource and status class
	incidents   prometheus.Counter
	panics      prometheus.Counter
	connections prometheus.Counter // faults of connections, TLS handshakes included
	calling     prometheus.Gauge
	bytes       prometheus.Gauge
}

// Namespace begins the name of every metric.
const Namespace = "indelible"

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: Namespace,
			Name: "calls_total", Help: "Calls answered."}, []string{"procedure", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: Namespace,
			Name: "call_seconds", Help: "Time from the gate to the answer; streams are counted by batch.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16)}, []string{"procedure"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: Namespace,
			Name: "refusals_total", Help: "Refusals of calls and of single statements."}, []string{"code"}),
		served: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: Namespace,
			Name: "resources_total", Help: "Checkpoints, tiles and metrics served over plain HTTPS."}, []string{"resource", "status"}),
		incidents: prometheus.NewCounter(prometheus.CounterOpts{Namespace: Namespace,
			Name: "incidents_total", Help: "Faults of the node that a caller met."}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{Namespace: Namespace,
			Name: "panics_total", Help: "Handlers that panicked."}),
		connections: prometheus.NewCounter(prometheus.CounterOpts{Namespace: Namespace,
			Name: "connection_faults_total", Help: "Faults of connections, refused handshakes included."}),
		calling: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: Namespace,
			Name: "calls_in_flight", Help: "Calls being answered."}),
		bytes: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: Namespace,
			Name: "request_bytes_in_flight", Help: "Request bytes held by calls being answered."}),
	}
	m.registry.MustRegister(m.calls, m.seconds, m.refusals, m.served,
		m.incidents, m.panics, m.connections, m.calling, m.bytes,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) refused(code entry.Code) {
	m.refusals.WithLabelValues(string(code)).Inc()
}
