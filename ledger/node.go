package ledger

import (
	"fmt"

	"indelible/ledger/entry"
)

// member is a node of the cluster, identified by its name. Its record is read
// from the entry that carries it.
type member struct {
	author  entry.AuthorID
	record  uint64 // index of the entry that holds its present record
	present bool   // false once it was removed
}

var nodeTable = table[string, member]{
	prefix: keyNode,
	key:    func(name string) []byte { return bytesKey(keyNode, []byte(name)) },
	fields: func(m *member, f *form) {
		f.fixed(m.author[:])
		f.uint(&m.record)
		f.bool(&m.present)
	},
}

// maxNodesKept is how many node rows stay decoded: far more than a cluster has.
const maxNodesKept = 64

// Nodes returns the records of the nodes in the cluster, in order of name.
func (l *Ledger) Nodes() ([]entry.Node, error) {
	var nodes []entry.Node
	err := l.tables.nodes.each(l.db, nil, func(name []byte, m *member) error {
		if !m.present {
			return nil
		}
		s, err := l.statementAt(m.record)
		if err != nil {
			return err
		}
		n, err := nodeRecord(s, string(name), m.record)
		nodes = append(nodes, n)
		return err
	})
	return nodes, err
}

// nodeRecord takes a node's record out of the entry that holds it, at index.
func nodeRecord(s *entry.Statement, name string, index uint64) (entry.Node, error) {
	switch body := s.Body.(type) {
	case *entry.NodeChange:
		if body.Node.Name == name {
			return body.Node, nil
		}
	case *entry.Genesis:
		for _, n := range body.Nodes {
			if n.Name == name {
				return n, nil
			}
		}
	}
	return entry.Node{}, fmt.Errorf("%w: node: entry %d holds no record of it", errRow, index)
}
