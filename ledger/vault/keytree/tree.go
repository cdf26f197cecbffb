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
	version uint64     // of the tree, at which all of nodes were read
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
	t.drop()
	if c.KeysDied {
		clear(t.ciphers)
	}
}

func (t *Tree) drop() {
	for _, n := range t.nodes {
		n.wipe()
	}
	clear(t.nodes)
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
	epoch, version := t.epoch, t.version
	t.mu.Unlock()
	if t.cached(at, version, &own) {
		return own, nil
	}
	err = t.cfg.Store.Snapshot(func(s store.View) error {
		top, err := s.Top()
		if err != nil || top == nil || leaf >= top.Leaves() {
			return err
		}
		return t.descend(s, top, at, epoch, &own)
	})
	return own, err
}

// descend opens node by node, in one unchanging state. Keys go by address: what
// goes by value is shown in a panic's trace.
func (t *Tree) descend(s store.View, top *store.Top, leaf store.Place, epoch uint64, own *Key) error {
	for _, at := range append(store.PathTo(leaf, top.Height)[1:], leaf) {
		if t.cached(at, top.Version, own) {
			continue
		}
		if at.Level+1 == top.Height {
			opened, err := t.unwrap(top)
			if err != nil {
				return err
			}
			*own = *opened
			opened.wipe()
		}
		if own.isZero() {
			return nil
		}
		stored, err := s.Node(at.Parent())
		n, err := t.open(own, at.Parent(), stored, err)
		if err != nil {
			return err
		}
		*own = n[at.Index()]
		t.keep(at.Parent(), n, epoch, top.Version)
	}
	return nil
}

// cached gives the key of a place from the node above it, if that was kept at
// this version: a commit comes before we hear of it, and a key of the tree before
// opens no node of the tree after.
func (t *Tree) cached(at store.Place, version uint64, own *Key) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[at.Parent()]
	if n == nil || t.version != version {
		return false
	}
	*own = n[at.Index()]
	return true
}

// keep keeps an opened node, unless something was forgotten since an epoch
// began.
func (t *Tree) keep(at store.Place, n *node, epoch, version uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.epoch != epoch {
		n.wipe()
		return
	}
	if t.version != version {
		t.drop()
		t.version = version
	}
	if len(t.nodes) >= cachedNodes {
		for other, old := range t.nodes { // any will do, as above
			old.wipe()
			delete(t.nodes, other)
			break
		}
	}
	if same := t.nodes[at]; same != nil {
		same.wipe()
	}
	t.nodes[at] = n
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
