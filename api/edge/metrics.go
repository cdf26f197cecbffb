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
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: Namespace, Name: name, Help: help}
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts(opts(name, help)))
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts(opts(name, help)))
	}
	counts := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts(opts(name, help)), labels)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls:    counts("calls_total", "Calls answered.", "procedure", "code"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: Namespace,
			Name: "call_seconds", Help: "Time from the gate to the answer; streams are counted by batch.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16)}, []string{"procedure"}),
		refusals:    counts("refusals_total", "Refusals of calls and of single statements.", "code"),
		served:      counts("resources_total", "Checkpoints, tiles, metrics and profiles served over plain HTTPS.", "resource", "status"),
		incidents:   counter("incidents_total", "Faults of the node that a caller met."),
		panics:      counter("panics_total", "Handlers that panicked."),
		connections: counter("connection_faults_total", "Faults of connections, refused handshakes included."),
		calling:     gauge("calls_in_flight", "Calls being answered."),
		bytes:       gauge("request_bytes_in_flight", "Request bytes held by calls being answered."),
	}
	m.registry.MustRegister(m.calls, m.seconds, m.refusals, m.served,
		m.incidents, m.panics, m.connections, m.calling, m.bytes,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) refused(code entry.Code) {
	m.refusals.WithLabelValues(string(code)).Inc()
}
