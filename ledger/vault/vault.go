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
	if c.Author == nil {
		faults = append(faults, errors.New("vault: Author is missing"))
	}
	if c.Log == (entry.LogID{}) {
		faults = append(faults, errors.New("vault: Log is missing"))
	}
	if c.Every < 0 {
		faults = append(faults, errors.New("vault: Every is negative"))
	}
	if c.Now == nil {
		faults = append(faults, errors.New("vault: Now is missing"))
	}
	if c.Rand == nil {
		faults = append(faults, errors.New("vault: Rand is missing"))
	}
	if c.Logger == nil {
		faults = append(faults, errors.New("vault: Logger is missing"))
	}
	return errors.Join(faults...)
}

// Vault seals, releases and erases. It works on the local Store and proposes
// every change of it through Env. All methods but Run may be called from many
// goroutines.
type Vault struct {
	cfg      Config
	self     entry.AuthorID
	store    *Store
	policy   *proof.Policy
	provider Provider
	env      Env

	keys      *keys
	directory *directory
	admitted  *admissions
	wake      chan struct{} // capacity 1

	opening sync.Mutex // held while a subject is registered: one at a time on this node
	rooting sync.Mutex // held from the reservation of a root version until the command that uses it is answered

	state workerState // belongs to Run
	books books       // what Run found; has its own lock
}

// New puts a vault on a store. It starts nothing and opens no key.
func New(cfg Config, store *Store, provider Provider, env Env) (*Vault, error) {
	if err := errors.Join(cfg.Validate(), env.Validate()); err != nil {
		return nil, err
	}
	if store.policy.LogID() != cfg.Log {
		return nil, errors.New("vault: the store's policy speaks of another log")
	}
	if cfg.Every == 0 {
		cfg.Every = defaultEvery
	}
	v := &Vault{
		cfg: cfg, self: cfg.Author.Author(), store: store, policy: store.policy, provider: provider, env: env,
		keys: newKeys(store, provider), admitted: newAdmissions(cfg.Now), wake: make(chan struct{}, 1),
	}
	v.directory = newDirectory(v)
	store.observe(v.directory.forget)
	store.observe(func(c change) {
		if c.effect&wakesWorker != 0 {
			v.Wake()
		}
	})
	return v, nil
}

// CheckRoot opens the key at the top of the tree, if there is one. A node whose
// key folder was lost or exchanged would otherwise look sound and fail at every
// read.
func (v *Vault) CheckRoot() error {
	t, err := v.store.view().top()
	if err != nil || t == nil {
		return err
	}
	own, err := v.topNow(*t)
	if err != nil {
		return fmt.Errorf("vault: the key folder does not open what is sealed in %s; nothing was changed. Put back the keys this node stopped with: %w",
			v.store.group, err)
	}
	own.wipe()
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

// proposal is a command of this package.
type proposal interface{ command() Command }

// propose commits a command and waits for the answer. A refusal is returned as
// the error; any other error leaves the outcome unknown.
func (v *Vault) propose(ctx context.Context, p proposal) (Result, error) {
	c := p.command()
	if len(c.Body) > MaxCommand {
		return Result{}, entry.Refuse(entry.CodeTooLarge, "a command of %d bytes, at most %d", len(c.Body), MaxCommand)
	}
	result, err := v.env.Propose(ctx, c)
	if err != nil {
		return Result{}, fmt.Errorf("vault: propose command of type %d: %w", c.Type, err)
	}
	if result.Refusal != nil {
		return result, result.Refusal
	}
	return result, nil
}
