package client

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"connectrpc.com/connect"

	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/ledger/entry"
	"indelible/proof"
)

const (
	// MaxAnswer is the most that is read of one answer, in bytes: a page of records
	// with their openings, or a full batch of receipts.
	MaxAnswer = 64 << 20

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

// Config is what a Client needs. URL, TLS, Policy, Now and Logger are required.
type Config struct {
	// URL is the address of a node, https://host:port. The node names others where
	// they are needed.
	URL string
	// TLS is the client side of the connection: TLS 1.3, the log's authority as
	// RootCAs, the caller's certificate. credential.Credential.TLS makes one.
	TLS *tls.Config
	// Policy is pinned: it decides which checkpoints count.
	Policy *proof.Policy
	// PolicyPQ counts ML-DSA-44 cosignatures. Nil: CheckpointPQ is not available.
	PolicyPQ *proof.Policy
	// History remembers the checkpoints seen. Clients of one process share one, so
	// that a log that shows each a different history is found out. Nil: one of the
	// client's own, which begins with nothing.
	History *History
	// Journal makes statements durable before they are sent first, so that a crash
	// leaves the bytes that may be in the log. Folder.Journal is one. Nil: what is
	// sent is durable already.
	Journal func([]*Signed) error
	// Keep is called with what was proven before it is returned: statements the
	// caller wrote, and entries a node wrote on the caller's behalf. Folder.Keep is
	// one. An error of it ends the call. Nil: nothing is kept.
	Keep func([]Outcome) error
	// Options are added to every RPC, such as connect.WithGRPC().
	Options []connect.ClientOption
	Now     func() time.Time
	Logger  *slog.Logger
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	require := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New("client: "+what))
		}
	}
	require(httpsURL(c.URL), "URL must be https://host:port")
	require(c.Policy != nil, "Policy is missing")
	require(c.Now != nil, "Now is missing")
	require(c.Logger != nil, "Logger is missing")
	return errors.Join(append(faults, validTLS(c.TLS))...)
}

func httpsURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func validTLS(cfg *tls.Config) error {
	switch {
	case cfg == nil || cfg.MinVersion < tls.VersionTLS13:
		return errors.New("client: TLS 1.3 is required")
	case cfg.InsecureSkipVerify || cfg.RootCAs == nil:
		return errors.New("client: the servers' CA must be pinned")
	case len(cfg.Certificates) == 0 && cfg.GetClientCertificate == nil:
		return errors.New("client: a client certificate is required")
	}
	return nil
}

// HTTP is an HTTP/2 client for a TLS configuration, for what is not an RPC: the
// checkpoint, the tiles, the metrics. It follows no redirect. A configuration that
// accepts older TLS or any server, or has no certificate to show, is refused.
func HTTP(cfg *tls.Config) (*http.Client, error) {
	if err := validTLS(cfg); err != nil {
		return nil, err
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

// Client speaks to a log as one caller: the key of its TLS certificate is who it
// is. Safe for concurrent use.
type Client struct {
	cfg     Config
	http    *http.Client
	history *History

	mu     sync.Mutex // guards everything below
	nodes  map[string]services
	placed map[string]string                   // jurisdiction → URL of a node placed there
	keys   map[entry.AuthorID]*entry.PublicKey // of the nodes in genesis; nil until needed
	doubt  error                               // see LastDoubt
}

// services are the RPCs of one node.
type services struct {
	indeliblev1connect.LedgerServiceClient
	indeliblev1connect.SubjectsServiceClient
	indeliblev1connect.DevicesServiceClient
	indeliblev1connect.RecordsServiceClient
	indeliblev1connect.ErasureServiceClient
	indeliblev1connect.ClusterServiceClient
}

// New checks the configuration. It connects to nothing yet.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	web, err := HTTP(cfg.TLS)
	if err != nil {
		return nil, err
	}
	cfg.Options = append([]connect.ClientOption{connect.WithReadMaxBytes(MaxAnswer)}, cfg.Options...)
	if cfg.Journal == nil {
		cfg.Journal = func([]*Signed) error { return nil }
	}
	c := &Client{cfg: cfg, http: web, history: cfg.History, nodes: map[string]services{}, placed: map[string]string{}}
	if c.history == nil {
		c.history = &History{}
	}
	return c, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Policy is the pinned policy.
func (c *Client) Policy() *proof.Policy { return c.cfg.Policy }

// node returns the services of the node to ask about a jurisdiction, and its URL.
func (c *Client) node(jurisdiction string) (n services, base string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	base = c.cfg.URL
	if other, ok := c.placed[jurisdiction]; ok {
		base = other
	}
	n, ok := c.nodes[base]
	if !ok {
		n = services{
			indeliblev1connect.NewLedgerServiceClient(c.http, base, c.cfg.Options...),
			indeliblev1connect.NewSubjectsServiceClient(c.http, base, c.cfg.Options...),
			indeliblev1connect.NewDevicesServiceClient(c.http, base, c.cfg.Options...),
			indeliblev1connect.NewRecordsServiceClient(c.http, base, c.cfg.Options...),
			indeliblev1connect.NewErasureServiceClient(c.http, base, c.cfg.Options...),
			indeliblev1connect.NewClusterServiceClient(c.http, base, c.cfg.Options...),
		}
		c.nodes[base] = n
	}
	return n, base
}
