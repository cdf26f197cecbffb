package node

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sync/errgroup"

	"indelible/api"
	"indelible/api/client/credential"
	"indelible/cli/indelibled/config"
	"indelible/cli/indelibled/founding"
	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/ledger/vault"
	"indelible/ledger/vault/store"
	"indelible/raft"
)

// Sizes of the caches one process shares.
const (
	verifierKeys       = 65_536  // expanded author keys, about 1 KiB each
	verifierStatements = 131_072 // statements the edge has verified and apply will ask about
)

// The folders below Config.Dir, and below Config.Keys.
const (
	ledgerDir  = "ledger"
	raftDir    = "raft"
	vaultDir   = "vault"
	keyringDir = "keyring"
	lockFile   = "LOCK"
)

// Node is a node, opened. Run makes it work.
type Node struct {
	cfg      config.Config
	version  string
	logger   *slog.Logger
	identity identity
	cache    *pebble.Cache
	fs       vfs.FS
	lock     io.Closer

	verifier *entry.Verifier
	log      *ledger.Ledger
	stores   map[string]*store.Store
	vaults   map[string]*vault.Vault
	raft     *raft.Node
	api      *api.Server
	listener net.Listener
	public   net.Listener // nil when it is off
	debug    net.Listener // nil when it is off

	broken  chan error                // what a database reported from the background; the node must stop
	reason  atomic.Pointer[error]     // the first of it, for raft that is not open yet
	failing atomic.Pointer[raft.Node] // raft, once it is open: told of it at once, so that it signs nothing more
}

// identity is what a node is, read from its files.
type identity struct {
	credential.Log
	keys    *founding.NodeKeys
	author  *entry.PublicKey
	record  entry.Node // its own in genesis
	tls     tls.Certificate
	callers *x509.CertPool
}

// Open opens everything and listens; it answers no call yet. version is shown in
// the node's status; log lines go to the writer in the configured format.
func Open(ctx context.Context, cfg config.Config, version string, logs io.Writer) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, version: version, logger: newLogger(cfg, logs), fs: vfs.Default,
		stores: map[string]*store.Store{}, vaults: map[string]*vault.Vault{}, broken: make(chan error, 1),
	}
	for _, step := range []func() error{
		n.readIdentity, n.lockDir, n.openLedger, n.openStores, n.openRaft, n.openVaults, n.openEdge,
		func() error { return n.listen(ctx) },
	} {
		if err := step(); err != nil {
			return nil, errors.Join(err, n.Close())
		}
	}
	return n, nil
}

// lockDir keeps a second process out: two nodes on one state would both be the
// same voter.
func (n *Node) lockDir() error {
	if err := credential.MakeDir(n.cfg.Dir); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	var err error
	n.lock, err = lockState(n.fs, n.cfg.Dir)
	return err
}

// lockState locks a state folder for this process. A folder that cannot be
// written is not one that another process uses: an operator who is told so looks
// for a process that is not there.
func lockState(on vfs.FS, dir string) (io.Closer, error) {
	lock, err := on.Lock(filepath.Join(dir, lockFile))
	var file *fs.PathError
	if errors.As(err, &file) {
		return nil, fmt.Errorf("node: make the lock: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInUse, dir, err)
	}
	return lock, nil
}

// ErrInUse is a state folder another process works on.
var ErrInUse = errors.New("node: another process uses this folder")

func (n *Node) stateOptions(dir string) state.Options {
	return state.Options{FS: n.fs, Dir: dir, Cache: n.cache, Logger: n.logger, Broken: n.stop}
}

// stop notes the first reason for which the node cannot go on.
func (n *Node) stop(reason error) {
	n.reason.CompareAndSwap(nil, &reason)
	select {
	case n.broken <- reason:
	default:
	}
	n.fail()
}

// fail tells raft why the node cannot go on, as soon as there are both. It is
// called after each of the two came to be: raft would publish for as long as the
// edge takes to drain.
func (n *Node) fail() {
	node, reason := n.failing.Load(), n.reason.Load()
	if node != nil && reason != nil {
		node.Fail(*reason)
	}
}

func (n *Node) openLedger() error {
	n.cache = pebble.NewCache(n.cfg.CacheBytes)
	n.verifier = entry.NewVerifier(entry.VerifierConfig{Keys: verifierKeys, Statements: verifierStatements})
	var err error
	n.log, err = ledger.Open(ledger.Config{
		State:   n.stateOptions(filepath.Join(n.cfg.Dir, ledgerDir)),
		Genesis: n.identity.Genesis.Bytes(), Verifier: n.verifier, Logger: n.logger,
	})
	return err
}

func (n *Node) openStores() error {
	for _, jurisdiction := range n.identity.record.Placement {
		s, err := store.Open(store.Config{
			State:        n.stateOptions(filepath.Join(n.cfg.Dir, vaultDir, jurisdiction)),
			Jurisdiction: jurisdiction, Genesis: n.log.Genesis(), Policy: n.identity.Policy,
		})
		if err != nil {
			return err
		}
		n.stores[jurisdiction] = s
	}
	return nil
}

func (n *Node) openRaft() error {
	var err error
	n.raft, err = raft.Open(raft.Config{
		Name: n.cfg.Name, Dir: filepath.Join(n.cfg.Dir, raftDir), FS: n.fs, Cache: n.cache,
		Placement: n.identity.record.Placement,
		LogKey:    n.identity.keys.Log, CosignerKey: n.identity.keys.Cosigner, MLDSAKey: n.identity.keys.MLDSA,
		Now: time.Now, Rand: rand.Reader, Logger: n.logger,
	}, n.log, n.stores)
	n.failing.Store(n.raft)
	n.fail()
	return err
}

func (n *Node) openVaults() error {
	for jurisdiction, s := range n.stores {
		keys, err := vault.NewKeyring(n.fs, filepath.Join(n.cfg.Keys, keyringDir, jurisdiction), rand.Reader)
		if err != nil {
			return err
		}
		env := api.NewEnv(jurisdiction, n.log, n.raft, n.identity.keys.Author, rand.Reader)
		n.vaults[jurisdiction], err = vault.New(vault.Config{
			Author: n.identity.author, Log: n.log.ID(), Now: time.Now, Rand: rand.Reader, Logger: n.logger,
		}, s, keys, env)
		if err != nil {
			return err
		}
		if err := n.vaults[jurisdiction].CheckRoot(); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) openEdge() error {
	var err error
	n.api, err = api.New(api.Config{
		Name: n.cfg.Name, Version: n.version, Placement: n.identity.record.Placement,
		Certificate: n.identity.tls, ClientCAs: n.identity.callers, AuthorKey: n.identity.keys.Author,
		Policy: n.identity.Policy, PolicyMLDSA: n.identity.PolicyPQ,
		Now: time.Now, Rand: rand.Reader, Logger: n.logger,
	}, n.log, n.raft, n.vaults, n.verifier)
	return err
}

func (n *Node) listen(ctx context.Context) error {
	var on net.ListenConfig
	for _, l := range []struct {
		into         *net.Listener
		address, who string
	}{{&n.listener, n.cfg.Listen, "clients"}, {&n.public, n.cfg.Public, "the public"}, {&n.debug, n.cfg.DebugListen, "operators"}} {
		if l.address == "" {
			continue // it is off
		}
		var err error
		if *l.into, err = on.Listen(ctx, "tcp", l.address); err != nil {
			return fmt.Errorf("node: listen for %s: %w", l.who, err)
		}
	}
	return nil
}

// Address is where clients connect.
func (n *Node) Address() net.Addr { return n.listener.Addr() }

// Public is the address of the read-only listener, nil when it is off.
func (n *Node) Public() net.Addr {
	if n.public == nil {
		return nil
	}
	return n.public.Addr()
}

// Ready is closed once every group has a leader and a checkpoint is published.
func (n *Node) Ready() <-chan struct{} { return n.raft.Ready() }

// LogID is the log's identity.
func (n *Node) LogID() entry.LogID { return n.log.ID() }

// Run works until ctx ends or a part must stop, and returns when all parts
// have. It does not close what Open opened.
func (n *Node) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	// The edge goes first and the log last, so that calls under way can finish.
	logCtx, stopLog := context.WithCancel(context.WithoutCancel(ctx))
	var below error // an edge that fails because of it may be heard first, and the reason must not be lost
	group.Go(func() error {
		below = n.raft.Run(logCtx)
		return below
	})
	upper, upperCtx := errgroup.WithContext(ctx)
	upper.Go(func() error { return n.api.Serve(upperCtx, n.listener) })
	if n.public != nil {
		upper.Go(func() error { return n.api.ServePublic(upperCtx, n.public) })
	}
	if n.debug != nil {
		upper.Go(func() error { return n.api.ServeDebug(upperCtx, n.debug) })
	}
	for _, v := range n.vaults {
		upper.Go(func() error { return v.Run(upperCtx) })
	}
	upper.Go(func() error { return n.watch(upperCtx) })
	group.Go(func() error {
		defer stopLog()
		return upper.Wait()
	})
	if err := group.Wait(); !errors.Is(err, below) {
		return errors.Join(below, err)
	}
	return below
}

// watch turns what a database reports from the background into Run's error.
func (n *Node) watch(ctx context.Context) error {
	select {
	case reason := <-n.broken:
		return fmt.Errorf("%w: %w", raft.ErrBroken, reason)
	case <-ctx.Done():
		return nil
	}
}

// Close flushes and closes what Open opened, in reverse. It is not to be called
// after Run returned raft.ErrBroken: what lies beneath cannot be trusted then.
func (n *Node) Close() error {
	var faults []error
	for _, l := range []net.Listener{n.listener, n.public, n.debug} {
		if l == nil {
			continue
		}
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) { // Run may have closed it
			faults = append(faults, fmt.Errorf("node: close a listener: %w", err))
		}
	}
	if n.raft != nil {
		if err := n.raft.Close(); err != nil {
			// Something inside it still uses what lies beneath: the process has to
			// end with that open, for it would write into closed databases.
			return errors.Join(append(faults, err)...)
		}
	}
	for _, s := range n.stores {
		faults = append(faults, s.Close())
	}
	if n.log != nil {
		faults = append(faults, n.log.Close())
	}
	if n.cache != nil {
		n.cache.Unref()
	}
	if n.lock != nil {
		faults = append(faults, n.lock.Close())
	}
	return errors.Join(faults...)
}
