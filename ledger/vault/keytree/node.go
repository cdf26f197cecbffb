package keytree

import (
	"errors"
	"fmt"

	"indelible/ledger/vault/layout"
	"indelible/ledger/vault/store"
)

// ErrNode says that what is stored as a node is not what its key sealed. The
// store or the key tree is damaged, and the node must stop.
var ErrNode = errors.New("vault: a node of the key tree does not open")

// node are the keys that a node of the tree holds; a zero key is a child that
// does not exist, or that was taken out.
type node [store.FanOut]Key

func (n *node) wipe() { clear(n[:]) }

func (n *node) seal(own *Key, associated []byte) (*store.SealedNode, error) {
	a, err := own.aead()
	if err != nil {
		return nil, err
	}
	plain := make([]byte, 0, store.FanOut*KeySize)
	for i := range n {
		plain = append(plain, n[i][:]...)
	}
	sealed := a.Seal(nil, nil, plain, associated)
	clear(plain)
	return (*store.SealedNode)(sealed), nil
}

func openNode(own *Key, sealed, associated []byte) (*node, error) {
	a, err := own.aead()
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, sealed, associated)
	if err != nil {
		return nil, err
	}
	if len(plain) != store.FanOut*KeySize {
		return nil, layout.ErrMalformed
	}
	n := new(node)
	for i := range n {
		copy(n[i][:], plain[i*KeySize:])
	}
	clear(plain)
	return n, nil
}

// open opens what was read as the node at a place.
func (t *Tree) open(own *Key, at store.Place, stored *store.NodeRow, err error) (*node, error) {
	if err != nil {
		return nil, err
	}
	if stored == nil {
		return nil, fmt.Errorf("%w: %d/%d is missing", ErrNode, at.Level, at.Position)
	}
	n, err := openNode(own, stored.Sealed[:], nodeData(t.group(), at, stored.Epoch))
	if err != nil {
		return nil, fmt.Errorf("%w: %d/%d: %w", ErrNode, at.Level, at.Position, err)
	}
	return n, nil
}

// unwrap opens the key of a tree's top node.
func (t *Tree) unwrap(top *store.Top) (*Key, error) {
	own, err := t.cfg.Provider.Unwrap(top.Root, top.Wrapped, topData(t.group(), top.Height, top.Epoch))
	if err != nil {
		return nil, fmt.Errorf("vault: unwrap the key tree under root version %d: %w", top.Root, err)
	}
	return own, nil
}

// wrap wraps the key of a top node and proves that it comes back.
func (t *Tree) wrap(root uint64, own *Key, height uint8, epoch uint64) ([]byte, error) {
	data := topData(t.group(), height, epoch)
	wrapped, err := t.cfg.Provider.Wrap(root, own, data)
	if err != nil {
		return nil, fmt.Errorf("vault: wrap under root version %d: %w", root, err)
	}
	back, err := t.cfg.Provider.Unwrap(root, wrapped, data)
	if err != nil {
		return nil, fmt.Errorf("vault: unwrap under root version %d: %w", root, err)
	}
	defer back.wipe()
	if *back != *own {
		return nil, fmt.Errorf("vault: root version %d gave another key back", root)
	}
	return wrapped, nil
}

// openDown walks from the top of the tree to a node and returns its key and
// what it holds.
func (t *Tree) openDown(s store.View, top *store.Top, at store.Place) (*Key, *node, error) {
	own, err := t.unwrap(top)
	if err != nil {
		return nil, nil, err
	}
	path := store.PathTo(at.Child(0), top.Height)
	for i, above := range path {
		stored, err := s.Node(above)
		n, err := t.open(own, above, stored, err)
		if err != nil {
			return nil, nil, err
		}
		if above == at {
			return own, n, nil
		}
		*own = n[path[i+1].Index()]
		n.wipe()
	}
	return nil, nil, fmt.Errorf("vault: node %d/%d is not in the key tree", at.Level, at.Position)
}
