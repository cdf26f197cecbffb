package keytree

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"sync"

	"indelible/ledger/entry"
	"indelible/ledger/vault/layout"
	"indelible/ledger/vault/store"
)

// Bounds of what is held in memory.
const (
	cachedNodes   = 1024  // opened nodes of the tree, 2 KiB each
	cachedCiphers = 16384 // ciphers of leaves, about 1 KiB each
)

// ErrKeyGone says that a leaf is not in the tree any more, or never was.
var ErrKeyGone = errors.New("vault: the key was erased")

// Config says what a tree works with. All of it is required.
type Config struct {
	Store    *store.Store   // its nodes, sealed, and what is to become of them
	Provider Provider       // its root versions
	Self     entry.AuthorID // this node's author, in whose name verdicts and attestations are given
	Rand     io.Reader      // keys; cryptographically secure, safe for concurrent use

	// Propose commits a command and waits for the answer. A refusal is the error;
	// any other error leaves the outcome unknown.
	Propose func(ctx context.Context, p store.Proposal) (store.Result, error)

	// Attest signs a message with this node's author key.
	Attest func(message []byte) (signature []byte, err error)
}

// Tree opens and changes the key tree. It holds what it opened until Apply says
// that something changed; before Apply returns, it has forgotten. All methods
// may be called from many goroutines.
type Tree struct {
	cfg Config

	attempt sync.Mutex // held from the reservation of a root version until the command that uses it is answered

	mu      sync.Mutex // guards all below
	epoch   uint64     // raised whenever something is forgotten
	top     *Key       // of the highest node; nil when not unwrapped yet
	topAt   uint64     // version of the tree it was unwrapped for
	nodes   map[store.Place]*node
	ciphers map[uint64]cipher.AEAD // by leaf
}

// New puts a tree on a store. It opens nothing.
func New(cfg Config) *Tree {
	t := &Tree{cfg: cfg, nodes: make(map[store.Place]*node), ciphers: make(map[uint64]cipher.AEAD)}
	cfg.Store.Observe(t.forget)
	return t
}

func (t *Tree) group() string { return t.cfg.Store.Jurisdiction() }

// forget drops opened nodes when the tree changed, and all keys when one of
// them died.
func (t *Tree) forget(c store.Change) {
	if !c.TreeWritten && !c.KeysDied {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.epoch++
	if t.top != nil {
		t.top.wipe()
		t.top = nil
	}
	for _, n := range t.nodes {
		n.wipe()
	}
	clear(t.nodes)
	if c.KeysDied {
		clear(t.ciphers)
	}
}

// Check opens the key at the top of the tree, if there is one.
func (t *Tree) Check() error {
	top, err := t.cfg.Store.View().Top()
	if err != nil || top == nil {
		return err
	}
	own, err := t.unwrap(top)
	if err == nil {
		own.wipe()
	}
	return err
}

// Leaf returns the cipher of a leaf, which draws its nonces itself, and keeps
// it. Where the leaf is gone it is ErrKeyGone.
func (t *Tree) Leaf(leaf uint64) (cipher.AEAD, error) {
	t.mu.Lock()
	a, epoch := t.ciphers[leaf], t.epoch
	t.mu.Unlock()
	if a != nil {
		return a, nil
	}
	a, err := t.LeafOnce(leaf)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.epoch != epoch {
		return a, nil
	}
	if len(t.ciphers) >= cachedCiphers {
		for other := range t.ciphers { // any will do: all cost the same to bring back
			delete(t.ciphers, other)
			break
		}
	}
	t.ciphers[leaf] = a
	return a, nil
}

// LeafOnce is Leaf without keeping the cipher: for scans.
func (t *Tree) LeafOnce(leaf uint64) (cipher.AEAD, error) {
	own, err := t.key(leaf)
	if err != nil {
		return nil, err
	}
	defer own.wipe()
	if own.isZero() {
		return nil, ErrKeyGone
	}
	return own.aead()
}

// key walks from the top of the tree to a leaf; zero when it is not there.
func (t *Tree) key(leaf uint64) (own Key, err error) {
	at := store.LeafPlace(leaf)
	t.mu.Lock()
	epoch := t.epoch
	if n := t.nodes[at.Parent()]; n != nil {
		own = n[at.Index()]
		t.mu.Unlock()
		return own, nil
	}
	t.mu.Unlock()
	err = t.cfg.Store.Snapshot(func(s store.View) error {
		top, err := s.Top()
		if err != nil || top == nil || leaf >= top.Leaves() {
			return err
		}
		own, err = t.descend(s, top, at, epoch)
		return err
	})
	return own, err
}

// descend opens node by node, in one unchanging state.
func (t *Tree) descend(s store.View, top *store.Top, leaf store.Place, epoch uint64) (Key, error) {
	own, err := t.topKey(top, epoch)
	if err != nil {
		return Key{}, err
	}
	path := append(store.PathTo(leaf, top.Height), leaf)
	for i, at := range path[:len(path)-1] {
		if err := t.child(s, &own, at, path[i+1].Index(), epoch); err != nil {
			return Key{}, err
		}
		if own.isZero() {
			break
		}
	}
	return own, nil
}

func (t *Tree) topKey(top *store.Top, epoch uint64) (Key, error) {
	t.mu.Lock()
	if t.top != nil && t.topAt == top.Version {
		defer t.mu.Unlock()
		return *t.top, nil
	}
	t.mu.Unlock()
	opened, err := t.unwrap(top)
	if err != nil {
		return Key{}, err
	}
	own := *opened
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.epoch == epoch {
		t.top, t.topAt = opened, top.Version
	} else {
		opened.wipe()
	}
	return own, nil
}

// child opens a node, keeps it, and puts one of its keys in the place of the
// node's own. Keys go by address: what goes by value is shown in a panic's trace.
func (t *Tree) child(s store.View, own *Key, at store.Place, which int, epoch uint64) error {
	t.mu.Lock()
	if n := t.nodes[at]; n != nil && t.epoch == epoch {
		defer t.mu.Unlock()
		*own = n[which]
		return nil
	}
	t.mu.Unlock()
	stored, err := s.Node(at)
	n, err := t.open(own, at, stored, err)
	if err != nil {
		return err
	}
	*own = n[which]
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.epoch != epoch {
		n.wipe()
		return nil
	}
	if len(t.nodes) >= cachedNodes {
		for other, old := range t.nodes {
			old.wipe()
			delete(t.nodes, other)
			break
		}
	}
	if same := t.nodes[at]; same != nil {
		same.wipe()
	}
	t.nodes[at] = n
	return nil
}

// reserve takes a root version and creates its key. The version is committed
// first, so that no key can exist that the group does not know of.
func (t *Tree) reserve(ctx context.Context) (uint64, error) {
	result, err := t.cfg.Propose(ctx, &store.ReserveRoot{})
	if err != nil {
		return 0, err
	}
	version, err := layout.ParseNumber(result.Value)
	if err != nil {
		return 0, fmt.Errorf("vault: answer to a reservation: %w", err)
	}
	if err := t.cfg.Provider.Create(version); err != nil {
		return 0, fmt.Errorf("vault: create root version %d: %w", version, err)
	}
	return version, nil
}
