package ledger_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
)

// TestRulesOfConfirmations: a second signature is for the same thing as the
// first, in kind and jurisdiction.
func TestRulesOfConfirmations(t *testing.T) {
	s := tell(t, 61)
	confirm := func(k *ledgertest.Key, first *entry.Statement, d entry.Draft) *entry.Statement {
		id := first.ID()
		d.Confirms = &id
		return s.Sign(k, d)
	}
	policy := s.Sign(s.Registrars[0], entry.Draft{Kind: entry.KindPolicy, Body: &entry.PolicyChange{
		Type: entry.PolicyBundle, Hash: s.Hash(), Regime: entry.RegimeGDPR,
	}})
	hold := s.Hold(s.Officers[0], "eu", &entry.Hold{Action: entry.HoldSet})
	release := s.Hold(s.Officers[0], "eu", &entry.Hold{Action: entry.HoldRelease, Set: hold.ID()})
	s.apply(t, policy, hold, release)
	s.refused(t, "of another kind", entry.CodeNotConfirmable, confirm(s.Registrars[1], policy, entry.Draft{Kind: entry.KindCA}))
	s.refused(t, "in another jurisdiction", entry.CodeNotConfirmable, confirm(s.Officers[1], release, entry.Draft{
		Kind: entry.KindHold, Jurisdiction: "us",
	}))
	s.refused(t, "of nothing", entry.CodeUnknownStatement, s.Hold(s.Officers[0], "eu", &entry.Hold{
		Action: entry.HoldRelease, Set: entry.StatementID{1},
	}))
	s.refused(t, "an index entry by nobody who could", entry.CodeKindNotYet, s.Sign(s.Registrars[0], entry.Draft{
		Kind: entry.KindIndex, Body: &entry.IndexSeal{N: 1},
	}))
}

// TestRulesOfLosses: lost is said once, of the present key of a node placed in
// the jurisdiction, while the erasure waits for it.
func TestRulesOfLosses(t *testing.T) {
	e := newErasing(t, 62)
	r := e.request()
	lost := func(id entry.AuthorID) entry.Erasure {
		return entry.Erasure{Step: entry.StepLost, Request: r, Node: id}
	}
	complete := entry.Erasure{Step: entry.StepComplete, Request: r}
	one, two := e.Nodes[0].Author, e.Nodes[1].Author
	e.do(e.Officers[1], entry.Erasure{Step: entry.StepApprove, Request: r})
	e.refuse(e.Officers[0], entry.CodeUnknownAuthor, lost(entry.AuthorID{1}))
	e.refuse(e.Officers[0], entry.CodeWrongJurisdiction, lost(e.Officers[1].ID()))
	e.refuse(e.Officers[0], entry.CodeWrongJurisdiction, lost(e.Nodes[2].Author.ID()))
	again := e.NewNode(ledgertest.NodeSpec{Name: "two", Placement: []string{"eu"}})
	e.Apply(t, e.l, e.ChangeNode(&entry.NodeChange{Action: entry.NodeKeys, Node: again.Record})...)
	e.refuse(e.Officers[0], entry.CodeWrongState, lost(two.ID()))
	e.do(e.Officers[0], lost(again.Author.ID()))
	e.refuse(e.Officers[0], entry.CodeWrongState, lost(again.Author.ID()))
	e.do(e.Officers[0], lost(one.ID()))
	e.refuse(one, entry.CodeGraceRunning, complete)
	e.Now += ledgertest.Grace
	e.do(one, complete)
	e.refuse(one, entry.CodeWrongState, complete)
	fresh := e.NewNode(ledgertest.NodeSpec{Name: "four", Placement: []string{"eu"}})
	e.Apply(t, e.l, e.ChangeNode(&entry.NodeChange{Action: entry.NodeAdded, Node: fresh.Record})...)
	e.refuse(e.Officers[0], entry.CodeWrongState, lost(fresh.Author.ID()))
	e.refuse(fresh.Author, entry.CodeWrongState, entry.Erasure{Step: entry.StepExecuted, Request: r})
	e.do(one, entry.Erasure{Step: entry.StepExecuted, Request: r}) // declared lost, and back

	cancelled := e.request()
	e.do(e.Officers[1], entry.Erasure{Step: entry.StepApprove, Request: cancelled})
	e.do(e.Officers[0], entry.Erasure{Step: entry.StepCancel, Request: cancelled})
	e.Now += ledgertest.Grace
	e.refuse(e.Officers[0], entry.CodeWrongState, entry.Erasure{Step: entry.StepLost, Request: cancelled, Node: one.ID()})
	e.refuse(one, entry.CodeWrongState, entry.Erasure{Step: entry.StepComplete, Request: cancelled})
}

// TestRulesOfNames: what is open is not opened again, and a device writes about
// its own bindings only, with a number of its own.
func TestRulesOfNames(t *testing.T) {
	s := tell(t, 63)
	one, parts := s.subjects[0], s.Hash()
	s.refused(t, "open a handle again", entry.CodeHandleExists, s.Sign(s.Registrars[0], entry.Draft{
		Kind: entry.KindHandle, Sub: entry.SubOfHandle(one.Handle), Jurisdiction: "eu", Parts: &parts,
		Body: &entry.HandleChange{Action: entry.ActionOpen, Class: entry.HandleSubject, At: s.Now},
	}))
	bind := func(id entry.BindingID, author entry.AuthorID) *entry.Statement {
		return s.Sign(s.Registrars[0], entry.Draft{Kind: entry.KindBinding, Jurisdiction: "eu", Body: &entry.BindingChange{
			Action: entry.ActionOpen, Binding: id, Handle: one.Handle, Author: author, From: s.Now,
		}})
	}
	s.refused(t, "open a binding again", entry.CodeBindingExists, bind(one.Binding, one.Device.Key.ID()))
	s.refused(t, "bind what is no device", entry.CodeWrongBinding, bind(s.ID(), s.Service.ID()))
	body := &entry.Correction{Corrects: *one.Device.Prev}
	correct := func(k *ledgertest.Key, sub entry.Sub, boot, seq uint64) *entry.Statement {
		return s.Sign(k, entry.Draft{
			Kind: entry.KindCorrection, Sub: sub, Jurisdiction: "eu", Parts: &parts, Body: body, Boot: boot, Seq: seq,
		})
	}
	other, enrol := s.EnrolDevice(one.Handle, "eu", false)
	s.apply(t, enrol)
	s.refused(t, "correct under another's binding", entry.CodeWrongBinding, correct(other.Key, entry.SubOfBinding(one.Binding), 1, 1))
	s.refused(t, "a device corrects under a handle", entry.CodeWrongBinding,
		correct(one.Device.Key, entry.SubOfHandle(one.Handle), one.Device.Boot, one.Device.Seq+1))
	s.refused(t, "a service with numbers", entry.CodeFieldMissing, correct(s.Service, entry.SubOfBinding(one.Binding), 1, 1))
}

// TestTimesOfABinding: five minutes before it begins, at its very end, and seven
// days after that, to the millisecond (FORMATS §1).
func TestTimesOfABinding(t *testing.T) {
	w := ledgertest.NewWorld(t, 64)
	l := w.Open(t, vfs.NewMem(), "ledger")
	s, setup := w.Subject("eu")
	w.Apply(t, l, setup...)
	from := w.Now
	to := from + day
	parts := w.Hash()
	reading := func(at uint64) *entry.Statement {
		return w.Sign(s.Device.Key, s.Device.Next(entry.Draft{
			Kind: entry.KindReading, Sub: entry.SubOfBinding(s.Binding), Jurisdiction: "eu", Parts: &parts, IssuedAt: at,
		}))
	}
	w.Refused(t, l, reading(from-5*minute-1), entry.CodeBindingNotYet)
	w.Apply(t, l, reading(from-5*minute))
	w.Now = to
	w.Apply(t, l, w.Unbind(s.Binding, "eu", to))
	w.Refused(t, l, reading(to+1), entry.CodeBindingClosed)
	w.Apply(t, l, reading(to))
	w.Now = to + 7*day
	w.Apply(t, l, reading(to-1))
	w.Now++
	w.Refused(t, l, reading(to-1), entry.CodeBindingClosed)
}
