package store

import (
	"encoding/binary"
	"fmt"

	"indelible/ledger/vault/layout"
)

// FirstVersion is the tree's version after planting.
const FirstVersion = 1

// Top is the head of the key tree.
type Top struct {
	Version uint64 // of the tree: every change of it raises it
	Epoch   uint64 // version at which the wrapped key was wrapped
	Height  uint8
	Blocks  uint64 // of 64 leaves each
	Root    uint64 // root version under which the key is wrapped
	Wrapped []byte // key of the one node of the highest level
}

// Fields is the layout of the row.
func (t *Top) Fields(c *layout.Codec) {
	c.U64(&t.Version, &t.Epoch, &t.Blocks, &t.Root)
	layout.U8(c, &t.Height)
	c.Bytes(&t.Wrapped)
}

// Place is where the top node stands.
func (t *Top) Place() Place { return Place{t.Height, 0} }

// Leaves is how many leaves the tree has.
func (t *Top) Leaves() uint64 { return t.Blocks * FanOut }

// Top reads the head of the key tree; nil before it is planted.
func (v View) Top() (*Top, error) { return parsed[Top](v, key(rowTop)) }

// OldTop reads the head that the last rekey replaced, until its root version is
// to be destroyed; then nil.
func (v View) OldTop() (*Top, error) { return parsed[Top](v, keyNode(rowOld, Place{})) }

func (a *applier) top() *Top {
	t, err := a.Top()
	a.fail(err)
	return t
}

func (a *applier) oldTop() *Top {
	t, err := a.OldTop()
	a.fail(err)
	return t
}

// Node is a node of the key tree.
type Node struct {
	Place
	Epoch  uint64 // the version of the tree that wrote it
	Sealed []byte // its 64 keys, sealed under its own
}

func (a *applier) setNode(n Node) {
	a.set(keyNode(rowNode, n.Place), append(layout.Number(n.Epoch), n.Sealed...))
}

// Node reads a node; nil if there is none.
func (v View) Node(at Place) (*Node, error) { return v.node(rowNode, at) }

// OldNode reads a node as it was before the last rekey, under the same
// condition as OldTop.
func (v View) OldNode(at Place) (*Node, error) { return v.node(rowOld, at) }

func (v View) node(letter byte, at Place) (*Node, error) {
	row, err := v.get(keyNode(letter, at))
	if row == nil || err != nil {
		return nil, err
	}
	if len(row) != 8+nodeSize {
		return nil, fmt.Errorf("vault: node row of %d bytes: %w", len(row), layout.ErrMalformed)
	}
	return &Node{Place: at, Epoch: binary.BigEndian.Uint64(row), Sealed: row[8:]}, nil
}

// nodeList is a list of nodes in a command. Their epoch is the command's.
func nodeList(c *layout.Codec, list *[]Node, epoch uint64) {
	layout.List(c, list, nodeListed, func(n *Node) {
		layout.U8(c, &n.Level)
		c.U64(&n.Position)
		c.Fixed(&n.Sealed, nodeSize)
		n.Epoch = epoch
	})
}

func placesOf(list []Node) []Place {
	places := make([]Place, 0, len(list))
	for i := range list {
		places = append(places, list[i].Place)
	}
	return places
}
