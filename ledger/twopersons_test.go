package ledger_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
)

// TestTwoPersons: nothing comes of a statement before the second signature, and
// what comes of it comes at the second one's index.
func TestTwoPersons(t *testing.T) {
	w := ledgertest.NewWorld(t, 20)
	l := w.Open(t, vfs.NewMem(), "ledger")
	key := w.Key()
	pair := w.Enrol(key, entry.RoleOfficer, "eu")
	request := w.Erasure(key, "eu", &entry.Erasure{Step: entry.StepRequest, Scope: entry.ScopeAll})
	w.Apply(t, l, pair[0])
	if _, ok, err := l.Author(key.ID()); ok || err != nil {
		t.Fatalf("an author after one signature (%v)", err)
	}
	w.Refused(t, l, request, entry.CodeUnknownAuthor)
	w.Refused(t, l, w.Confirm(w.Registrars[0], pair[0]), entry.CodeSelfConfirmation)
	w.Refused(t, l, w.Confirm(w.Operators[0], pair[0]), entry.CodeRoleForbidden)
	out := w.Apply(t, l, pair[1])
	a, ok, err := l.Author(key.ID())
	if err != nil || !ok || a.Enrolled != out[0].Index || a.State != ledger.AuthorActive {
		t.Fatalf("author %+v %t %v, confirmed at %d", a, ok, err, out[0].Index)
	}
	w.Apply(t, l, request)
	w.Refused(t, l, w.Confirm(w.Registrars[1], pair[0]), entry.CodeAlreadyConfirmed)
	w.Refused(t, l, w.Confirm(w.Registrars[1], pair[1]), entry.CodeNotConfirmable)
	one := w.Enrol(w.Key(), entry.RoleAuditor, "eu")[0]
	w.Apply(t, l, one)
	w.Refused(t, l, w.Confirm(w.Registrars[1], one), entry.CodeNotConfirmable)
}

// TestConfirmationJudgesTheFirstAgain: between the two signatures the world may
// have moved on.
func TestConfirmationJudgesTheFirstAgain(t *testing.T) {
	w := ledgertest.NewWorldOf(t, 21, ledgertest.Spec{Registrars: 3})
	l := w.Open(t, vfs.NewMem(), "ledger")
	key := w.Key()
	twice := [][]*entry.Statement{w.Enrol(key, entry.RoleOfficer, "eu"), w.Enrol(key, entry.RoleOperator, "eu")}
	w.Apply(t, l, twice[0][0], twice[1][0], twice[1][1])
	w.Refused(t, l, twice[0][1], entry.CodeAlreadyEnrolled)

	pair := w.CA(w.Key().SPKI())
	suspend := w.Sign(w.Registrars[1], entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
		Action: entry.AuthorSuspend, Author: w.Registrars[0].ID(),
	}})
	w.Apply(t, l, pair[0], suspend)
	w.Refused(t, l, pair[1], entry.CodeWrongState)

	resume := w.Sign(w.Registrars[1], entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
		Action: entry.AuthorResume, Author: w.Registrars[0].ID(),
	}})
	w.Apply(t, l, resume)
	if a, _, err := l.Author(w.Registrars[0].ID()); err != nil || a.State != ledger.AuthorSuspended {
		t.Fatalf("one registrar alone resumed another: %+v, %v", a, err)
	}
	w.Apply(t, l, w.Confirm(w.Registrars[2], resume), pair[1])
	if cas, err := l.ActiveCAs(); err != nil || len(cas) != 1 {
		t.Fatalf("%d CAs, %v", len(cas), err)
	}
}

func TestSingleAuthority(t *testing.T) {
	w := ledgertest.NewWorldOf(t, 22, ledgertest.Spec{Registrars: 1, Operators: 1})
	l := w.Open(t, vfs.NewMem(), "ledger")
	if !l.SingleAuthority() {
		t.Fatal("one registrar, and not a single authority")
	}
	w.Apply(t, l, w.Staff()...)
	ca := w.CA(w.Key().SPKI())
	w.Apply(t, l, ca...)
	if cas, err := l.ActiveCAs(); err != nil || len(cas) != 1 {
		t.Fatalf("%d CAs, %v", len(cas), err)
	}
	w.Apply(t, l, w.Enrol(w.Key(), entry.RoleRegistrar, "eu")...)
	w.Refused(t, l, w.Confirm(w.Operators[0], ca[0]), entry.CodeRoleForbidden)
	w.Refused(t, l, w.Confirm(w.Registrars[0], ca[0]), entry.CodeNotConfirmable)
	hold := w.Hold(w.Officers[0], "eu", &entry.Hold{Action: entry.HoldSet})
	release := w.Hold(w.Officers[0], "eu", &entry.Hold{Action: entry.HoldRelease, Set: hold.ID()})
	w.Apply(t, l, hold, release)
	if h, _, err := l.Hold(hold.ID()); err != nil || h.Released == nil || h.Released.Statement != release.ID() {
		t.Fatalf("hold %+v, %v", h, err)
	}
}

// TestHoldRelease: the setter may sign the release, once, with another officer.
func TestHoldRelease(t *testing.T) {
	w := ledgertest.NewWorld(t, 23)
	l := w.Open(t, vfs.NewMem(), "ledger")
	w.Apply(t, l, w.Staff()...)
	hold := w.Hold(w.Officers[0], "eu", &entry.Hold{Action: entry.HoldSet})
	release := func() *entry.Statement {
		return w.Hold(w.Officers[0], "eu", &entry.Hold{Action: entry.HoldRelease, Set: hold.ID()})
	}
	one, two := release(), release()
	w.Apply(t, l, hold, one, two)
	if h, _, err := l.Hold(hold.ID()); err != nil || h.Released != nil {
		t.Fatalf("released by one: %+v, %v", h, err)
	}
	w.Apply(t, l, w.Confirm(w.Officers[1], two))
	w.Refused(t, l, w.Confirm(w.Officers[1], one), entry.CodeWrongState)
	w.Refused(t, l, release(), entry.CodeWrongState)
}

// TestNodes: a node is its name; its keys come and go.
func TestNodes(t *testing.T) {
	w := ledgertest.NewWorld(t, 24)
	l := w.Open(t, vfs.NewMem(), "ledger")
	two := w.NewNode(ledgertest.NodeSpec{Name: "two", Placement: []string{"eu"}})
	again := w.NewNode(ledgertest.NodeSpec{Name: "two", Placement: []string{"us"}})
	change := func(action entry.NodeAction, n *ledgertest.Node) []*entry.Statement {
		return w.ChangeNode(&entry.NodeChange{Action: action, Node: n.Record})
	}
	staff := func(n *ledgertest.Node, j string) *entry.Statement {
		_, open := w.OpenHandleBy(n.Author, entry.HandleStaff, j)
		return open
	}
	w.Refused(t, l, change(entry.NodeRemoved, two)[0], entry.CodeWrongState)
	w.Apply(t, l, append(change(entry.NodeAdded, two), staff(two, "eu"))...)
	w.Refused(t, l, staff(two, "us"), entry.CodeWrongJurisdiction)
	w.Refused(t, l, change(entry.NodeAdded, again)[0], entry.CodeWrongState)

	moved := *two
	moved.Record.Placement = []string{"us"}
	w.Apply(t, l, append(change(entry.NodeKeys, &moved), staff(two, "us"))...)
	w.Apply(t, l, append(change(entry.NodeKeys, again), staff(again, "us"))...)
	w.Refused(t, l, staff(two, "us"), entry.CodeAuthorRevoked)
	w.Apply(t, l, change(entry.NodeRemoved, again)...)
	w.Refused(t, l, staff(again, "us"), entry.CodeAuthorRevoked)
	w.Refused(t, l, change(entry.NodeAdded, again)[0], entry.CodeAlreadyEnrolled)
	fresh := w.NewNode(ledgertest.NodeSpec{Name: "two", Placement: []string{"in"}})
	shared := *fresh
	shared.Record.CosignerKey = w.Nodes[0].Record.CosignerKey
	w.Refused(t, l, change(entry.NodeAdded, &shared)[0], entry.CodeAlreadyEnrolled)
	w.Apply(t, l, append(change(entry.NodeAdded, fresh), staff(fresh, "in"))...)
}
