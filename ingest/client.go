package ingest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/ledger/entry"
	proofs "indelible/proof"
)

const (
	// JurisdictionHeader names the jurisdiction of a request that carries or
	// returns health information; a node that is not placed there refuses before it
	// reads the body.
	JurisdictionHeader = "Indelible-Jurisdiction"

	// maxResponse bounds what is read of one answer, in bytes: a full batch of
	// receipts, each with its own copy of a checkpoint.
	maxResponse = 32 << 20
	// callTimeout bounds one call. A call that outlives it has an unknown outcome
	// and is repeated with the same bytes.
	callTimeout = 30 * time.Second
	// maxHops bounds how often one call follows a node's word that another one is
	// placed in the jurisdiction.
	maxHops = 3
	// pingAfter and pingTimeout bound how long a connection is used whose other end is
	// gone without a word: a node cut off, a forgotten NAT entry. Without them every
	// call of the next quarter of an hour would go there.
	pingAfter   = 10 * time.Second
	pingTimeout = 5 * time.Second
)

// TLSConfig is the only way a client speaks: TLS 1.3, servers verified against
// roots alone, and a certificate of its own.
func TLSConfig(roots *x509.CertPool, certificate tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		RootCAs:      roots,
		Certificates: []tls.Certificate{certificate},
	}
}

// NewHTTPClient is an HTTP/2 client for a TLSConfig. It refuses a configuration
// that accepts older TLS, any server, or has no certificate to show.
func NewHTTPClient(cfg *tls.Config) (*http.Client, error) {
	switch {
	case cfg == nil || cfg.MinVersion < tls.VersionTLS13:
		return nil, errors.New("ingest: TLS 1.3 is required")
	case cfg.InsecureSkipVerify || cfg.RootCAs == nil:
		return nil, errors.New("ingest: the servers' CA must be pinned")
	case len(cfg.Certificates) == 0 && cfg.GetClientCertificate == nil:
		return nil, errors.New("ingest: a client certificate is required")
	}
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig:     cfg.Clone(),
			ForceAttemptHTTP2:   true,
			TLSHandshakeTimeout: 10 * time.Second,
			IdleConnTimeout:     90 * time.Second,
			MaxIdleConnsPerHost: 4,
			HTTP2:               &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// ClientConfig is what a client needs. All fields are required.
type ClientConfig struct {
	URL      string         // https://host:port of a node
	TLS      *tls.Config    // from TLSConfig
	Policy   *proofs.Policy // pinned: decides which checkpoints count
	Receipts *Receipts      // where what was verified is kept; clients may share one
	Now      func() time.Time
	Logger   *slog.Logger
}

// Validate reports every fault of the configuration at once.
func (c ClientConfig) Validate() error {
	var faults []error
	require := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New("ingest: client: "+what))
		}
	}
	require(httpsURL(c.URL), "URL must be https://host:port")
	require(c.TLS != nil, "TLS is missing")
	require(c.Policy != nil, "Policy is missing")
	require(c.Receipts != nil, "Receipts is missing")
	require(c.Now != nil, "Now is missing")
	require(c.Logger != nil, "Logger is missing")
	return errors.Join(faults...)
}

func httpsURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// Client speaks to a cluster as one caller: the key of its TLS certificate is who
// it is. It believes no answer: what it returns as proven it has verified against
// the pinned policy, from the statement in its own hands, and stored. Safe for
// concurrent use.
type Client struct {
	cfg  ClientConfig
	http *http.Client

	mu     sync.Mutex // guards everything below
	nodes  map[string]*node
	placed map[string]string                   // jurisdiction → URL of a node placed there
	keys   map[entry.AuthorID]*entry.PublicKey // of the nodes in genesis; nil until needed
	doubt  error                               // see repeats
}

// node is one node's services.
type node struct {
	ledger   indeliblev1connect.LedgerServiceClient
	subjects indeliblev1connect.SubjectsServiceClient
}

// NewClient checks the configuration and connects to nothing yet.
func NewClient(cfg ClientConfig) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	httpClient, err := NewHTTPClient(cfg.TLS)
	if err != nil {
		return nil, err
	}
	return &Client{cfg: cfg, http: httpClient, nodes: map[string]*node{}, placed: map[string]string{}}, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// node returns the services of the node to ask about a jurisdiction, and its URL.
func (c *Client) node(jurisdiction string) (n *node, base string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	base = c.cfg.URL
	if other, ok := c.placed[jurisdiction]; ok {
		base = other
	}
	n, ok := c.nodes[base]
	if !ok {
		options := []connect.ClientOption{connect.WithReadMaxBytes(maxResponse)}
		n = &node{
			ledger:   indeliblev1connect.NewLedgerServiceClient(c.http, base, options...),
			subjects: indeliblev1connect.NewSubjectsServiceClient(c.http, base, options...),
		}
		c.nodes[base] = n
	}
	return n, base
}

// call makes one unary call and follows placement. An error is of the whole call.
func call[Req, Res any](ctx context.Context, c *Client, jurisdiction string, message *Req,
	method func(*node) func(context.Context, *connect.Request[Req]) (*connect.Response[Res], error),
) (*Res, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for hop := 0; ; hop++ {
		request := connect.NewRequest(message)
		if jurisdiction != "" {
			request.Header().Set(JurisdictionHeader, jurisdiction)
		}
		n, base := c.node(jurisdiction)
		response, err := method(n)(ctx, request)
		if err == nil {
			return response.Msg, nil
		}
		c.leave(jurisdiction, base, err)
		if hop == maxHops || !c.follow(jurisdiction, err) {
			return nil, err
		}
	}
}

// follow remembers the node that an answer names as placed in a jurisdiction and
// says whether it is another one. Its certificate must be of the same pinned CA.
func (c *Client) follow(jurisdiction string, err error) bool {
	placement := new(indeliblev1.Placement)
	if jurisdiction == "" || !detail(err, placement) || placement.Jurisdiction != jurisdiction {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range placement.Nodes {
		if httpsURL(n.Url) && n.Url != c.placed[jurisdiction] {
			c.placed[jurisdiction] = n.Url
			return true
		}
	}
	return false
}

// leave forgets a node that does not answer, so that the configured one is asked
// again, which knows who took its place.
func (c *Client) leave(jurisdiction, base string, err error) {
	if code := connect.CodeOf(err); code != connect.CodeUnavailable && code != connect.CodeDeadlineExceeded {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.placed[jurisdiction] == base {
		delete(c.placed, jurisdiction)
	}
}

// detail reads the first detail of a type out of a call's error.
func detail(err error, into proto.Message) bool {
	var failure *connect.Error
	if !errors.As(err, &failure) {
		return false
	}
	for _, d := range failure.Details() {
		value, err := d.Value()
		if err == nil && value.ProtoReflect().Descriptor().FullName() == into.ProtoReflect().Descriptor().FullName() {
			proto.Merge(into, value)
			return true
		}
	}
	return false
}

// Register asks the vault for the handle of a new subject, repeating the call
// until it is answered or ctx ends. The same request id gives the same handle. A
// *entry.Refusal is final; ALREADY_REGISTERED is one.
func (c *Client) Register(ctx context.Context, jurisdiction string, request entry.RequestID, class entry.HandleClass, identifiers []string) (entry.Handle, error) {
	message := &indeliblev1.RegisterRequest{
		RequestId:   request[:],
		Class:       indeliblev1.HandleClass(class),
		Identifiers: identifiers,
	}
	var pause backoff
	for {
		answer, err := call(ctx, c, jurisdiction, message, func(n *node) func(context.Context, *connect.Request[indeliblev1.RegisterRequest]) (*connect.Response[indeliblev1.RegisterResponse], error) {
			return n.subjects.Register
		})
		if err == nil {
			if len(answer.Handle) != entry.IDSize {
				return entry.Handle{}, errors.New("ingest: register: the answer holds no handle")
			}
			return entry.Handle(answer.Handle), nil
		}
		delay, final := judge(err)
		if final != nil {
			return entry.Handle{}, fmt.Errorf("ingest: register a subject: %w", final)
		}
		c.repeats(ctx, fmt.Errorf("%w (%s)", ErrUnreachable, callCode(err)))
		if err := pause.wait(ctx, delay); err != nil {
			return entry.Handle{}, fmt.Errorf("ingest: register a subject: %w", err)
		}
	}
}
