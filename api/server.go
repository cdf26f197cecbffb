package api

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"sync"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"connectrpc.com/otelconnect"
	"connectrpc.com/validate"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"golang.org/x/sync/singleflight"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/api/wire"
	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/vault"
	"indelible/raft"
)

const appendStreamProcedure = indeliblev1connect.LedgerServiceAppendStreamProcedure

// Server answers the callers of one node.
type Server struct {
	road

	cfg       Config
	author    entry.AuthorID // the node's own
	limits    Limits
	vaults    map[string]*vault.Vault // by jurisdiction; never changed
	verifier  *entry.Verifier
	metrics   *metrics
	faults    *faults
	admission *admission
	opening   singleflight.Group // of staff handles, by handle
	searches  chan struct{}      // one for each search for gaps under way
	stopping  chan struct{}      // closed when Serve is to end
	stop      func()             // closes it, once
	handler   http.Handler
	public    http.Handler
}

// New makes the edge of a node. vaults has one for each jurisdiction of
// cfg.Placement; verifier is the one the ledger uses. It starts nothing.
func New(cfg Config, log *ledger.Ledger, node *raft.Node, vaults map[string]*vault.Vault, verifier *entry.Verifier) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	for _, jurisdiction := range cfg.Placement {
		if vaults[jurisdiction] == nil {
			return nil, fmt.Errorf("api: placed in %s without a vault for it", jurisdiction)
		}
	}
	author, err := entry.NewPublicKey(cfg.AuthorKey.Public())
	if err != nil {
		return nil, fmt.Errorf("api: the node's author key: %w", err)
	}
	m := newMetrics()
	s := &Server{
		road: road{log: log, node: node}, cfg: cfg, author: author.Author(), limits: cfg.Limits.withDefaults(), vaults: vaults, verifier: verifier,
		metrics: m, faults: &faults{rand: cfg.Rand, logger: cfg.Logger, metrics: m},
	}
	s.admission = newAdmission(s.limits, m)
	s.searches, s.stopping = make(chan struct{}, gapSearches), make(chan struct{})
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	m.registry.MustRegister(&nodeCollector{s.road})
	if err := s.mount(); err != nil {
		return nil, err
	}
	return s, nil
}

// Handler answers everything a client with a certificate may ask for. It must
// be served with TLS() alone: it takes the caller from the connection.
func (s *Server) Handler() http.Handler { return s.handler }

// PublicHandler answers the checkpoint and hash tiles, for anyone.
func (s *Server) PublicHandler() http.Handler { return s.public }

// Metrics is what /metrics serves.
func (s *Server) Metrics() prometheus.Gatherer { return s.metrics.registry }

// vault is that of a jurisdiction this node is placed in. The gate lets no
// other pass; statements whose own jurisdiction differs were refused.
func (s *Server) vault(jurisdiction string) (*vault.Vault, error) {
	if !slices.Contains(s.cfg.Placement, jurisdiction) {
		return nil, wire.Refuse(wire.CodeNotPlacedHere)
	}
	return s.vaults[jurisdiction], nil
}

// mount puts the handlers together.
func (s *Server) mount() error {
	rules, err := rulesOf(sources())
	if err != nil {
		return err
	}
	options, err := s.options()
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	g := s.gate(rules, options)
	s.mountServices(mux, g, options)
	s.mountHealth(mux, g)
	s.mountStatic(mux, true)
	mux.HandleFunc("GET /metrics", s.few("metrics", s.serveMetrics))
	s.handler = exactly(mux)
	public := http.NewServeMux()
	s.mountStatic(public, false)
	s.public = exactly(public)
	return nil
}

// exactly refuses paths the mux would redirect to another spelling: what is
// cached for ever has one name.
func exactly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if clean := path.Clean(r.URL.Path); clean != r.URL.Path && clean+"/" != r.URL.Path {
			http.Error(w, http.StatusText(http.StatusNotFound), http.StatusNotFound)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) gate(rules map[string]*rule, options []connect.HandlerOption) *gate {
	return &gate{
		rules: rules, log: s.log, placement: s.cfg.Placement, placed: s.placedIn, admission: s.admission,
		limits: s.limits, faults: s.faults, metrics: s.metrics, errors: connect.NewErrorWriter(options...), now: s.cfg.Now,
	}
}

func (s *Server) mountServices(mux *http.ServeMux, g *gate, options []connect.HandlerOption) {
	mount := func(path string, handler http.Handler) { mux.Handle(path, g.wrap(handler)) }
	mount(indeliblev1connect.NewLedgerServiceHandler(ledgers{s}, options...))
	mount(indeliblev1connect.NewDevicesServiceHandler(devices{s}, options...))
	mount(indeliblev1connect.NewSubjectsServiceHandler(subjects{s}, options...))
	mount(indeliblev1connect.NewRecordsServiceHandler(records{s}, options...))
	mount(indeliblev1connect.NewErasureServiceHandler(erasures{s}, options...))
	mount(indeliblev1connect.NewClusterServiceHandler(clusters{s}, options...))
}

// options are the codecs and interceptors of every RPC, outermost first: one
// table for all errors, panics caught, messages read strictly, the schema's
// rules, traces. Caller, access rule and limits were checked by the gate.
// Nothing is compressed: sealed data does not shrink, and what does would tell
// its length.
func (s *Server) options() ([]connect.HandlerOption, error) {
	tracer, meter := s.cfg.Tracer, s.cfg.Meter
	if tracer == nil {
		tracer = tracenoop.NewTracerProvider()
	}
	if meter == nil {
		meter = metricnoop.NewMeterProvider()
	}
	traces, err := otelconnect.NewInterceptor(otelconnect.WithTracerProvider(tracer), otelconnect.WithMeterProvider(meter))
	if err != nil {
		return nil, fmt.Errorf("api: traces: %w", err)
	}
	return s.serving(s.limits.RequestBytes,
		strict{}, validate.NewInterceptor(validate.WithoutErrorDetails()), traces), nil
}

// serving are the options of everything that is served by the RPC library.
func (s *Server) serving(streamBytes int64, within ...connect.Interceptor) []connect.HandlerOption {
	answers := &answering{faults: s.faults, metrics: s.metrics}
	return []connect.HandlerOption{
		connect.WithCodec(binaryCodec{}),
		connect.WithCodec(jsonCodec{"json"}),
		connect.WithCodec(jsonCodec{"json; charset=utf-8"}),
		connect.WithCompression("gzip", nil, nil),
		connect.WithConditionalHandlerOptions(func(spec connect.Spec) []connect.HandlerOption {
			if spec.StreamType == connect.StreamTypeUnary {
				return nil // the gate bounds the body
			}
			return []connect.HandlerOption{connect.WithReadMaxBytes(int(streamBytes))}
		}),
		connect.WithInterceptors(answers),
		connect.WithRecover(answers.recovered),
		connect.WithInterceptors(within...),
	}
}

// placedIn names the nodes that take a jurisdiction's data.
func (s *Server) placedIn(jurisdiction string) *indeliblev1.Placement {
	out := &indeliblev1.Placement{Jurisdiction: jurisdiction}
	nodes, err := s.log.Nodes()
	if err != nil {
		return out // the refusal stands without the list
	}
	for _, node := range nodes {
		if slices.Contains(node.Placement, jurisdiction) {
			out.Nodes = append(out.Nodes, &indeliblev1.PlacedNode{Name: node.Name, Url: s.cfg.Peers[node.Name]})
		}
	}
	return out
}

// serveMetrics answers Prometheus, to operators and auditors.
func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if status := s.mayFetch(r, entry.RoleOperator, entry.RoleAuditor); status != http.StatusOK {
		s.plainFault(w, "metrics", status)
		return
	}
	s.metrics.served.WithLabelValues("metrics", "200").Inc()
	promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// services are the names of what is served, for reflection and health.
var services = []string{
	indeliblev1connect.LedgerServiceName, indeliblev1connect.DevicesServiceName, indeliblev1connect.SubjectsServiceName,
	indeliblev1connect.RecordsServiceName, indeliblev1connect.ErasureServiceName, indeliblev1connect.ClusterServiceName,
}

// mountHealth mounts health checks and reflection, for whoever may connect:
// neither says anything about the log's content.
func (s *Server) mountHealth(mux *http.ServeMux, g *gate) {
	options := s.serving(openBytes, strict{open: true})
	mount := func(path string, handler http.Handler) { mux.Handle(path, g.open(handler)) }
	mount(grpchealth.NewHandler(health{s.node}, options...))
	reflector := grpcreflect.NewStaticReflector(append(slices.Clone(services), grpchealth.HealthV1ServiceName)...)
	mount(grpcreflect.NewHandlerV1(reflector, options...))
	mount(grpcreflect.NewHandlerV1Alpha(reflector, options...))
}
