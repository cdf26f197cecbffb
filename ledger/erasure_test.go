package ledger_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
)

// erasing is a log with three nodes, two of them placed in eu.
type erasing struct {
	*ledgertest.World
	t *testing.T
	l *ledger.Ledger
}

func newErasing(t *testing.T, seed uint64) *erasing {
	w := ledgertest.NewWorldOf(t, seed, ledgertest.Spec{Nodes: []ledgertest.NodeSpec{
		{Name: "one"}, {Name: "two", Placement: []string{"eu"}}, {Name: "three", Placement: []string{"us"}},
	}})
	e := &erasing{World: w, t: t, l: w.Open(t, vfs.NewMem(), "ledger")}
	w.Apply(t, e.l, w.Staff()...)
	return e
}

func (e *erasing) step(k *ledgertest.Key, step entry.Erasure) *entry.Statement {
	if step.Step == entry.StepExecuted {
		step.RootVersion, step.Method, step.Strength = 3, entry.MethodTPMClear, entry.StrengthHardware
	}
	return e.Erasure(k, "eu", &step)
}

func (e *erasing) do(k *ledgertest.Key, step entry.Erasure) ledger.Outcome {
	e.t.Helper()
	return e.Apply(e.t, e.l, e.step(k, step))[0]
}

func (e *erasing) refuse(k *ledgertest.Key, code entry.Code, step entry.Erasure) {
	e.t.Helper()
	e.Refused(e.t, e.l, e.step(k, step), code)
}

func (e *erasing) request() entry.StatementID {
	e.t.Helper()
	return e.do(e.Officers[0], entry.Erasure{Step: entry.StepRequest, Scope: entry.ScopeIdentity}).ID
}

// TestErasureFromRequestToComplete walks the whole way and tries every step
// where it has no place.
func TestErasureFromRequestToComplete(t *testing.T) {
	e := newErasing(t, 30)
	r := e.request()
	approve := entry.Erasure{Step: entry.StepApprove, Request: r}
	cancel := entry.Erasure{Step: entry.StepCancel, Request: r}
	executed := entry.Erasure{Step: entry.StepExecuted, Request: r}
	complete := entry.Erasure{Step: entry.StepComplete, Request: r}
	one, two, three := e.Nodes[0].Author, e.Nodes[1].Author, e.Nodes[2].Author
	lost := entry.Erasure{Step: entry.StepLost, Request: r, Node: two.ID()}

	e.refuse(e.Officers[0], entry.CodeNotYourRequest, approve)
	e.refuse(one, entry.CodeWrongState, executed)
	e.refuse(e.Officers[1], entry.CodeWrongState, lost)
	e.refuse(one, entry.CodeWrongState, complete)
	e.refuse(e.Officers[1], entry.CodeRoleForbidden, complete)
	e.do(e.Officers[1], approve)
	e.refuse(e.Officers[1], entry.CodeWrongState, approve)
	e.Now += ledgertest.Grace - 1
	e.refuse(one, entry.CodeGraceRunning, executed)
	e.Now++
	e.refuse(e.Officers[1], entry.CodeGraceOver, cancel)
	e.refuse(three, entry.CodeWrongJurisdiction, executed)
	e.do(one, executed)
	e.refuse(one, entry.CodeWrongState, executed)
	e.refuse(one, entry.CodeWrongState, complete)
	e.refuse(e.Officers[1], entry.CodeWrongState, entry.Erasure{Step: entry.StepLost, Request: r, Node: one.ID()})
	e.refuse(e.Officers[1], entry.CodeWrongJurisdiction, entry.Erasure{Step: entry.StepLost, Request: r, Node: three.ID()})
	e.do(e.Officers[1], lost)
	done := e.do(one, complete)
	e.refuse(one, entry.CodeWrongState, complete)
	e.refuse(e.Officers[1], entry.CodeWrongState, cancel)
	e.do(two, executed)
	e.refuse(two, entry.CodeWrongState, executed)

	got, ok, err := e.l.Erasure(r)
	if err != nil || !ok || got.Completed == nil || got.Completed.Index != done.Index || got.Scope != entry.ScopeIdentity {
		t.Fatalf("%+v %t %v", got, ok, err)
	}
	if len(got.Executed) != 2 || got.Executed[1].Node != "two" || got.Executed[1].RootVersion != 3 || !got.Ended() {
		t.Fatalf("executed %+v", got.Executed)
	}
	if len(got.Lost) != 1 || got.Lost[0].NodeKey != two.ID() || !got.Lost[0].Returned {
		t.Fatalf("lost %+v", got.Lost)
	}
}

// TestCancelEndsAnErasure: at any time before the end of grace, for good.
func TestCancelEndsAnErasure(t *testing.T) {
	e := newErasing(t, 31)
	for _, approved := range []bool{false, true} {
		r := e.request()
		if approved {
			e.do(e.Officers[1], entry.Erasure{Step: entry.StepApprove, Request: r})
			e.Now += ledgertest.Grace - 1
		}
		e.do(e.Officers[0], entry.Erasure{Step: entry.StepCancel, Request: r})
		e.Now += 2 * ledgertest.Grace
		e.refuse(e.Officers[1], entry.CodeWrongState, entry.Erasure{Step: entry.StepApprove, Request: r})
		e.refuse(e.Nodes[0].Author, entry.CodeWrongState, entry.Erasure{Step: entry.StepExecuted, Request: r})
		if open, err := e.l.Erasures("eu"); err != nil || len(open) != 0 {
			t.Fatalf("open: %v, %v", open, err)
		}
	}
}

// TestErasureKnowsNodesByName: new keys do not undo what a node did, and a node
// that was removed is not waited for.
func TestErasureKnowsNodesByName(t *testing.T) {
	e := newErasing(t, 32)
	r := e.request()
	executed := entry.Erasure{Step: entry.StepExecuted, Request: r}
	e.do(e.Officers[1], entry.Erasure{Step: entry.StepApprove, Request: r})
	e.Now += ledgertest.Grace
	e.do(e.Nodes[0].Author, executed)
	again := e.NewNode(ledgertest.NodeSpec{Name: "one", Placement: []string{"eu"}})
	e.Apply(t, e.l, e.ChangeNode(&entry.NodeChange{Action: entry.NodeKeys, Node: again.Record})...)
	e.refuse(again.Author, entry.CodeWrongState, executed)
	complete := entry.Erasure{Step: entry.StepComplete, Request: r}
	e.refuse(again.Author, entry.CodeWrongState, complete)
	e.Apply(t, e.l, e.ChangeNode(&entry.NodeChange{Action: entry.NodeRemoved, Node: e.Nodes[1].Record})...)
	e.do(again.Author, complete)
}
