package ledger_test

import (
	"crypto/sha256"
	"maps"
	"slices"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
)

// TestByAuthorIsComplete walks over all entries and notes, naively, who signed
// each, whom it names, and for whom it made something take effect. A node that
// moves and goes is among them.
func TestByAuthorIsComplete(t *testing.T) {
	s := tell(t, 41)
	nodes, err := s.l.Nodes()
	must(t, err)
	moved := nodes[1]
	moved.Placement = []string{"eu"}
	s.apply(t, s.ChangeNode(&entry.NodeChange{Action: entry.NodeKeys, Node: moved})...)
	if nodes, err = s.l.Nodes(); err != nil || !slices.Equal(nodes[1].Placement, moved.Placement) {
		t.Errorf("a node that moved is %+v, %v", nodes[1], err)
	}
	s.apply(t, s.ChangeNode(&entry.NodeChange{Action: entry.NodeRemoved, Node: moved})...)
	s.apply(t, s.Author(&entry.AuthorChange{Action: entry.AuthorSuspend, Author: s.Service.ID()}, entry.Sub{}, ""))
	resume := s.Author(&entry.AuthorChange{Action: entry.AuthorResume, Author: s.Officers[0].ID()}, entry.Sub{}, "")
	s.apply(t, s.Author(&entry.AuthorChange{Action: entry.AuthorSuspend, Author: s.Officers[0].ID()}, entry.Sub{}, ""),
		resume, s.Confirm(s.Registrars[1], resume))

	w := walk{story: s, by: map[entry.AuthorID]map[uint64]bool{}, devices: map[entry.BindingID]entry.AuthorID{}, present: map[string]entry.AuthorID{}}
	for i := range s.l.Size() {
		st, _, err := s.l.Statement(i)
		must(t, err)
		w.note(i, st.Author)
		w.entry(t, i, i, st)
	}
	if len(w.by) < 15 {
		t.Fatalf("only %d authors", len(w.by))
	}
	for id, indexes := range w.by {
		want := slices.Sorted(maps.Keys(indexes))
		wantList(t, "by author", want, func(from uint64, n int) ([]uint64, error) { return s.l.ByAuthor(id, from, n) })
	}
}

// walk is who is named where.
type walk struct {
	*story
	by      map[entry.AuthorID]map[uint64]bool
	devices map[entry.BindingID]entry.AuthorID
	present map[string]entry.AuthorID // nodes
}

func (w *walk) note(index uint64, ids ...entry.AuthorID) {
	for _, id := range ids {
		if w.by[id] == nil {
			w.by[id] = map[uint64]bool{}
		}
		w.by[id][index] = true
	}
}

// entry notes whom a statement logged at one index names, and whom it changes as
// of another.
func (w *walk) entry(t *testing.T, at, index uint64, s *entry.Statement) {
	t.Helper()
	key := func(spki []byte) entry.AuthorID { return sha256.Sum256(spki) }
	if s.Confirms != nil {
		first, ok, err := w.l.Find(*s.Confirms)
		must(t, err)
		st, _, err := w.l.Statement(first)
		if !ok || err != nil {
			t.Fatalf("entry %d confirms nothing: %v", at, err)
		}
		w.entry(t, first, index, st)
		return
	}
	switch b := s.Body.(type) {
	case *entry.Genesis:
		for _, spki := range slices.Concat(b.Registrars, b.Operators) {
			w.note(0, key(spki))
		}
		for _, n := range b.Nodes {
			w.note(0, key(n.AuthorKey))
			w.present[n.Name] = key(n.AuthorKey)
		}
	case *entry.AuthorChange:
		id := b.Author
		if b.Action == entry.AuthorEnrol {
			id = key(b.Key)
		}
		w.note(at, id)
		w.note(index, id)
	case *entry.BindingChange:
		if b.Action == entry.ActionOpen {
			w.devices[b.Binding] = b.Author
		}
		w.note(at, w.devices[b.Binding])
	case *entry.Erasure:
		if b.Step == entry.StepLost {
			w.note(at, b.Node)
		}
	case *entry.NodeChange:
		w.note(at, key(b.Node.AuthorKey))
		if at == index {
			return // waits for its confirmation
		}
		w.note(index, key(b.Node.AuthorKey))
		if old, ok := w.present[b.Node.Name]; ok {
			w.note(index, old)
		}
		w.present[b.Node.Name] = key(b.Node.AuthorKey)
	}
}

// TestMembersWithinACommand: what a command changed of the membership counts for
// its next statement: the key a node gave up is free, the one it took is not.
func TestMembersWithinACommand(t *testing.T) {
	s := tell(t, 42)
	change := func(action entry.NodeAction, name string, with func(*entry.Node)) []*entry.Statement {
		n := s.NewNode(ledgertest.NodeSpec{Name: name, Placement: []string{"us"}}).Record
		with(&n)
		return s.ChangeNode(&entry.NodeChange{Action: action, Node: n})
	}
	nodes, err := s.l.Nodes()
	must(t, err)
	given, taken := nodes[1].CosignerKey, s.NewNode(ledgertest.NodeSpec{Name: "spare"}).Record.CosignerKey
	all := slices.Concat(
		change(entry.NodeKeys, "node-2", func(n *entry.Node) { n.CosignerKey = taken }),
		change(entry.NodeAdded, "node-3", func(n *entry.Node) { n.CosignerKey = given }),
		change(entry.NodeAdded, "node-4", func(n *entry.Node) { n.CosignerKey = taken })[:1],
	)
	out := s.Submit(t, s.l, all...)
	for i, o := range out[:4] {
		if o.Refusal != nil {
			t.Errorf("statement %d: %v", i, error(o.Refusal))
		}
	}
	if o := out[4]; o.Refusal == nil || o.Refusal.Code != entry.CodeAlreadyEnrolled {
		t.Errorf("a third node with the key that another took in the same command: %+v", o)
	}
}
