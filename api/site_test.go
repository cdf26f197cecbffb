package api

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/mldsa"
	"github.com/cockroachdb/pebble/v2/vfs"
	dto "github.com/prometheus/client_model/go"
	"golang.org/x/sync/errgroup"

	"indelible/api/edge"
	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/ledger/vault"
	"indelible/ledger/vault/store"
	"indelible/proof"
	"indelible/raft"
	"indelible/test/logs"
)

const (
	nodeName = "node-1"
	home     = "eu" // where the node is placed
	abroad   = "us" // a jurisdiction of the log that this node is not placed in
	second   = "in" // another the node is placed in
)

// site is a whole node under test: its log, vaults and edge, behind real TLS on
// the loopback interface, with one credential of each role.
type site struct {
	t                *testing.T
	ca               *authority
	device           *authority // device CA, active in the log
	log              *ledger.Ledger
	node             *raft.Node
	vaults           map[string]*vault.Vault
	revault          func(jurisdiction string, env vault.Env) *vault.Vault // another on the same store and keys
	server           *Server
	policy, policyPQ *proof.Policy
	url              string
	stop             func()             // ends the edge, as a signal does
	key              ed25519.PrivateKey // the node's author key
	logs             *logs.Buffer
	people           map[string]*person
}

// person holds one key, for connections and for statements.
type person struct {
	site *site
	key  *ecdsa.PrivateKey
	id   entry.AuthorID
	spki []byte
	cert tls.Certificate
	http *http.Client
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := certTemplate(name)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	a.cert = sign(t, template, template, a.key.Public(), a.key)
	return a
}

func certTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true,
	}
}

func sign(t *testing.T, template, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return cert
}

// issue certifies a key for connections.
func (a *authority) issue(t *testing.T, name string, key crypto.Signer) *x509.Certificate {
	t.Helper()
	return sign(t, certTemplate(name), a.cert, key.Public(), a.key)
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func spki(t *testing.T, pub crypto.PublicKey) []byte {
	t.Helper()
	key, err := entry.NewPublicKey(pub)
	must(t, err)
	return key.SPKI()
}

func nowMillis() uint64 { return uint64(time.Now().UnixMilli()) }

// newPerson makes a key and a certificate; being enrolled is another matter.
func (s *site) newPerson(name string) *person {
	s.t.Helper()
	key := newKey(s.t)
	pub, err := entry.NewPublicKey(key.Public())
	must(s.t, err)
	p := &person{site: s, key: key, id: pub.Author(), spki: pub.SPKI()}
	cert := s.ca.issue(s.t, name, key)
	p.cert = tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
	p.http = s.client(&p.cert)
	return p
}

// client is an HTTP/2 client with a certificate, or without one.
func (s *site) client(cert *tls.Certificate) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(s.ca.cert)
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
	if cert != nil {
		config.Certificates = []tls.Certificate{*cert}
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// nodeKeys are the private keys of the node under test.
type nodeKeys struct {
	log, cosigner, author ed25519.PrivateKey
	mldsa                 *mldsa.PrivateKey
	tls                   *ecdsa.PrivateKey
}

func newNodeKeys(t *testing.T) nodeKeys {
	t.Helper()
	ed := func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		must(t, err)
		return key
	}
	pq, err := mldsa.GenerateKey(mldsa.MLDSA44())
	must(t, err)
	return nodeKeys{log: ed(), cosigner: ed(), author: ed(), mldsa: pq, tls: newKey(t)}
}

// siteOptions vary a site.
type siteOptions struct {
	limits edge.Limits
	grace  uint64 // milliseconds
	floor  uint64 // of every class, milliseconds
}

// newSite founds a log and starts its one node. Nobody but genesis' registrars
// and operators is enrolled.
func newSite(t *testing.T, o siteOptions) *site {
	t.Helper()
	s := &site{t: t, logs: &logs.Buffer{}, vaults: map[string]*vault.Vault{}, people: map[string]*person{}}
	t.Cleanup(func() {
		for line := range strings.Lines(s.logs.String()) {
			if t.Failed() && strings.Contains(line, "level=ERROR") {
				t.Log(line)
			}
		}
	})
	s.ca, s.device = newAuthority(t, "connections"), newAuthority(t, "devices")
	keys := newNodeKeys(t)
	for _, name := range []string{"registrar", "registrar2", "operator", "operator2"} {
		s.people[name] = s.newPerson(name)
	}
	genesis := s.genesis(keys, o)
	s.run(genesis, keys, o)
	return s
}

func (s *site) genesis(keys nodeKeys, o siteOptions) *entry.Statement {
	rule := func(name string, regime entry.Regime) entry.JurisdictionRule {
		return entry.JurisdictionRule{Name: name, Regime: regime, Grace: o.grace,
			FloorClinical: o.floor, FloorIdentity: o.floor, FloorAudit: 24 * 3600 * 1000}
	}
	request := entry.RequestID{1}
	statement, err := entry.Draft{Kind: entry.KindGenesis, IssuedAt: nowMillis() - 60_000, Request: &request, Body: &entry.Genesis{
		Origin: "indelible.example/test", LogKey: spki(s.t, keys.log.Public()),
		Nodes: []entry.Node{{
			Name: nodeName, AuthorKey: spki(s.t, keys.author.Public()), CosignerKey: spki(s.t, keys.cosigner.Public()),
			MLDSAKey: keys.mldsa.PublicKey().Bytes(), TLSKey: spki(s.t, keys.tls.Public()), Placement: []string{home, second},
		}},
		Registrars: [][]byte{s.people["registrar"].spki, s.people["registrar2"].spki},
		Operators:  [][]byte{s.people["operator"].spki, s.people["operator2"].spki},
		Jurisdictions: []entry.JurisdictionRule{
			rule(home, entry.RegimeGDPR), rule(abroad, entry.RegimeHIPAA), rule(second, entry.RegimeDPDP),
		},
	}}.Sign(rand.Reader, s.people["registrar"].key)
	must(s.t, err)
	return statement
}

// run opens everything on a memory file system, serves, and waits until the
// node is ready. The test's end stops it and demands that it ended in order.
func (s *site) run(genesis *entry.Statement, keys nodeKeys, o siteOptions) {
	t, fs := s.t, vfs.NewMem()
	logger := slog.New(slog.NewTextHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	options := func(dir string) state.Options {
		return state.Options{FS: fs, Dir: dir, Logger: logger, MemTableBytes: 1 << 20, Broken: func(err error) { t.Errorf("storage: %v", err) }}
	}
	verifier := entry.NewVerifier(entry.VerifierConfig{})
	var err error
	s.log, err = ledger.Open(ledger.Config{State: options("ledger"), Genesis: genesis.Bytes(), Verifier: verifier, Logger: logger})
	must(t, err)
	s.pin(genesis, keys)
	stores := map[string]*store.Store{}
	for _, j := range []string{home, second} {
		stores[j], err = store.Open(store.Config{State: options("vault-" + j), Jurisdiction: j, Genesis: s.log.Genesis(), Policy: s.policy})
		must(t, err)
	}
	s.node, err = raft.Open(raft.Config{
		Name: nodeName, Dir: "raft", FS: fs, Placement: []string{home, second}, LogKey: keys.log, CosignerKey: keys.cosigner, MLDSAKey: keys.mldsa,
		Now: time.Now, Rand: rand.Reader, Logger: logger,
	}, s.log, stores)
	must(t, err)
	author, err := entry.NewPublicKey(keys.author.Public())
	must(t, err)
	s.revault = func(j string, env vault.Env) *vault.Vault {
		ring, err := vault.NewKeyring(fs, "keys-"+j, rand.Reader)
		must(t, err)
		if env.Propose == nil {
			env = NewEnv(j, s.log, s.node, keys.author, rand.Reader)
		}
		v, err := vault.New(vault.Config{Author: author, Log: s.log.ID(), Now: time.Now, Rand: rand.Reader, Logger: logger}, stores[j], ring, env)
		must(t, err)
		return v
	}
	for j := range stores {
		s.vaults[j] = s.revault(j, vault.Env{})
	}
	s.key = keys.author
	t.Cleanup(func() { // after the cleanup of serve, which stops everything
		must(t, s.node.Close())
		for _, store := range stores {
			must(t, store.Close())
		}
		must(t, s.log.Close())
	})
	s.serve(keys, o, logger, verifier)
}

// pin makes the policies that clients of this log pin.
func (s *site) pin(genesis *entry.Statement, keys nodeKeys) {
	nodes := []proof.PolicyNode{{
		Name: nodeName, Ed25519: keys.cosigner.Public().(ed25519.PublicKey), MLDSA: keys.mldsa.PublicKey().Bytes(),
	}}
	var err error
	for _, p := range []struct {
		to *(*proof.Policy)
		pq bool
	}{{&s.policy, false}, {&s.policyPQ, true}} {
		*p.to, err = proof.MajorityPolicy(genesis.LogID(), s.log.Genesis().Origin, keys.log.Public().(ed25519.PublicKey), nodes, p.pq)
		must(s.t, err)
	}
}

func (s *site) serve(keys nodeKeys, o siteOptions, logger *slog.Logger, verifier *entry.Verifier) {
	t := s.t
	cert := s.ca.issue(t, nodeName, keys.tls)
	callers := x509.NewCertPool()
	callers.AddCert(s.ca.cert)
	var err error
	s.server, err = New(Config{
		Name: nodeName, Version: "test", Placement: []string{home, second},
		Certificate: tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: keys.tls}, ClientCAs: callers,
		AuthorKey: keys.author, Policy: s.policy, PolicyMLDSA: s.policyPQ, Limits: o.limits, Peers: map[string]string{nodeName: "https://127.0.0.1:1"},
		Now: time.Now, Rand: rand.Reader, Logger: logger,
	}, s.log, s.node, s.vaults, verifier)
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.url = "https://" + listener.Addr().String()

	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	logCtx, stopLog := context.WithCancel(context.Background())
	upper, upperCtx := errgroup.WithContext(ctx)
	below := make(chan error, 1)
	go func() { below <- s.node.Run(logCtx) }()
	upper.Go(func() error { return s.server.Serve(upperCtx, listener) })
	for _, v := range s.vaults {
		upper.Go(func() error { return v.Run(upperCtx) })
	}
	t.Cleanup(func() {
		cancel()
		must(t, upper.Wait())
		stopLog()
		must(t, <-below)
	})
	select {
	case <-s.node.Ready():
	case err := <-below:
		t.Fatalf("the node ended: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("the node did not become ready in 30 s")
	}
}

// counted is a metric of the node as Prometheus gets it, by its name without the
// prefix and the values of its labels; 0 when there is none.
func (s *site) counted(name string, labels ...string) float64 {
	s.t.Helper()
	m := s.metric(name, labels...)
	return m.GetCounter().GetValue() + m.GetGauge().GetValue()
}

func (s *site) metric(name string, labels ...string) *dto.Metric {
	s.t.Helper()
	families, err := s.server.edge.Metrics().Gather()
	must(s.t, err)
	slices.Sort(labels)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var values []string
			for _, pair := range m.GetLabel() {
				values = append(values, pair.GetValue())
			}
			slices.Sort(values)
			if family.GetName() == edge.Namespace+"_"+name && slices.Equal(values, labels) {
				return m
			}
		}
	}
	return nil
}
