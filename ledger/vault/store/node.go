package store

// FirstVersion is the tree's version after planting.
const FirstVersion = 1

// Top is the head of the key tree.
type Top struct {
	Version uint64 // of the tree: every change of it raises it
	Epoch   uint64 // version at which the wrapped key was wrapped
	Blocks  uint64 // of 64 leaves each
	Root    uint64 // root version under which the key is wrapped
	Height  uint8
	Wrapped []byte // key of the one node of the highest level
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

// Node is a node of the key tree, in a command.
type Node struct {
	Place
	Sealed *SealedNode
}

// NodeRow is a node as it is stored.
type NodeRow struct {
	Epoch  uint64 // the version of the tree that wrote it
	Sealed *SealedNode
}

// SealedNode are the 64 keys of a node, sealed under its own, with a nonce of 12
// bytes and a tag of 16.
type SealedNode [FanOut*32 + 28]byte

func (a *applier) setNodes(list []Node, epoch uint64) {
	for _, n := range list {
		a.put(keyNode(rowNode, n.Place), &NodeRow{epoch, n.Sealed})
	}
}

// Node reads a node; nil if there is none.
func (v View) Node(at Place) (*NodeRow, error) { return parsed[NodeRow](v, keyNode(rowNode, at)) }

// OldNode reads a node as it was before the last rekey, under the same
// condition as OldTop.
func (v View) OldNode(at Place) (*NodeRow, error) { return parsed[NodeRow](v, keyNode(rowOld, at)) }

func placesOf(list []Node) []Place {
	places := make([]Place, 0, len(list))
	for i := range list {
		places = append(places, list[i].Place)
	}
	return places
}
