package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"

	"connectrpc.com/connect"
	"golang.org/x/sync/singleflight"
	"google.golang.org/protobuf/reflect/protoreflect"

	"indelible/api/edge"
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
	cfg      Config
	edge     *edge.Edge
	log      *ledger.Ledger
	node     *raft.Node
	replica  replica                 // both, as the way in and the proofs that come back
	author   entry.AuthorID          // the node's own
	vaults   map[string]*vault.Vault // by jurisdiction; never changed
	verifier *entry.Verifier
	metrics  *metrics
	opening  singleflight.Group // of staff handles, by handle
	searches chan struct{}      // one for each search for gaps under way
	handler  http.Handler
	public   http.Handler
}

// New makes the server of a node. vaults has one for each jurisdiction of
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
	cfg.Limits = cfg.Limits.WithDefaults()
	s := &Server{
		cfg: cfg, log: log, node: node, replica: replica{log: log, node: node}, author: author.Author(), vaults: vaults, verifier: verifier,
		searches: make(chan struct{}, gapSearches),
	}
	if s.edge, err = edge.New(s.edgeConfig()); err != nil {
		return nil, err
	}
	s.metrics = newMetrics(s.edge.Metrics(), log, node)
	s.mount()
	return s, nil
}

func (s *Server) edgeConfig() edge.Config {
	return edge.Config{
		Certificate: s.cfg.Certificate, ClientCAs: s.cfg.ClientCAs, Placement: s.cfg.Placement, Limits: s.cfg.Limits, Services: services(),
		Author: s.log.Author, Placed: s.placedIn, Ready: func() bool { return s.node.Status().Ready }, Foreseen: foreseen,
		Now: s.cfg.Now, Rand: s.cfg.Rand, Logger: s.cfg.Logger,
	}
}

// services are the files whose services are served.
func services() []protoreflect.FileDescriptor {
	return []protoreflect.FileDescriptor{
		indeliblev1.File_indelible_v1_ledger_proto,
		indeliblev1.File_indelible_v1_devices_proto,
		indeliblev1.File_indelible_v1_subjects_proto,
		indeliblev1.File_indelible_v1_records_proto,
		indeliblev1.File_indelible_v1_erasure_proto,
		indeliblev1.File_indelible_v1_cluster_proto,
	}
}

// mount puts the handlers together.
func (s *Server) mount() {
	mux, public := http.NewServeMux(), http.NewServeMux()
	mount := func(path string, handler http.Handler) { mux.Handle(path, s.edge.Gate(handler)) }
	options, all := connect.WithHandlerOptions(s.edge.Options()...), handlers{s}
	mount(indeliblev1connect.NewLedgerServiceHandler(all, options))
	mount(indeliblev1connect.NewDevicesServiceHandler(all, options))
	mount(indeliblev1connect.NewSubjectsServiceHandler(all, options))
	mount(indeliblev1connect.NewRecordsServiceHandler(all, options))
	mount(indeliblev1connect.NewErasureServiceHandler(all, options))
	mount(indeliblev1connect.NewClusterServiceHandler(all, options))
	s.edge.Mount(mux)
	s.mountStatic(mux, true)
	s.mountStatic(public, false)
	s.handler, s.public = edge.Exactly(mux), edge.Exactly(public)
}

// handlers are the RPCs of all services.
type handlers struct{ *Server }

// Serve answers clients on the listener until ctx ends, then lets calls under
// way finish for a few seconds. It closes the listener and returns nil after an
// orderly end.
func (s *Server) Serve(ctx context.Context, on net.Listener) error {
	return s.edge.Serve(ctx, on, s.handler)
}

// ServePublic serves the checkpoint and hash tiles, nothing else, to anyone, on
// a listener of its own.
func (s *Server) ServePublic(ctx context.Context, on net.Listener) error {
	return s.edge.ServePublic(ctx, on, s.public)
}

// ServeDebug serves profiles and counts of the process to operators, on a
// listener of its own.
func (s *Server) ServeDebug(ctx context.Context, on net.Listener) error {
	return s.edge.Serve(ctx, on, s.edge.DebugHandler())
}

// vault is that of a jurisdiction this node is placed in. The gate lets no
// other pass; statements whose own jurisdiction differs were refused.
func (s *Server) vault(jurisdiction string) (*vault.Vault, error) {
	if !slices.Contains(s.cfg.Placement, jurisdiction) {
		return nil, wire.Refuse(wire.CodeNotPlacedHere)
	}
	return s.vaults[jurisdiction], nil
}

// placedIn names the nodes that take a jurisdiction's data.
func (s *Server) placedIn(jurisdiction string) *indeliblev1.Placement {
	out := &indeliblev1.Placement{Jurisdiction: jurisdiction}
	nodes, _ := s.replica.placed(jurisdiction) // the refusal stands without the list
	for _, node := range nodes {
		out.Nodes = append(out.Nodes, &indeliblev1.PlacedNode{Name: node.name, Url: s.cfg.Peers[node.name]})
	}
	return out
}
