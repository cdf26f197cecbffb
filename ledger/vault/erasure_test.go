package vault

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

const day = 24 * 60 * 60 * 1000 // milliseconds

// pair is a site with two persons who have a reading each.
func pair(t *testing.T, seed uint64, s ledgertest.Spec) (at *site, alice, bob *person) {
	at = newSite(t, seed, vfs.NewMem(), s)
	t.Cleanup(at.close)
	var err error
	alice, err = at.register("mrn|alice")
	at.must(err)
	bob, err = at.register("mrn|bob")
	at.must(err)
	at.must(at.write(alice))
	at.must(at.write(bob))
	return at, alice, bob
}

// TestFloorRefusesByName: a floor that has not passed refuses an erasure at the
// request, naming class and rule, and lets the narrower scope through.
func TestFloorRefusesByName(t *testing.T) {
	s, alice, _ := pair(t, 31, spec(ledgertest.Grace, 10*day, 2*day, 0))
	_, err := s.request(alice, entry.ScopeAll)
	vaulttest.WantCode(t, err, entry.CodeRetentionFloor)
	if !strings.Contains(err.Error(), "clinical") || !strings.Contains(err.Error(), "scope identity") {
		t.Fatalf("the refusal does not say what to do: %v", err)
	}
	_, err = s.request(alice, entry.ScopeIdentity)
	vaulttest.WantCode(t, err, entry.CodeRetentionFloor)
	if !strings.Contains(err.Error(), "identity") {
		t.Fatalf("the refusal does not name the class: %v", err)
	}
	s.world.Now += 2 * day
	s.erase(alice, entry.ScopeIdentity) // the identity floor has passed
	_, err = s.request(alice, entry.ScopeAll)
	vaulttest.WantCode(t, err, entry.CodeRetentionFloor)
	s.world.Now += 8 * day
	s.erase(alice, entry.ScopeAll)
}

// TestFloorCountsFromTheNewestEntry: a record whose entry never came holds
// nothing up, one whose entry came late does.
func TestFloorCountsFromTheNewestEntry(t *testing.T) {
	s, alice, _ := pair(t, 32, spec(ledgertest.Grace, 10*day, 0, 0))
	s.world.Now += 10*day + 1000
	orphan := s.reading(alice, []byte(`{"resourceType":"Observation"}`), []byte("x"))
	_, err := s.vault.Seal(context.Background(), []Record{orphan})
	s.must(err)
	s.must(s.vault.CheckErasure(context.Background(), entry.ScopeAll, []entry.Handle{alice.handle}))
	s.world.Now += 55 * 60 * 1000 // sealed long before its entry comes
	o := s.append(ledger.Item{Statement: orphan.Statement.Bytes(), SealedAt: s.world.Now - 55*60*1000})[0]
	s.must(refusalOf(o))
	s.world.Now += 10*day - 1000
	err = s.vault.CheckErasure(context.Background(), entry.ScopeAll, []entry.Handle{alice.handle})
	vaulttest.WantCode(t, err, entry.CodeRetentionFloor)
	s.world.Now += 1000
	s.must(s.vault.CheckErasure(context.Background(), entry.ScopeAll, []entry.Handle{alice.handle}))
}

// TestExecutedWaitsForTheRekey: as long as the condemned keys are in the tree,
// and as long as an older root version is on this node, nothing is reported.
func TestExecutedWaitsForTheRekey(t *testing.T) {
	s, alice, bob := pair(t, 39, spec(ledgertest.Grace, 0, 0, 0))
	request, err := s.request(alice, entry.ScopeIdentity)
	s.must(err)
	s.approve(request)
	s.world.Now += ledgertest.Grace
	for _, lost := range []uint16{store.CommandRekey, store.CommandVerdict, store.CommandDestroyRoot, store.CommandAttest, store.CommandKeepStatement} {
		s.propose = func(c Command) string {
			if c.Type == lost {
				return "lost"
			}
			return ""
		}
		for range 3 {
			if err := s.round(); !errors.Is(err, errLost) {
				t.Fatalf("without command %d the round ended with %v", lost, err)
			}
		}
		if p, _, _ := s.progress(request); len(p.Executed) != 0 {
			t.Fatalf("reported as executed without command %d", lost)
		}
	}
	s.propose = nil
	root := vaulttest.Roots(t, s.fs, "keyring")[s.currentRoot()]
	vaulttest.PutRoot(t, s.fs, "keyring", 1, root) // somebody's copy of an older version
	s.must(s.round())
	if p, _, _ := s.progress(request); len(p.Executed) != 0 {
		t.Fatal("reported as executed beside an older root version")
	}
	s.must(s.vault.keys.DestroyAgain())
	s.must(s.round())
	if p, _, _ := s.progress(request); !p.Completed {
		t.Fatal("not complete")
	}
	s.whole(bob)
}

func (s *site) currentRoot() uint64 {
	t, err := s.store.View().Top()
	s.must(err)
	return t.Root
}

// TestFloorIsCheckedAgainAtExecution: an entry that slipped in before the
// request keeps the erasure waiting, and it goes on by itself.
func TestFloorIsCheckedAgainAtExecution(t *testing.T) {
	s, alice, bob := pair(t, 33, spec(ledgertest.Grace, 10*day, 0, 0))
	s.world.Now += 10*day + 1
	late := s.reading(alice, []byte(`{"resourceType":"Observation"}`), []byte("x"))
	sealed, err := s.vault.Seal(context.Background(), []Record{late})
	s.must(err)
	request, err := s.request(alice, entry.ScopeAll)
	s.must(err)
	o := s.append(ledger.Item{Statement: late.Statement.Bytes(), SealedAt: sealed[0].At})[0]
	s.must(refusalOf(o)) // its entry comes after the request's
	s.approve(request)
	s.world.Now += ledgertest.Grace
	s.must(s.round())
	if p, _, _ := s.progress(request); len(p.Executed) != 0 {
		t.Fatal("executed against the floor")
	}
	vaulttest.WantCode(t, s.vault.CheckApproval(context.Background(), request), entry.CodeRetentionFloor)
	s.world.Now += 10 * day
	s.must(s.round())
	if p, _, _ := s.progress(request); !p.Completed {
		t.Fatal("the erasure did not go on by itself")
	}
	s.whole(bob)
}

// TestHoldRefusesByName: one class is held, the rest can be erased; a hold set
// after the request stops the execution, and its release lets it go on.
func TestHoldRefusesByName(t *testing.T) {
	s, alice, _ := pair(t, 34, spec(ledgertest.Grace, 0, 0, 0))
	ctx := context.Background()
	clinical := s.setHold(alice, entry.ClassClinical)
	_, err := s.request(alice, entry.ScopeAll)
	vaulttest.WantCode(t, err, entry.CodeHoldActive)
	if !strings.Contains(err.Error(), "clinical") {
		t.Fatalf("the refusal does not name the class: %v", err)
	}
	request, err := s.request(alice, entry.ScopeIdentity)
	s.must(err)
	identity := s.setHold(alice, entry.ClassIdentity)
	vaulttest.WantCode(t, s.vault.CheckApproval(ctx, request), entry.CodeHoldActive)
	s.approve(request)
	s.world.Now += ledgertest.Grace
	s.waitsFor(identity, alice, request)
	s.releaseHold(clinical)
	s.erase(alice, entry.ScopeAll)
}

func (s *site) setHold(p *person, class entry.Class) entry.StatementID {
	s.tb.Helper()
	content, err := entry.HoldTarget{Handles: entry.HandleList{p.handle}, Class: class}.EncodeContent()
	s.must(err)
	r := s.seriesRecord(s.world.Officers[0], entry.KindHold, &entry.Hold{Action: entry.HoldSet}, content)
	s.must(s.submit(r))
	s.must(s.vault.BeginHold(context.Background(), r.Statement.ID()))
	return r.Statement.ID()
}

func (s *site) releaseHold(set entry.StatementID) {
	s.tb.Helper()
	release := s.world.Hold(s.world.Officers[0], euGroup, &entry.Hold{Action: entry.HoldRelease, Set: set})
	s.mustAppend(release)
	vaulttest.WantCode(s.tb, s.vault.EndHold(context.Background(), release.ID()), entry.CodeWrongState) // one officer is not enough
	confirm := s.world.Confirm(s.world.Officers[1], release)
	s.mustAppend(confirm)
	s.must(s.vault.EndHold(context.Background(), confirm.ID()))
}

// TestGraceAndCancel: nothing dies before grace has passed in ledger time; a
// cancellation lets the subject be written again; after grace there is none.
func TestGraceAndCancel(t *testing.T) {
	s, alice, _ := pair(t, 35, spec(ledgertest.Grace, 0, 0, 0))
	request, err := s.request(alice, entry.ScopeAll)
	s.must(err)
	vaulttest.WantCode(t, s.write(alice), entry.CodeSubjectErased)
	alice.device.Seq--
	s.whole(alice) // requested is not erased
	s.approve(request)
	s.world.Now += ledgertest.Grace - 1
	s.must(s.round())
	s.whole(alice)
	s.mustAppend(s.step(s.world.Officers[0], entry.StepCancel, request))
	s.must(s.round()) // the worker does what the api did not
	s.must(s.write(alice))
	s.whole(alice)
	s.must(s.vault.CancelErasure(context.Background(), request))

	request, err = s.request(alice, entry.ScopeAll)
	s.must(err)
	s.approve(request)
	s.world.Now += ledgertest.Grace
	cancel := s.step(s.world.Officers[0], entry.StepCancel, request)
	vaulttest.WantCode(t, refusalOf(s.append(s.world.Item(cancel))[0]), entry.CodeGraceOver)
	s.must(s.round())
	_, err = s.readAll(alice, "clinical")
	vaulttest.WantCode(t, err, entry.CodeSubjectErased)
	vaulttest.WantCode(t, s.vault.CancelErasure(context.Background(), request), entry.CodeWrongState)
}

// TestWorkerFindsWhatTheApiLost: the request's entry was committed and the node
// died before it marked the subject.
func TestWorkerFindsWhatTheApiLost(t *testing.T) {
	s, alice, bob := pair(t, 36, spec(ledgertest.Grace, 0, 0, 0))
	content, err := entry.HandleList{alice.handle}.EncodeContent()
	s.must(err)
	r := s.seriesRecord(s.world.Officers[0], entry.KindErasure, &entry.Erasure{Step: entry.StepRequest, Scope: entry.ScopeAll}, content)
	s.must(s.submit(r))
	content, err = entry.HoldTarget{Handles: entry.HandleList{bob.handle}, Class: entry.ClassClinical}.EncodeContent()
	s.must(err)
	hold := s.seriesRecord(s.world.Officers[0], entry.KindHold, &entry.Hold{Action: entry.HoldSet}, content)
	s.must(s.submit(hold))
	s.must(s.round())
	vaulttest.WantCode(t, s.write(alice), entry.CodeSubjectErased)
	_, err = s.request(bob, entry.ScopeAll)
	vaulttest.WantCode(t, err, entry.CodeHoldActive)
	_, err = s.request(alice, entry.ScopeIdentity)
	vaulttest.WantCode(t, err, entry.CodeErasureOpen)
}

// TestAuditDiesAtItsOwnFloor: erase all leaves the audit records until their
// floor has passed; then the worker destroys them, unless they are held.
func TestAuditDiesAtItsOwnFloor(t *testing.T) {
	s, alice, _ := pair(t, 37, spec(ledgertest.Grace, 0, 0, 5*day))
	hold := s.setHold(alice, entry.ClassAudit)
	g, err := s.grant(ask{entry.AccessRead, alice.handle, Request{RPC: "Read", Fields: []string{"audit"}, Caller: caller, Handle: alice.handle}})
	s.must(err)
	s.erase(alice, entry.ScopeAll)
	read := func() error {
		r := Request{
			RPC: "Read", Statements: []entry.StatementID{g.Statement.ID()}, Fields: []string{"audit"}, Caller: caller, Handle: alice.handle,
		}
		again, err := s.grant(ask{entry.AccessReport, alice.handle, r})
		if err != nil {
			return err
		}
		list, err := s.vault.Release(context.Background(), again, r)
		if err == nil && list[0].Openings[entry.ClassAudit] == nil {
			t.Fatal("the audit part is kept and does not open")
		}
		return err
	}
	s.must(read()) // and that is an access of its own
	s.world.Now += 6 * day
	s.must(s.round())
	s.must(read()) // held
	s.releaseHold(hold)
	s.world.Now += 6 * day
	s.must(s.round())
	vaulttest.WantCode(t, read(), entry.CodeSubjectErased)
	slot, _, err := s.store.View().Find(alice.handle)
	s.must(err)
	if left := s.rows(rowKey('r', slot)...); len(left) > 0 {
		t.Fatalf("%d records of the erased slot are left", len(left))
	}
	row, err := s.store.View().Slot(slot)
	s.must(err)
	if _, err := s.vault.keys.Leaf(row.Audit); !errors.Is(err, keytree.ErrKeyGone) {
		t.Fatalf("the audit key is in the tree: %v", err)
	}
}

// TestErasureNeedsEvidence: commands whose receipts do not prove what they say
// change nothing.
func TestErasureNeedsEvidence(t *testing.T) {
	s, alice, bob := pair(t, 38, spec(ledgertest.Grace, 0, 0, 0))
	ctx := context.Background()
	request, err := s.request(alice, entry.ScopeAll)
	s.must(err)
	good, _, err := s.vault.evidenceOf(ctx, request)
	s.must(err)
	propose := func(p store.Proposal) error {
		_, err := s.vault.propose(ctx, p)
		return err
	}
	bobs, _, err := s.store.View().Find(bob.handle)
	s.must(err)
	torn := store.Evidence{Statement: good.Statement, Receipt: append([]byte(nil), good.Receipt...)}
	torn.Receipt[len(torn.Receipt)-4] ^= 1
	unlogged := s.step(s.world.Officers[1], entry.StepApprove, request)
	for name, p := range map[string]store.Proposal{
		"approval not in the log":  &store.Condemn{Request: request, Approval: store.Evidence{Statement: unlogged.Bytes(), Receipt: good.Receipt}, LedgerTime: s.world.Now + day},
		"a request is no approval": &store.Condemn{Request: request, Approval: good, LedgerTime: s.world.Now + day},
		"torn receipt":             &store.BeginErasure{Request: torn, Subject: bobs, Slots: []uint64{bobs}},
		"nothing":                  &store.BeginErasure{Request: store.Evidence{}, Subject: bobs, Slots: []uint64{bobs}},
	} {
		if err := propose(p); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	s.approve(request)
	approval, _, err := s.vault.evidenceOf(ctx, approvalOf(s, request))
	s.must(err)
	vaulttest.WantCode(t, propose(&store.Condemn{Request: request, Approval: approval, LedgerTime: s.world.Now + ledgertest.Grace - 1}), entry.CodeGraceRunning)
	hold := s.setHold(alice, entry.ClassIdentity)
	vaulttest.WantCode(t, propose(&store.Condemn{Request: request, Approval: approval, LedgerTime: s.world.Now + ledgertest.Grace}), entry.CodeHoldActive)
	s.releaseHold(hold)
	s.must(propose(&store.Condemn{Request: request, Approval: approval, LedgerTime: s.world.Now + ledgertest.Grace}))
	_, err = s.readAll(alice, "clinical")
	vaulttest.WantCode(t, err, entry.CodeSubjectErased)
	s.whole(bob)
	s.must(s.write(bob))
}

func approvalOf(s *site, request entry.StatementID) entry.StatementID {
	p, _, err := s.progress(request)
	s.must(err)
	return p.Approval
}
