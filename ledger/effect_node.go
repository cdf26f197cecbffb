package ledger

import (
	"crypto/sha256"
	"slices"
	"strings"

	"indelible/ledger/entry"
)

// effectNode changes the membership as of index by the record logged at index
// at.
func (t *tx) effectNode(body *entry.NodeChange, at, index uint64) error {
	n := &body.Node
	m, err := t.nodes.get(t, n.Name)
	if err != nil {
		return err
	}
	switch body.Action {
	case entry.NodeAdded:
		return t.admitFrom(n, at, index)
	case entry.NodeRemoved:
		if err := t.dismiss(m.author, index); err != nil {
			return err
		}
		return t.nodes.put(t, n.Name, &member{author: m.author, record: m.record})
	case entry.NodeKeys:
		if m.author != sha256.Sum256(n.AuthorKey) {
			if err := t.dismiss(m.author, index); err != nil {
				return err
			}
			return t.admitFrom(n, at, index)
		}
		return t.replace(n, at, index)
	}
	return nil
}

// admit makes a member of a node of genesis.
func (t *tx) admit(n *entry.Node, index uint64) error { return t.admitFrom(n, index, index) }

func (t *tx) admitFrom(n *entry.Node, at, index uint64) error {
	a := &Author{Role: entry.RoleNode, Jurisdictions: n.Placement, Node: n.Name, Enrolled: index}
	if err := t.register(n.AuthorKey, a); err != nil {
		return err
	}
	if err := t.touchAuthor(a, at); err != nil {
		return err
	}
	return t.nodes.put(t, n.Name, &member{author: a.ID, record: at, present: true})
}

// replace gives a node with the same author key a new record.
func (t *tx) replace(n *entry.Node, at, index uint64) error {
	a, err := t.authors.get(t, sha256.Sum256(n.AuthorKey))
	if err != nil {
		return err
	}
	changed := *a
	changed.Jurisdictions = n.Placement
	if err := t.changeAuthor(&changed, index); err != nil {
		return err
	}
	return t.nodes.put(t, n.Name, &member{author: a.ID, record: at, present: true})
}

// dismiss revokes the author key of a node that is gone or has another.
func (t *tx) dismiss(id entry.AuthorID, index uint64) error {
	a, err := t.authors.get(t, id)
	if err != nil || a.State == AuthorRevoked {
		return err
	}
	changed := *a
	changed.State, changed.Changed = AuthorRevoked, index
	return t.changeAuthor(&changed, index)
}

// namedMember is a member with its name.
type namedMember struct {
	name string
	*member
}

// members are the nodes present, in order of name, those of this transaction
// included.
func (t *tx) members() ([]namedMember, error) {
	var list []namedMember
	err := t.nodes.each(t.from, nil, func(name []byte, m *member) error {
		if _, changed := t.nodes.changed[string(name)]; !changed && m.present {
			list = append(list, namedMember{string(name), m})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for name, m := range t.nodes.changed {
		if m.present {
			list = append(list, namedMember{name, m})
		}
	}
	slices.SortFunc(list, func(a, b namedMember) int { return strings.Compare(a.name, b.name) })
	return list, nil
}
