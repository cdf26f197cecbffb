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

func newNodeTable() *table[string, member] {
	return &table[string, member]{
		prefix: keyNode,
		key:    func(name string) []byte { return bytesKey(keyNode, []byte(name)) },
		kept:   newCache[string, *member](maxNodesKept),
		encode: func(m *member, w *rowWriter) {
			w.fixed(m.author[:])
			w.uint(m.record)
			w.bool(m.present)
		},
		decode: func(_ string, r *rowReader) *member {
			m := &member{}
			r.fixed(m.author[:])
			m.record, m.present = r.uint(), r.bool()
			return m
		},
	}
}

// maxNodesKept is how many node rows stay decoded: far more than a cluster has.
const maxNodesKept = 64

// Nodes returns the records of the nodes in the cluster, in order of name.
func (l *Ledger) Nodes() ([]entry.Node, error) {
	var nodes []entry.Node
	err := scan(l.db, []byte{keyNode}, nil, func(key, row []byte) error {
		name := string(key[1:])
		m, err := l.tables.nodes.parse(name, row)
		if err != nil || !m.present {
			return err
		}
		n, err := nodeRecord(l.statementAt, name, m.record)
		nodes = append(nodes, n)
		return err
	})
	return nodes, err
}

// nodeRecord takes a node's record out of the entry that holds it.
func nodeRecord(read func(uint64) (*entry.Statement, error), name string, index uint64) (entry.Node, error) {
	s, err := read(index)
	if err != nil {
		return entry.Node{}, err
	}
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
