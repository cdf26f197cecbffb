package ledger

import (
	"crypto/sha256"
	"slices"
	"strings"

	"indelible/ledger/entry"
)

// effectNode changes the membership as of index by the record logged at index
// at.
func (t *tx) effectNode(body *entry.NodeChange, at, index uint64) {
	n := &body.Node
	m := t.nodes.get(t, n.Name)
	switch body.Action {
	case entry.NodeAdded:
		t.admit(n, at, index)
	case entry.NodeRemoved:
		t.dismiss(m.author, index)
		t.nodes.put(t, n.Name, &member{author: m.author, record: m.record})
	case entry.NodeKeys:
		if m.author == sha256.Sum256(n.AuthorKey) {
			t.replace(n, at, index)
			return
		}
		t.dismiss(m.author, index)
		t.admit(n, at, index)
	}
}

func (t *tx) admit(n *entry.Node, at, index uint64) {
	a := &Author{Role: entry.RoleNode, Jurisdictions: n.Placement, Node: n.Name, Enrolled: index}
	t.register(n.AuthorKey, a)
	t.touchAuthor(a, at)
	t.nodes.put(t, n.Name, &member{author: a.ID, record: at, present: true})
}

// replace gives a node with the same author key a new record.
func (t *tx) replace(n *entry.Node, at, index uint64) {
	changed := *t.authors.get(t, sha256.Sum256(n.AuthorKey))
	changed.Jurisdictions = n.Placement
	t.changeAuthor(&changed, index)
	t.nodes.put(t, n.Name, &member{author: changed.ID, record: at, present: true})
}

// dismiss revokes the author key of a node that is gone or has another.
func (t *tx) dismiss(id entry.AuthorID, index uint64) {
	changed := *t.authors.get(t, id)
	if changed.State == AuthorRevoked {
		return
	}
	changed.State, changed.Changed = AuthorRevoked, index
	t.changeAuthor(&changed, index)
}

type namedMember struct {
	name string
	*member
}

// members are the nodes present, in order of name, those of this transaction
// included.
func (t *tx) members() []namedMember {
	var list []namedMember
	err := t.nodes.each(t.from, nil, func(name []byte, m *member) error {
		if _, changed := t.nodes.changed[string(name)]; !changed && m.present {
			list = append(list, namedMember{string(name), m})
		}
		return nil
	})
	if err != nil {
		t.fail(err)
	}
	for name, m := range t.nodes.changed {
		if m.present {
			list = append(list, namedMember{name, m})
		}
	}
	slices.SortFunc(list, func(a, b namedMember) int { return strings.Compare(a.name, b.name) })
	return list
}
