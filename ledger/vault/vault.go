package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"indelible/ledger/entry"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/store"
	"indelible/proof"
)

// defaultEvery is how often the worker looks round without being woken.
const defaultEvery = time.Second

// Config says how a vault works on its node.
type Config struct {
	Author *entry.PublicKey // this node's author key: grants must be signed by it; required
	Log    entry.LogID      // identity of the log; required
	Every  time.Duration    // how often the worker looks round without being woken; 0 means one second
	Now    func() time.Time // required
	Rand   io.Reader        // keys and handles; cryptographically secure, safe for concurrent use; required
	Logger *slog.Logger     // required
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	if c.Every < 0 {
		faults = append(faults, errors.New("vault: Every is negative"))
	}
	return errors.Join(append(faults, missing("", map[string]bool{
		"Author": c.Author == nil, "Log": c.Log == entry.LogID{}, "Now": c.Now == nil, "Rand": c.Rand == nil, "Logger": c.Logger == nil,
	}))...)
}

// missing names every field that is missing.
func missing(prefix string, fields map[string]bool) error {
	var faults []error
	for name, yes := range fields {
		if yes {
			faults = append(faults, errors.New("vault: "+prefix+name+" is missing"))
		}
	}
	return errors.Join(faults...)
}

// Vault seals, releases and erases. It works on the local store and proposes
// every change of it through Env. All methods but Run may be called from many
// goroutines.
type Vault struct {
	cfg    Config
	self   entry.AuthorID
	group  string // the jurisdiction
	store  *store.Store
	policy *proof.Policy
	env    Env

	keys      *keytree.Tree
	directory *directory
	admitted  *admissions
	wake      chan struct{} // capacity 1

	opening sync.Mutex // held while a subject is registered: one at a time on this node

	state    workerState // belongs to Run
	findings findings    // of Run; has its own lock
}

// New puts a vault on a store. It starts nothing and opens no key.
func New(cfg Config, s *store.Store, p Provider, env Env) (*Vault, error) {
	if err := errors.Join(cfg.Validate(), env.Validate()); err != nil {
		return nil, err
	}
	if s.Policy().LogID() != cfg.Log {
		return nil, errors.New("vault: the store's policy speaks of another log")
	}
	if cfg.Every == 0 {
		cfg.Every = defaultEvery
	}
	v := &Vault{
		cfg: cfg, self: cfg.Author.Author(), group: s.Jurisdiction(), store: s, policy: s.Policy(), env: env,
		admitted: newAdmissions(cfg.Now), wake: make(chan struct{}, 1),
	}
	v.keys = keytree.New(keytree.Config{
		Store: s, Provider: p, Self: v.self, Rand: cfg.Rand, Propose: v.propose,
		Attest: func(message []byte) ([]byte, error) { return v.env.Attest(message) },
	})
	v.directory = newDirectory(v)
	s.Observe(v.directory.forget)
	s.Observe(func(c store.Change) {
		if c.Due {
			v.Wake()
		}
	})
	return v, nil
}

// CheckRoot opens the key at the top of the tree, if there is one. A node whose
// key folder was lost or exchanged would otherwise look sound and fail at every
// read.
func (v *Vault) CheckRoot() error {
	if err := v.keys.Check(); err != nil {
		return fmt.Errorf("vault: the key folder does not open what is sealed in %s; nothing was changed. Put back the keys this node stopped with: %w",
			v.group, err)
	}
	return nil
}

// Wake makes Run look round now. The api calls it after it has committed
// something an erasure may be waiting for.
func (v *Vault) Wake() {
	select {
	case v.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// propose commits a command and waits for the answer. A refusal is returned as
// the error; any other error leaves the outcome unknown.
func (v *Vault) propose(ctx context.Context, p store.Proposal) (store.Result, error) {
	c := store.Encode(p)
	if len(c.Body) > store.MaxCommand {
		return store.Result{}, entry.Refuse(entry.CodeTooLarge, "a command of %d bytes, at most %d", len(c.Body), store.MaxCommand)
	}
	result, err := v.env.Propose(ctx, c)
	if err != nil {
		return store.Result{}, fmt.Errorf("vault: propose command of type %d: %w", c.Type, err)
	}
	if result.Refusal != nil {
		return result, result.Refusal
	}
	return result, nil
}

// isCode reports whether err is a refusal with this code.
func isCode(err error, code entry.Code) bool { return errors.Is(err, &entry.Refusal{Code: code}) }

func (v *Vault) nowMillis() uint64 { return uint64(v.cfg.Now().UnixMilli()) }
