package ledgertest_test

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
)

// TestWorldIsAcceptedAndRepeatable drives every statement the world can sign
// through a ledger, twice from one seed.
func TestWorldIsAcceptedAndRepeatable(t *testing.T) {
	first, second := history(t, 7), history(t, 7)
	if len(first) != len(second) {
		t.Fatalf("%d entries, then %d", len(first), len(second))
	}
	for i := range first {
		if !bytes.Equal(first[i], second[i]) {
			t.Fatalf("entry %d differs between two runs of one seed", i)
		}
	}
	if other := history(t, 8); bytes.Equal(first[0], other[0]) {
		t.Fatal("two seeds gave one log")
	}
}

func history(t *testing.T, seed uint64) [][]byte {
	w := ledgertest.NewWorld(t, seed)
	l := w.Open(t, vfs.NewMem(), "ledger")
	w.Apply(t, l, w.Staff()...)
	w.Apply(t, l, w.CA(w.Key().SPKI())...)
	s, setup := w.Subject("eu")
	w.Apply(t, l, setup...)
	staff, open := w.OpenHandleBy(w.Nodes[0].Author, entry.HandleStaff, "eu")
	w.Apply(t, l, open, w.Reading(s), w.Reading(s))
	w.Apply(t, l, w.Access(w.Nodes[0], s.Handle, staff, "eu", l.Size()))
	request := w.Erasure(w.Officers[0], "eu", &entry.Erasure{Step: entry.StepRequest, Scope: entry.ScopeAll})
	w.Apply(t, l, request)
	w.Apply(t, l, w.Erasure(w.Officers[1], "eu", &entry.Erasure{Step: entry.StepApprove, Request: request.ID()}))
	w.Refused(t, l, w.Erasure(w.Nodes[0].Author, "eu", &entry.Erasure{
		Step: entry.StepExecuted, Request: request.ID(), Method: entry.MethodOverwriteUnlink, Strength: entry.StrengthBestEffort,
	}), entry.CodeGraceRunning)
	hold := w.Hold(w.Officers[0], "eu", &entry.Hold{Action: entry.HoldSet})
	w.Apply(t, l, hold, w.Unbind(s.Binding, "eu", w.Now), w.CloseHandle(s.Handle, "eu"))
	n := w.NewNode(ledgertest.NodeSpec{Name: "node-2", Placement: []string{"us"}})
	w.Apply(t, l, w.ChangeNode(&entry.NodeChange{Action: entry.NodeAdded, Node: n.Record})...)
	return leaves(t, l)
}

func leaves(t *testing.T, l *ledger.Ledger) (all [][]byte) {
	for i := range l.Size() {
		leaf, err := l.Leaf(i)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, leaf)
	}
	return all
}
