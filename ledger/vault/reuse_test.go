package vault

import (
	"context"
	"errors"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

// TestRequestTakenUpWithOtherNames: somebody registers with a wrong identifier,
// the attempt is lost on its way, and is taken up with the right one. The first
// lies in some log, sealed; if that were under the keys of who was registered in
// the end, the person it belongs to could not be erased.
func TestRequestTakenUpWithOtherNames(t *testing.T) {
	s, _, _ := pair(t, 111, spec(ledgertest.Grace, 0, 0, 0))
	spy := vaulttest.Attacker{Group: euGroup}
	tapped := s.tap
	defer func() { s.tap = tapped }()
	replayTo(t, s, &spy)
	s.tap = spy.Hear
	ask := func(name string) (entry.Handle, error) {
		return s.vault.OpenSubject(context.Background(), SubjectRequest{
			Request: entry.RequestID{77}, Class: entry.HandleSubject, Identifiers: []string{name},
		})
	}
	s.propose = func(c Command) string {
		if c.Type == store.CommandRegister {
			return "lost"
		}
		return ""
	}
	if _, err := ask("mrn|carol"); !errors.Is(err, errLost) {
		t.Fatalf("a lost registration gave %v", err)
	}
	s.propose = nil
	h, err := ask("mrn|dave")
	s.must(err)
	if again, err := ask("mrn|dave"); err != nil || again != h {
		t.Fatalf("the same request gives another handle (%v)", err)
	}
	carol, err := s.register("mrn|carol")
	s.must(err)
	s.erase(carol, entry.ScopeAll)
	list := spy.Attack(t, s.fs)
	if what, seen := vaulttest.Sees(list, []byte("mrn|carol")); seen {
		t.Fatalf("carol is erased and yet found in a %s", what)
	}
	if _, seen := vaulttest.Sees(list, []byte("mrn|dave")); !seen {
		t.Fatal("the attacker is too weak: a living identity does not open")
	}
}

// replayTo lets an attacker hear what the vault's log already holds.
func replayTo(t *testing.T, s *site, spy *vaulttest.Attacker) {
	t.Helper()
	for _, c := range loggedCommands(t, s.fs) {
		spy.Hear(Command{Type: c.Type, Body: c.Body})
	}
}

// TestTwoErasuresOfOnePerson: requests that were checked before either was in
// the log. Whichever comes first, both end, and nothing is left.
func TestTwoErasuresOfOnePerson(t *testing.T) {
	for name, first := range map[string]entry.Scope{"identity first": entry.ScopeIdentity, "all first": entry.ScopeAll} {
		t.Run(name, func(t *testing.T) {
			s, alice, bob := pair(t, 112, spec(ledgertest.Grace, 0, 0, 0))
			spy := vaulttest.Attacker{Group: euGroup}
			replayTo(t, s, &spy)
			s.tap = spy.Hear
			one, two := s.logRequest(alice, first), s.logRequest(alice, entry.ScopeIdentity+entry.ScopeAll-first)
			s.must(s.round())
			s.approve(one)
			s.world.Now += ledgertest.Grace
			s.must(s.round())
			s.approve(two)
			s.world.Now += ledgertest.Grace
			s.must(s.round())
			for _, request := range []entry.StatementID{one, two} {
				if p, _, _ := s.progress(request); !p.Completed {
					t.Fatalf("an erasure is not complete: %+v", p)
				}
			}
			for _, needle := range [][]byte{[]byte(alice.identifier), alice.readings[0].clinical, alice.handle[:]} {
				if what, seen := vaulttest.Sees(spy.Attack(t, s.fs), needle); seen {
					t.Fatalf("alice is erased and yet found in a %s", what)
				}
			}
			s.whole(bob)
		})
	}
}

// logRequest puts an erasure's request into the log, and no further.
func (s *site) logRequest(p *person, scope entry.Scope) entry.StatementID {
	s.tb.Helper()
	content, err := entry.HandleList{p.handle}.EncodeContent()
	s.must(err)
	r := s.seriesRecord(s.world.Officers[0], entry.KindErasure, &entry.Erasure{Step: entry.StepRequest, Scope: scope}, content)
	s.must(s.submit(r))
	return r.Statement.ID()
}

// TestRequestThatComesTooLate: the second request is in the log, its node died
// before it began, and by then the first has erased everything. It can be
// cancelled; until then it keeps nobody from working.
func TestRequestThatComesTooLate(t *testing.T) {
	s, alice, bob := pair(t, 113, spec(ledgertest.Grace, 0, 0, 0))
	content, err := entry.HandleList{alice.handle}.EncodeContent()
	s.must(err)
	late := s.seriesRecord(s.world.Officers[0], entry.KindErasure, &entry.Erasure{Step: entry.StepRequest, Scope: entry.ScopeAll}, content)
	sealed, err := s.vault.Seal(context.Background(), []Record{late})
	s.must(err)
	s.erase(alice, entry.ScopeAll)
	o := s.append(s.itemSealed(late.Statement, sealed[0].At))[0]
	s.must(refusalOf(o))
	s.must(s.round())
	vaulttest.WantCode(t, s.vault.CheckApproval(context.Background(), late.Statement.ID()), entry.CodeSubjectErased)
	s.erase(bob, entry.ScopeIdentity)
	s.mustAppend(s.step(s.world.Officers[0], entry.StepCancel, late.Statement.ID()))
	s.must(s.vault.CancelErasure(context.Background(), late.Statement.ID()))
	s.must(s.round())
}

// TestHoldOnWhatIsGone: a hold that can protect nothing any more is refused
// before it is in the log, and is not in force if it is there already.
func TestHoldOnWhatIsGone(t *testing.T) {
	s, alice, _ := pair(t, 114, spec(ledgertest.Grace, 0, 0, 0))
	content, err := entry.HoldTarget{Handles: entry.HandleList{alice.handle}, Class: entry.ClassIdentity}.EncodeContent()
	s.must(err)
	hold := func() Record {
		return s.seriesRecord(s.world.Officers[0], entry.KindHold, &entry.Hold{Action: entry.HoldSet}, content)
	}
	meanwhile := hold()
	sealed, err := s.vault.Seal(context.Background(), []Record{meanwhile})
	s.must(err)
	s.erase(alice, entry.ScopeIdentity)
	vaulttest.WantCode(t, s.submit(hold()), entry.CodeSubjectErased)
	s.must(refusalOf(s.append(s.itemSealed(meanwhile.Statement, sealed[0].At))[0]))
	vaulttest.WantCode(t, s.vault.BeginHold(context.Background(), meanwhile.Statement.ID()), entry.CodeSubjectErased)
	s.must(s.round())
	if f := s.vault.Findings(); f.Refused != 1 {
		t.Fatalf("a hold without effect was not noted: %+v", f)
	}
	s.setHold(alice, entry.ClassClinical) // which is still there
}

// TestExecutedWaitsForEveryKey: an erasure answers for the keys it condemned, for
// those that another condemned just before it, and for the vacancies it gave up.
func TestExecutedWaitsForEveryKey(t *testing.T) {
	s, alice, _ := pair(t, 115, spec(ledgertest.Grace, 0, 0, 0))
	s.propose = func(c Command) string {
		if c.Type == store.CommandRegister {
			return "lost"
		}
		return ""
	}
	if _, err := s.register("mrn|carol"); !errors.Is(err, errLost) {
		t.Fatalf("a lost registration gave %v", err)
	}
	s.propose = nil
	one, two := s.logRequest(alice, entry.ScopeIdentity), s.logRequest(alice, entry.ScopeAll)
	s.must(s.round())
	for i, request := range []entry.StatementID{one, two} {
		s.approve(request)
		approval, _, err := s.vault.evidenceOf(t.Context(), approvalOf(s, request))
		s.must(err)
		_, err = s.vault.propose(t.Context(), &store.Condemn{Request: request, Approval: approval, LedgerTime: s.world.Now + ledgertest.Grace})
		s.must(err)
		row, err := s.store.View().Erasure(request)
		s.must(err)
		if want := []int{1 + 4, 3}[i]; len(row.Leaves) != want {
			t.Fatalf("erasure %d answers for %d keys, want %d", i, len(row.Leaves), want)
		}
	}
}
