package ledger_test

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
)

// refused submits one statement that must be refused and change nothing.
func (s *story) refused(t *testing.T, name string, code entry.Code, stmt *entry.Statement) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		before := rowsOf(t, s.l.State())
		s.Refused(t, s.l, stmt, code)
		wantRows(t, s.l, before)
	})
}

// TestRulesOfAuthors: states of a key do not come back, and what is said about a
// device is said where the device is.
func TestRulesOfAuthors(t *testing.T) {
	s := tell(t, 31)
	one, three := s.subjects[0], s.subjects[2]
	about := func(action entry.AuthorAction, of *ledgertest.Subject, j string) *entry.Statement {
		return s.Author(&entry.AuthorChange{Action: action, Author: of.Device.Key.ID()}, entry.SubOfHandle(of.Handle), j)
	}
	s.refused(t, "suspend a revoked device", entry.CodeWrongState, about(entry.AuthorSuspend, three, "in"))
	s.refused(t, "resume a revoked device", entry.CodeWrongState, about(entry.AuthorResume, three, "in"))
	s.refused(t, "revoke a revoked device", entry.CodeWrongState, about(entry.AuthorRevoke, three, "in"))
	s.refused(t, "resume an active device", entry.CodeWrongState, about(entry.AuthorResume, one, "eu"))
	s.refused(t, "suspend a device from elsewhere", entry.CodeWrongJurisdiction, about(entry.AuthorSuspend, one, "us"))
	s.refused(t, "suspend a device under another handle", entry.CodeWrongHandle, s.Author(
		&entry.AuthorChange{Action: entry.AuthorSuspend, Author: one.Device.Key.ID()}, entry.SubOfHandle(s.staff), "eu"))
	s.refused(t, "enrol where nobody is", entry.CodeWrongJurisdiction, s.Enrol(s.Key(), entry.RoleAuditor, "mars")[0])

	s.apply(t, about(entry.AuthorSuspend, one, "eu"))
	s.refused(t, "suspend a suspended device", entry.CodeWrongState, about(entry.AuthorSuspend, one, "eu"))
	s.apply(t, about(entry.AuthorRevoke, one, "eu"))
	if a, _, err := s.l.Author(one.Device.Key.ID()); err != nil || a.State != ledger.AuthorRevoked {
		t.Errorf("a suspended device that was revoked: %+v, %v", a, err)
	}
}

// TestRulesOfNodes: a node is placed where the log is, and shares no key with
// another one: cosignatures would count it twice, or TLS take it for the other.
func TestRulesOfNodes(t *testing.T) {
	s := tell(t, 32)
	first := s.Nodes[0].Record
	change := func(action entry.NodeAction, name string, with func(*entry.Node)) *entry.Statement {
		n := s.NewNode(ledgertest.NodeSpec{Name: name, Placement: []string{"us"}}).Record
		with(&n)
		return s.ChangeNode(&entry.NodeChange{Action: action, Node: n})[0]
	}
	for key, with := range map[string]func(*entry.Node){
		"author":    func(n *entry.Node) { n.AuthorKey = first.AuthorKey },
		"cosigner":  func(n *entry.Node) { n.CosignerKey = first.CosignerKey },
		"ML-DSA-44": func(n *entry.Node) { n.MLDSAKey = first.MLDSAKey },
		"TLS":       func(n *entry.Node) { n.TLSKey = first.TLSKey },
	} {
		s.refused(t, "added with the "+key+" key of another", entry.CodeAlreadyEnrolled, change(entry.NodeAdded, "node-9", with))
		s.refused(t, "changed to the "+key+" key of another", entry.CodeAlreadyEnrolled, change(entry.NodeKeys, "node-2", with))
	}
	nowhere := func(n *entry.Node) { n.Placement = []string{"mars"} }
	s.refused(t, "added where nobody is", entry.CodeWrongJurisdiction, change(entry.NodeAdded, "node-9", nowhere))
	s.refused(t, "moved to where nobody is", entry.CodeWrongJurisdiction, change(entry.NodeKeys, "node-2", nowhere))
}

// TestForgedByTheNewlyEnrolled: the signature of an author that became one within
// the same command is looked at like any other.
func TestForgedByTheNewlyEnrolled(t *testing.T) {
	w := ledgertest.NewWorld(t, 33)
	l := w.Open(t, vfs.NewMem(), "ledger")
	s, setup := w.Subject("eu")
	forged := w.Item(w.Reading(s))
	forged.Statement = bytes.Clone(forged.Statement)
	forged.Statement[len(forged.Statement)-40] ^= 1
	out, err := l.Apply([]state.Command{w.Command(l.State().Applied().Index+1, append(w.Items(setup...), forged)...)})
	must(t, err)
	last := out[0][len(setup)]
	if last.Refusal == nil || last.Refusal.Code != entry.CodeBadSignature || l.Size() != uint64(len(setup))+1 {
		t.Fatalf("forged in the command of its enrolment: %+v", last)
	}
}

// TestRulesOfSubjects: whatever is about a person is said in the jurisdiction of
// the handle, under what is still open, and about what is logged.
func TestRulesOfSubjects(t *testing.T) {
	s := tell(t, 34)
	one, two := s.subjects[0], s.subjects[1]
	parts := s.Hash()
	s.refused(t, "bind elsewhere", entry.CodeWrongJurisdiction, signed(s.Bind(one.Device, one.Handle, "us")))
	s.refused(t, "unbind elsewhere", entry.CodeWrongJurisdiction, s.Unbind(one.Binding, "us", s.Now))
	s.refused(t, "close a handle elsewhere", entry.CodeWrongJurisdiction, s.CloseHandle(one.Handle, "us"))

	access := func(subject, accessor entry.Handle, j string) *entry.Statement {
		return s.Access(s.Nodes[0], subject, accessor, j, 1)
	}
	former, open := s.OpenHandleBy(s.Nodes[0].Author, entry.HandleStaff, "eu")
	s.apply(t, open, s.CloseHandle(former, "eu"))
	s.refused(t, "access by a former accessor", entry.CodeHandleClosed, access(one.Handle, former, "eu"))
	s.refused(t, "access to nobody", entry.CodeUnknownHandle, access(entry.Handle{1}, s.staff, "eu"))
	s.refused(t, "access from elsewhere", entry.CodeWrongJurisdiction, access(one.Handle, s.staff, "us"))

	consent := func(h entry.Handle, j string) *entry.Statement {
		return s.Sign(s.ConsentService, entry.Draft{
			Kind: entry.KindConsent, Sub: entry.SubOfHandle(h), Jurisdiction: j, Body: &entry.Consent{
				Action: entry.ConsentGrant, Purposes: []entry.Purpose{entry.PurposeTREAT}, Regime: entry.RegimeGDPR,
				Basis: entry.BasisExplicitConsent, From: s.Now, Document: parts,
			},
		})
	}
	s.refused(t, "consent of nobody", entry.CodeUnknownHandle, consent(entry.Handle{1}, "eu"))
	s.refused(t, "consent elsewhere", entry.CodeWrongJurisdiction, consent(one.Handle, "us"))

	correct := func(id entry.StatementID) *entry.Statement {
		return s.Sign(s.Service, entry.Draft{
			Kind: entry.KindCorrection, Sub: entry.SubOfHandle(one.Handle), Jurisdiction: "eu", Parts: &parts,
			Body: &entry.Correction{Corrects: id},
		})
	}
	s.refused(t, "correct what nobody said", entry.CodeUnknownStatement, correct(entry.StatementID{1}))
	s.refused(t, "correct what is said of another", entry.CodeWrongHandle, correct(*two.Device.Prev))
	s.refused(t, "correct what is said of nobody", entry.CodeWrongHandle, correct(s.Genesis.ID()))
}

// signed is the statement of a pair with what it is about.
func signed[T any](_ T, s *entry.Statement) *entry.Statement { return s }

// TestRulesOfDevices: a device that may act in two jurisdictions still writes
// where its binding is, nothing under a binding that has ended, and gets no
// binding under a handle that is closed.
func TestRulesOfDevices(t *testing.T) {
	s := tell(t, 35)
	one, parts := s.subjects[0], s.Hash()
	d := &ledgertest.Device{Key: s.DeviceKey(), Boot: 1}
	enrol := s.Sign(s.Registrars[0], entry.Draft{
		Kind: entry.KindAuthor, Sub: entry.SubOfHandle(one.Handle), Jurisdiction: "eu", Parts: &parts,
		Body: &entry.AuthorChange{
			Action: entry.AuthorEnrol, Key: d.Key.SPKI(), Role: entry.RoleDevice, Jurisdictions: []string{"eu", "us"},
		},
	})
	binding, bind := s.Bind(d, one.Handle, "eu")
	s.apply(t, enrol, bind)
	draft := func(j string, kind entry.Kind, body entry.Body) entry.Draft {
		return d.Next(entry.Draft{Kind: kind, Sub: entry.SubOfBinding(binding), Jurisdiction: j, Parts: &parts, Body: body})
	}
	ahead := *d
	s.refused(t, "reading elsewhere", entry.CodeWrongJurisdiction, s.Sign(d.Key, draft("us", entry.KindReading, nil)))
	*d = ahead
	first := s.Sign(d.Key, draft("eu", entry.KindReading, nil))
	s.apply(t, first, s.Unbind(binding, "eu", s.Now-1))
	s.refused(t, "correction under a binding that ended", entry.CodeBindingClosed,
		s.Sign(d.Key, draft("eu", entry.KindCorrection, &entry.Correction{Corrects: first.ID()})))
	s.apply(t, s.CloseHandle(one.Handle, "eu"))
	s.refused(t, "bind under a closed handle", entry.CodeHandleClosed, signed(s.Bind(d, one.Handle, "eu")))
}

// TestRegistriesSay: what a statement said is what is read afterwards.
func TestRegistriesSay(t *testing.T) {
	w := ledgertest.NewWorld(t, 36)
	l := w.Open(t, vfs.NewMem(), "ledger")
	key := w.Key().SPKI()
	pair := w.CA(key)
	out := w.Apply(t, l, pair...)
	c, ok, err := l.Confirmation(pair[0].ID())
	if err != nil || !ok || c.Index != out[0].Index || c.Confirmed == nil || c.Confirmed.Index != out[1].Index {
		t.Errorf("confirmation %+v %t %v, want entries %d and %d", c, ok, err, out[0].Index, out[1].Index)
	}
	withdraw := w.Sign(w.Registrars[0], entry.Draft{Kind: entry.KindCA, Body: &entry.CAChange{Action: entry.CAWithdraw, Key: key}})
	w.Apply(t, l, withdraw, w.Confirm(w.Registrars[1], withdraw))
	if cas, err := l.ActiveCAs(); err != nil || len(cas) != 0 {
		t.Errorf("%d CAs are active after the only one was withdrawn, %v", len(cas), err)
	}
	h, open := w.OpenHandle(entry.HandleDevice, "eu")
	d, enrol := w.EnrolDevice(h, "eu", true)
	person, openPerson := w.OpenHandle(entry.HandleSubject, "eu")
	w.Apply(t, l, open, enrol, openPerson, signed(w.Bind(d, person, "eu")))
	if a, _, err := l.Author(d.Key.ID()); err != nil || !a.Linkable || a.Handle != h || a.Jurisdiction != "eu" {
		t.Errorf("a device with one fixed key is %+v, %v", a, err)
	}
	out = w.Apply(t, l, w.Author(&entry.AuthorChange{Action: entry.AuthorSuspend, Author: d.Key.ID()}, entry.SubOfHandle(h), "eu"), w.CloseHandle(person, "eu"))
	if a, _, err := l.Author(d.Key.ID()); err != nil || a.Changed != out[0].Index || a.Enrolled >= a.Changed {
		t.Errorf("suspended at entry %d: %+v, %v", out[0].Index, a, err)
	}
	if got, _, err := l.Handle(person); err != nil || got.Closed != out[1].Index || got.Opened >= got.Closed {
		t.Errorf("closed at entry %d: %+v, %v", out[1].Index, got, err)
	}
	policy := w.Sign(w.Registrars[0], entry.Draft{Kind: entry.KindPolicy, Body: &entry.PolicyChange{
		Type: entry.PolicyBundle, Hash: w.Hash(), Regime: entry.RegimeHIPAA,
	}})
	out = w.Apply(t, l, policy, w.Confirm(w.Registrars[1], policy))
	for regime, want := range map[entry.Regime]int{entry.RegimeHIPAA: 1, entry.RegimeGDPR: 0} {
		got, err := l.Policies(entry.PolicyBundle, regime)
		if err != nil || len(got) != want || want == 1 && got[0].Index != out[1].Index {
			t.Errorf("policies of %s: %+v, %v", regime, got, err)
		}
	}
}

// TestGraceRunsFromApproval: an erasure that waited long for its approval may
// still be cancelled for the whole grace.
func TestGraceRunsFromApproval(t *testing.T) {
	e := newErasing(t, 37)
	r := e.request()
	e.Now += ledgertest.Grace / 2
	e.do(e.Officers[1], entry.Erasure{Step: entry.StepApprove, Request: r})
	e.Now += ledgertest.Grace - 1
	e.refuse(e.Nodes[0].Author, entry.CodeGraceRunning, entry.Erasure{Step: entry.StepExecuted, Request: r})
	e.Refused(t, e.l, e.Erasure(e.Officers[0], "us", &entry.Erasure{Step: entry.StepCancel, Request: r}), entry.CodeWrongJurisdiction)
	e.Now++
	e.do(e.Nodes[0].Author, entry.Erasure{Step: entry.StepExecuted, Request: r})
}

// TestTwoNodesLost: a node declared lost stays so when another one is.
func TestTwoNodesLost(t *testing.T) {
	e := newErasing(t, 38)
	r := e.request()
	e.do(e.Officers[1], entry.Erasure{Step: entry.StepApprove, Request: r})
	e.Now += ledgertest.Grace
	for _, node := range []*ledgertest.Node{e.Nodes[0], e.Nodes[1]} {
		e.do(e.Officers[0], entry.Erasure{Step: entry.StepLost, Request: r, Node: node.Author.ID()})
	}
	if got, _, err := e.l.Erasure(r); err != nil || !got.IsLost("one") || !got.IsLost("two") || len(got.Lost) != 2 {
		t.Errorf("two nodes were declared lost: %+v, %v", got, err)
	}
}
