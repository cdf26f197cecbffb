package vault

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/layout"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

// lateSite is a site where commands are proposed past the service, as a proposer
// would that is late, or lies.
type lateSite struct {
	*site
	t          *testing.T
	alice, bob *person
}

func newLate(t *testing.T, seed uint64, s ledgertest.Spec) *lateSite {
	at, alice, bob := pair(t, seed, s)
	return &lateSite{at, t, alice, bob}
}

func (l *lateSite) try(p store.Proposal) error {
	_, err := l.vault.propose(l.t.Context(), p)
	return err
}

func (l *lateSite) evidence(id entry.StatementID) store.Evidence {
	l.t.Helper()
	e, _, err := l.vault.evidenceOf(l.t.Context(), id)
	l.must(err)
	return e
}

func (l *lateSite) numbers(p *person) (uint64, []uint64) {
	n, _, err := l.store.View().Find(p.handle)
	l.must(err)
	return n, []uint64{n} // one allocation gives both
}

func (l *lateSite) state(request entry.StatementID) store.ErasureState {
	row, err := l.store.View().Erasure(request)
	l.must(err)
	return row.State
}

// TestApplyJudgesErasuresAgain: an approval is good for its own request; a
// request for its own subject, once; and what is condemned stays so.
func TestApplyJudgesErasuresAgain(t *testing.T) {
	l := newLate(t, 141, spec(ledgertest.Grace, 0, 0, 0))
	hers, err := l.request(l.alice, entry.ScopeAll)
	l.must(err)
	his, err := l.request(l.bob, entry.ScopeAll)
	l.must(err)
	l.approve(hers)
	late := l.world.Now + ledgertest.Grace
	good := l.evidence(approvalOf(l.site, hers))
	vaulttest.WantCode(t, l.try(&store.Condemn{Request: his, Approval: good, LedgerTime: late}), entry.CodeWrongState)
	l.whole(l.bob)

	third := l.logRequest(l.alice, entry.ScopeIdentity)
	bobs, slots := l.numbers(l.bob)
	vaulttest.WantCode(t, l.try(&store.BeginErasure{Request: l.evidence(third), Subject: bobs, Slots: slots}), entry.CodeNotSealed)

	l.mustAppend(l.step(l.world.Officers[0], entry.StepCancel, his))
	l.must(l.vault.CancelErasure(t.Context(), his))
	l.must(l.try(&store.BeginErasure{Request: l.evidence(his), Subject: bobs, Slots: slots})) // a store.Proposal that was long under way
	if l.state(his) != store.ErasureCancelled {
		t.Fatal("a cancelled erasure has begun again")
	}
	vaulttest.WantCode(t, l.try(&store.Condemn{Request: his, Approval: good, LedgerTime: late}), entry.CodeWrongState)

	l.mustAppend(l.step(l.world.Officers[0], entry.StepCancel, hers)) // and a proposer who says that grace is over
	l.must(l.try(&store.Condemn{Request: hers, Approval: good, LedgerTime: late}))
	vaulttest.WantCode(t, l.vault.CancelErasure(t.Context(), hers), entry.CodeGraceOver)
	alices, slots := l.numbers(l.alice)
	l.must(l.try(&store.BeginErasure{Request: l.evidence(hers), Subject: alices, Slots: slots}))
	if l.state(hers) != store.ErasureCondemned {
		t.Fatal("a condemned erasure is another now")
	}
	l.whole(l.bob)
	l.must(l.write(l.bob))
}

// TestApplyJudgesHoldsAgain: a confirmation is good for its own release, a hold
// for its own jurisdiction, and an audit key is held whatever the proposer saw.
func TestApplyJudgesHoldsAgain(t *testing.T) {
	l := newLate(t, 142, spec(ledgertest.Grace, 0, 0, 5*day))
	clinical, identity := l.setHold(l.alice, entry.ClassClinical), l.setHold(l.alice, entry.ClassIdentity)
	w := l.world
	one := w.Hold(w.Officers[0], euGroup, &entry.Hold{Action: entry.HoldRelease, Set: clinical})
	two := w.Hold(w.Officers[0], euGroup, &entry.Hold{Action: entry.HoldRelease, Set: identity})
	yes := w.Confirm(w.Officers[1], one)
	l.mustAppend(one, two, yes)
	vaulttest.WantCode(t, l.try(&store.ReleaseHold{Release: l.evidence(two.ID()), Confirmation: l.evidence(yes.ID())}), entry.CodeWrongState)
	_, err := l.request(l.alice, entry.ScopeIdentity)
	vaulttest.WantCode(t, err, entry.CodeHoldActive)

	g, err := l.grant(ask{entry.AccessRead, l.alice.handle, Request{RPC: "Read", Fields: []string{"clinical"}, Caller: caller, Handle: l.alice.handle}})
	l.must(err)
	l.must(l.try(&store.ReleaseHold{Release: l.evidence(one.ID()), Confirmation: l.evidence(yes.ID())}))
	_, err = l.vault.Release(t.Context(), g, Request{RPC: "Read", Fields: []string{"clinical"}, Caller: caller, Handle: l.alice.handle})
	vaulttest.WantCode(t, err, entry.CodeGuardRaised)

	content, err := entry.HoldTarget{Handles: entry.HandleList{l.bob.handle}, Class: entry.ClassClinical}.EncodeContent()
	l.must(err)
	foreign := l.record(w.Officers[0], entry.Draft{Kind: entry.KindHold, Jurisdiction: "us", Body: &entry.Hold{Action: entry.HoldSet}}, entry.Handle{},
		map[entry.Class][]byte{entry.ClassSeries: l.opening(entry.MediaTypeCBOR, content)})
	l.mustAppend(foreign.Statement)
	bobs, slots := l.numbers(l.bob)
	vaulttest.WantCode(t, l.try(&store.SetHold{Set: l.evidence(foreign.Statement.ID()), Subject: bobs, Class: entry.ClassClinical, Slots: slots}), entry.CodeWrongState)

	audit := l.setHold(l.bob, entry.ClassAudit)
	_, err = l.readAll(l.bob, "clinical")
	l.must(err)
	l.erase(l.bob, entry.ScopeAll)
	l.world.Now += 6 * day
	vaulttest.WantCode(t, l.try(&store.CondemnAudit{Slot: slots[0]}), entry.CodeHoldActive)
	l.releaseHold(audit)
	l.must(l.try(&store.CondemnAudit{Slot: slots[0]}))
	_, err = l.grant(ask{entry.AccessRead, l.bob.handle, Request{RPC: "Read", Fields: []string{"audit"}, Caller: caller, Handle: l.bob.handle}})
	vaulttest.WantCode(t, err, entry.CodeSubjectErased) // although the key is still in the tree
}

// TestCancelRaisesTheGuard: a decision made while an erasure was under way does
// not outlive it.
func TestCancelRaisesTheGuard(t *testing.T) {
	w := newWard(t, 143)
	request, err := w.request(w.alice, entry.ScopeAll)
	w.must(err)
	g, err := w.grant(w.reading())
	w.must(err)
	w.mustAppend(w.step(w.world.Officers[0], entry.StepCancel, request))
	w.must(w.vault.CancelErasure(t.Context(), request))
	w.refused(w.vault, g, w.r, entry.CodeGuardRaised)
}

// TestMoreKeysThanOneRekeyTakes: an erasure is not reported while a key it
// answers for is in the tree, however many rekeys that takes.
func TestMoreKeysThanOneRekeyTakes(t *testing.T) {
	l := newLate(t, 144, spec(ledgertest.Grace, 0, 0, 0))
	l.propose = func(c Command) string {
		if c.Type == store.CommandRegister {
			return "lost"
		}
		return ""
	}
	for i := range store.MaxCondemned/4 + 2 { // their keys come before carol's
		if _, err := l.register(fmt.Sprint("mrn|", i)); !errors.Is(err, errLost) {
			t.Fatalf("a lost registration gave %v", err)
		}
	}
	rekeys := 0
	l.propose = func(c Command) string {
		switch c.Type {
		case store.CommandRekey:
			rekeys++
		case store.CommandKeepStatement:
			if doomed, err := l.store.View().Condemned(1); err != nil || len(doomed) != 0 {
				t.Errorf("reported with condemned keys in the tree (%v)", err)
			}
		}
		return ""
	}
	carol, err := l.register("mrn|carol")
	l.must(err)
	l.erase(carol, entry.ScopeAll)
	if rekeys < 2 {
		t.Fatalf("%d rekeys: the test proves nothing", rekeys)
	}
	_, err = l.vault.OpenSubject(t.Context(), SubjectRequest{Request: l.requestOf(carol), Class: entry.HandleSubject, Identifiers: []string{"mrn|carol"}})
	vaulttest.WantCode(t, err, entry.CodeSubjectErased) // the same request does not bring her back
}

// requestOf finds the request by which somebody was registered.
func (l *lateSite) requestOf(p *person) (id entry.RequestID) {
	slot, _ := l.numbers(p)
	for k, value := range l.rows('q') {
		var given store.Allocation
		l.must(layout.Decode(value, &given))
		if given.Slot == slot {
			copy(id[:], k[1:])
		}
	}
	return id
}

// TestForeignRootsAreLeftAlone: a version this group never took is no business of
// ours: it is neither destroyed nor waited for.
func TestForeignRootsAreLeftAlone(t *testing.T) {
	l := newLate(t, 145, spec(ledgertest.Grace, 0, 0, 0))
	l.must(l.keyring.Create(999))
	l.erase(l.alice, entry.ScopeAll)
	l.must(l.vault.keys.DestroyAgain())
	if versions, err := l.keyring.List(); err != nil || !slices.Contains(versions, 999) {
		t.Fatalf("versions %v (%v)", versions, err)
	}
	l.whole(l.bob)
}

// TestSealTimesDoNotGoBack: what has been swept stays swept, though the clock is
// set back.
func TestSealTimesDoNotGoBack(t *testing.T) {
	l := newLate(t, 146, spec(ledgertest.Grace, 0, 0, 0))
	l.world.Now += day
	l.must(l.round())
	c, err := l.store.View().Counters()
	l.must(err)
	l.world.Now -= 3 * hour
	r := l.reading(l.alice, []byte(`{"resourceType":"Observation"}`), []byte("x"))
	sealed, err := l.vault.Seal(t.Context(), []Record{r})
	l.must(err)
	if c.Swept <= l.world.Now || sealed[0].At < c.Swept {
		t.Fatalf("swept to %d, sealed at %d, now %d", c.Swept, sealed[0].At, l.world.Now)
	}
}
