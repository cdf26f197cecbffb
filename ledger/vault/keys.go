package vault

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"sync"
)

// Bounds of what is held in memory.
const (
	cachedNodes = 1024  // opened nodes of the tree, 2 KiB each
	cachedAEADs = 16384 // ciphers of leaves, about 1 KiB each
)

// errKeyGone: the key is not in the tree any more.
var errKeyGone = errors.New("vault: the key was erased")

// errNode: what is stored as a node is not what its key sealed.
var errNode = errors.New("vault: a node of the key tree does not open")

// keys opens the key tree. It holds what it opened until Apply says that
// something changed; before Apply returns, it has forgotten.
type keys struct {
	store    *Store
	provider Provider

	mu    sync.Mutex // guards all below
	epoch uint64     // raised whenever something is forgotten
	top   *Key       // of the highest node; nil when not unwrapped yet
	topAt uint64     // version of the tree it was unwrapped for
	nodes map[place]*nodeKeys
	aeads map[uint64]cipher.AEAD // by leaf
}

func newKeys(store *Store, provider Provider) *keys {
	k := &keys{
		store: store, provider: provider,
		nodes: make(map[place]*nodeKeys), aeads: make(map[uint64]cipher.AEAD),
	}
	store.observe(k.forget)
	return k
}

// forget drops opened nodes when the tree changed, and all keys when one of
// them died.
func (k *keys) forget(c change) {
	if c.effect&(treeGrew|keysDied) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.epoch++
	if k.top != nil {
		k.top.wipe()
		k.top = nil
	}
	for _, n := range k.nodes {
		n.wipe()
	}
	clear(k.nodes)
	if c.effect&keysDied != 0 {
		clear(k.aeads)
	}
}

// leaf returns the cipher of a leaf key and keeps it, or errKeyGone.
func (k *keys) leaf(n uint64) (cipher.AEAD, error) {
	k.mu.Lock()
	a, epoch := k.aeads[n], k.epoch
	k.mu.Unlock()
	if a != nil {
		return a, nil
	}
	a, err := k.once(n)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.epoch != epoch {
		return a, nil
	}
	if len(k.aeads) >= cachedAEADs {
		for other := range k.aeads { // any will do: all cost the same to bring back
			delete(k.aeads, other)
			break
		}
	}
	k.aeads[n] = a
	return a, nil
}

// once returns the cipher of a leaf key without keeping it: for scans.
func (k *keys) once(n uint64) (cipher.AEAD, error) {
	own, err := k.open(n)
	if err != nil {
		return nil, err
	}
	defer own.wipe()
	if own.isZero() {
		return nil, errKeyGone
	}
	return own.aead()
}

// open walks from the top of the tree to a leaf; zero when it is not there.
func (k *keys) open(leaf uint64) (own Key, err error) {
	k.mu.Lock()
	epoch := k.epoch
	if n := k.nodes[bottomOf(leaf)]; n != nil {
		own = n[leafSlot(leaf)]
		k.mu.Unlock()
		return own, nil
	}
	k.mu.Unlock()
	err = k.store.snapshot(func(v view) error {
		t, err := v.top()
		if err != nil || t == nil || leaf >= t.blocks*fanOut {
			return err
		}
		own, err = k.descend(v, *t, leaf, epoch)
		return err
	})
	return own, err
}

// descend opens node by node, in one unchanging state.
func (k *keys) descend(v view, t top, leaf, epoch uint64) (Key, error) {
	own, err := k.topKey(t, epoch)
	if err != nil {
		return Key{}, err
	}
	down := pathTo(leaf, t.height)
	for i, at := range down {
		next := leafSlot(leaf)
		if i+1 < len(down) {
			next = down[i+1].slot()
		}
		if err := k.child(v, &own, at, next, epoch); err != nil {
			return Key{}, err
		}
		if own.isZero() {
			break
		}
	}
	return own, nil
}

func (k *keys) topKey(t top, epoch uint64) (Key, error) {
	k.mu.Lock()
	if k.top != nil && k.topAt == t.version {
		defer k.mu.Unlock()
		return *k.top, nil
	}
	k.mu.Unlock()
	opened, err := unwrapTop(k.provider, k.store.group, t)
	if err != nil {
		return Key{}, err
	}
	own := *opened
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.epoch == epoch {
		k.top, k.topAt = opened, t.version
	} else {
		opened.wipe()
	}
	return own, nil
}

func unwrapTop(p Provider, group string, t top) (*Key, error) {
	own, err := p.Unwrap(t.root, t.wrapped, topData(group, t.height, t.epoch))
	if err != nil {
		return nil, fmt.Errorf("vault: unwrap the key tree under root version %d: %w", t.root, err)
	}
	return own, nil
}

// child opens a node, keeps it, and puts one of its keys in the place of the
// node's own. Keys go by address: what goes by value is shown in a panic's trace.
func (k *keys) child(v view, own *Key, at place, which int, epoch uint64) error {
	k.mu.Lock()
	if n := k.nodes[at]; n != nil && k.epoch == epoch {
		defer k.mu.Unlock()
		*own = n[which]
		return nil
	}
	k.mu.Unlock()
	n, err := openNodeAt(v, k.store.group, rowNode, own, at)
	if err != nil {
		return err
	}
	*own = n[which]
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.epoch != epoch {
		n.wipe()
		return nil
	}
	if len(k.nodes) >= cachedNodes {
		for other, old := range k.nodes {
			old.wipe()
			delete(k.nodes, other)
			break
		}
	}
	if same := k.nodes[at]; same != nil {
		same.wipe()
	}
	k.nodes[at] = n
	return nil
}

// openNodeAt reads and opens a node; letter is rowNode or rowOld.
func openNodeAt(v view, group string, letter byte, own *Key, at place) (*nodeKeys, error) {
	row, err := v.node(letter, at)
	if err != nil {
		return nil, err
	}
	if row == nil {
		return nil, fmt.Errorf("%w: %d/%d is missing", errNode, at.level, at.position)
	}
	n, err := openNode(own, row.sealed, nodeData(group, at, row.epoch))
	if err != nil {
		return nil, fmt.Errorf("%w: %d/%d: %w", errNode, at.level, at.position, err)
	}
	return n, nil
}
