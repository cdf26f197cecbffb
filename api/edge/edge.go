package edge

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"connectrpc.com/validate"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/protobuf/reflect/protoreflect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger"
	"indelible/ledger/entry"
)

// Config is what the edge is told from outside. All of it is required, except
// Limits, whose zero members mean their defaults.
type Config struct {
	Certificate tls.Certificate // the node's certificate chain and key
	ClientCAs   *x509.CertPool  // who certifies callers
	Placement   []string        // jurisdictions whose health data may come in
	Limits      Limits

	Services []protoreflect.FileDescriptor // what is served; each RPC with its access option

	// Author is the log's registry: who a key belongs to, as of now.
	Author func(entry.AuthorID) (*ledger.Author, bool, error)
	// Placed names the nodes that take a jurisdiction's data.
	Placed func(jurisdiction string) *indeliblev1.Placement
	// Ready reports whether calls can be answered.
	Ready func() bool
	// Foreseen answers errors of the packages below that are no refusals.
	Foreseen func(error) (Answer, bool)

	Now    func() time.Time
	Rand   io.Reader // incident numbers
	Logger *slog.Logger
}

// Edge is the outermost part of one node's server.
type Edge struct {
	cfg       Config
	limits    Limits
	rules     map[string]*rule // by path
	metrics   *metrics
	admission *admission
	options   []connect.HandlerOption // of every RPC
	errors    *connect.ErrorWriter
	stopping  chan struct{} // closed when Serve is to end
	stop      func()        // closes it, once
}

// New makes the edge. It starts nothing.
func New(cfg Config) (*Edge, error) {
	rules, err := rulesOf(cfg.Services)
	if err != nil {
		return nil, err
	}
	e := &Edge{cfg: cfg, limits: cfg.Limits.WithDefaults(), rules: rules, metrics: newMetrics(), stopping: make(chan struct{})}
	e.admission = newAdmission(e.limits, e.metrics)
	e.stop = sync.OnceFunc(func() { close(e.stopping) })
	e.options = e.serving(&answering{edge: e}, e.limits.RequestBytes, validate.NewInterceptor(validate.WithoutErrorDetails()))
	e.errors = connect.NewErrorWriter(e.options...)
	return e, nil
}

// Options are the codecs and interceptors of every RPC, outermost first: one
// table for all errors, panics caught, messages read strictly, the schema's
// rules. Caller, access rule and limits were checked by the gate. Nothing is
// compressed: sealed data does not shrink, and what does would tell its length.
func (e *Edge) Options() []connect.HandlerOption { return e.options }

// serving are the options of everything that is served by the RPC library.
func (e *Edge) serving(answers *answering, streamBytes int, within ...connect.Interceptor) []connect.HandlerOption {
	return []connect.HandlerOption{
		connect.WithCodec(binaryCodec{}),
		connect.WithCodec(jsonCodec{"json"}),
		connect.WithCodec(jsonCodec{"json; charset=utf-8"}),
		connect.WithCompression("gzip", nil, nil),
		connect.WithConditionalHandlerOptions(func(spec connect.Spec) []connect.HandlerOption {
			if spec.StreamType == connect.StreamTypeUnary {
				return nil // the gate bounds the body
			}
			return []connect.HandlerOption{connect.WithReadMaxBytes(streamBytes)}
		}),
		connect.WithInterceptors(answers),
		connect.WithInterceptors(within...),
	}
}

// Mount mounts what the edge answers itself: metrics, for operators and auditors,
// and for all who may connect health checks and reflection, neither of which says
// anything about the log's content.
func (e *Edge) Mount(mux *http.ServeMux) {
	options := e.serving(&answering{edge: e, open: true}, openBytes)
	mount := func(path string, handler http.Handler) { mux.Handle(path, e.open(handler)) }
	var names []string
	for _, file := range e.cfg.Services {
		for i := range file.Services().Len() {
			names = append(names, string(file.Services().Get(i).FullName()))
		}
	}
	mount(grpchealth.NewHandler(&health{ready: e.cfg.Ready, services: names}, options...))
	reflector := grpcreflect.NewStaticReflector(append(slices.Clone(names), grpchealth.HealthV1ServiceName)...)
	mount(grpcreflect.NewHandlerV1(reflector, options...))
	mount(grpcreflect.NewHandlerV1Alpha(reflector, options...))
	mux.HandleFunc("GET /metrics", e.Few("metrics", e.serveMetrics))
}

// serveMetrics answers Prometheus.
func (e *Edge) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if status := e.MayFetch(r, entry.RoleOperator, entry.RoleAuditor); status != http.StatusOK {
		e.PlainFault(w, "metrics", status)
		return
	}
	e.metrics.served.WithLabelValues("metrics", "200").Inc()
	promhttp.HandlerFor(e.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// Stopping is closed when the node stops: what waits for a client is to end.
func (e *Edge) Stopping() <-chan struct{} { return e.stopping }

// Metrics is where the counts of the edge are and others may be added.
func (e *Edge) Metrics() *prometheus.Registry { return e.metrics.registry }

// Refused counts a refusal of a single statement.
func (e *Edge) Refused(code entry.Code) { e.metrics.refused(code) }

// Timed notes how long a part of a stream took.
func (e *Edge) Timed(procedure string, took time.Duration) {
	e.metrics.seconds.WithLabelValues(procedure).Observe(took.Seconds())
}
