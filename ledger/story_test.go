package ledger_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
)

// story is a log in which everything that leaves a row has happened.
type story struct {
	t *testing.T
	*ledgertest.World
	l        *ledger.Ledger
	subjects []*ledgertest.Subject
	staff    entry.Handle
	fs       vfs.FS
}

// tell writes a story. Statements are applied one by one, so that each has the
// time at which it was signed.
func tell(t *testing.T, seed uint64) *story {
	w := ledgertest.NewWorld(t, seed)
	s := &story{t: t, World: w, fs: vfs.NewMem()}
	s.l = w.Open(t, s.fs, "ledger")
	s.apply(t, w.Staff()...)
	s.apply(t, w.CA(w.Key().SPKI())...)
	s.apply(t, w.Sign(w.Registrars[0], entry.Draft{
		Kind: entry.KindCA, Body: &entry.CAChange{Action: entry.CAActivate, Key: w.Key().SPKI()},
	}))
	for _, j := range []string{"eu", "us", "in"} {
		subject, setup := w.Subject(j)
		s.apply(t, setup...)
		s.subjects = append(s.subjects, subject)
	}
	var open *entry.Statement
	s.staff, open = w.OpenHandleBy(w.Nodes[0].Author, entry.HandleStaff, "eu")
	s.apply(t, open)
	for range 100 {
		for _, subject := range s.subjects {
			s.apply(t, w.Reading(subject))
		}
	}
	s.governance(t)
	s.disorder(t)
	s.erasures(t)
	return s
}

func (s *story) apply(t *testing.T, stmts ...*entry.Statement) {
	t.Helper()
	for _, one := range stmts {
		s.Now += 10
		s.Apply(t, s.l, one)
	}
}

// governance: consents, corrections, accesses, holds, policies and nodes.
func (s *story) governance(t *testing.T) {
	one, parts := s.subjects[0], s.Hash()
	s.apply(t, s.Sign(s.ConsentService, entry.Draft{
		Kind: entry.KindConsent, Sub: entry.SubOfHandle(one.Handle), Jurisdiction: "eu",
		Body: &entry.Consent{
			Action: entry.ConsentGrant, Purposes: []entry.Purpose{entry.PurposeTREAT}, Regime: entry.RegimeGDPR,
			Basis: entry.BasisExplicitConsent, From: s.Now, Document: s.Hash(),
		},
	}))
	s.apply(t, s.Sign(s.Service, entry.Draft{
		Kind: entry.KindCorrection, Sub: entry.SubOfHandle(one.Handle), Jurisdiction: "eu", Parts: &parts,
		Body: &entry.Correction{Corrects: *one.Device.Prev},
	}))
	s.apply(t, s.Access(s.Nodes[0], one.Handle, s.staff, "eu", s.l.Size()))
	s.apply(t, s.two(entry.Draft{Kind: entry.KindPolicy, Body: &entry.PolicyChange{
		Type: entry.PolicyBundle, Hash: s.Hash(), Regime: entry.RegimeGDPR,
	}})...)
	n := s.NewNode(ledgertest.NodeSpec{Name: "node-2", Placement: []string{"us"}})
	s.apply(t, s.ChangeNode(&entry.NodeChange{Action: entry.NodeAdded, Node: n.Record})...)
	again := s.NewNode(ledgertest.NodeSpec{Name: "node-2", Placement: []string{"in", "us"}})
	s.apply(t, s.ChangeNode(&entry.NodeChange{Action: entry.NodeKeys, Node: again.Record})...)
	for _, j := range []string{"eu", "us"} {
		hold := s.Hold(s.Officers[0], j, &entry.Hold{Action: entry.HoldSet})
		release := s.Hold(s.Officers[0], j, &entry.Hold{Action: entry.HoldRelease, Set: hold.ID()})
		s.apply(t, hold, release)
		if j == "eu" {
			s.apply(t, s.Confirm(s.Officers[1], release))
		}
	}
}

func (s *story) two(d entry.Draft) []*entry.Statement {
	first := s.Sign(s.Registrars[0], d)
	return []*entry.Statement{first, s.Confirm(s.Registrars[1], first)}
}

// disorder: gaps, statements out of order, equivocation, and a revoked device
// that is vouched for.
func (s *story) disorder(t *testing.T) {
	two := s.subjects[1]
	var held []*entry.Statement
	for i := range 12 {
		r := s.Reading(two)
		if i%3 == 0 {
			held = append(held, r)
			continue
		}
		s.apply(t, r)
	}
	s.apply(t, held[2], held[1])
	clone := *two.Device
	cloned := *two
	cloned.Device = &clone
	clone.Seq--
	s.apply(t, s.Reading(&cloned))

	three := s.subjects[2]
	late := []*entry.Statement{s.Reading(three), s.Reading(three), s.Reading(three)}
	upto := late[2].ID()
	s.apply(t, s.Author(&entry.AuthorChange{
		Action: entry.AuthorRevoke, Author: three.Device.Key.ID(), Upto: &upto,
	}, entry.SubOfHandle(three.Handle), three.Jurisdiction))
	s.apply(t, late[2], late[1])
	s.apply(t, s.Unbind(three.Binding, three.Jurisdiction, s.Now), s.CloseHandle(three.Handle, three.Jurisdiction))
}

// erasures: one complete, one cancelled, one open.
func (s *story) erasures(t *testing.T) {
	request := func(j string) entry.StatementID {
		r := s.Erasure(s.Officers[0], j, &entry.Erasure{Step: entry.StepRequest, Scope: entry.ScopeAll})
		s.apply(t, r)
		return r.ID()
	}
	step := func(k *ledgertest.Key, j string, e entry.Erasure) { s.apply(t, s.Erasure(k, j, &e)) }
	eu, us, open := request("eu"), request("us"), request("us")
	step(s.Officers[1], "eu", entry.Erasure{Step: entry.StepApprove, Request: eu})
	step(s.Officers[1], "us", entry.Erasure{Step: entry.StepApprove, Request: us})
	step(s.Officers[1], "us", entry.Erasure{Step: entry.StepApprove, Request: open})
	step(s.Officers[0], "us", entry.Erasure{Step: entry.StepCancel, Request: us})
	s.Now += ledgertest.Grace
	step(s.Nodes[0].Author, "eu", entry.Erasure{
		Step: entry.StepExecuted, Request: eu, RootVersion: 1, Method: entry.MethodOverwriteUnlink, Strength: entry.StrengthBestEffort,
	})
	step(s.Nodes[0].Author, "eu", entry.Erasure{Step: entry.StepComplete, Request: eu})
	step(s.Officers[0], "us", entry.Erasure{Step: entry.StepLost, Request: open, Node: s.Nodes[0].Author.ID()})
}
