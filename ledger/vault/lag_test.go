package vault

import (
	"context"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/store"
)

// lag makes the vault see the log only below an index until the log is moved:
// after a start the vault's group may have been replayed, and led, long before
// the global one has.
func (s *site) lag(below uint64) {
	behind := true
	env := &s.vault.env
	find, at, tick, progress, members := env.Entry, env.At, env.Tick, env.Erasure, env.Members
	env.Entry = func(id entry.StatementID) (Logged, bool, error) {
		e, ok, err := find(id)
		if behind && ok && e.Index >= below {
			return Logged{}, false, nil
		}
		return e, ok, err
	}
	env.At = func(index uint64) (Logged, bool, error) {
		if behind && index >= below {
			return Logged{}, false, nil
		}
		return at(index)
	}
	env.Erasure = func(id entry.StatementID) (Progress, bool, error) {
		if behind {
			return Progress{}, false, nil
		}
		return progress(id)
	}
	env.Members = func() ([]Member, error) {
		list, err := members()
		if behind && len(list) > 1 {
			list = list[:1] // the others came later
		}
		return list, err
	}
	env.Tick = func(ctx context.Context) (uint64, error) {
		now, err := tick(ctx)
		behind = behind && err != nil
		return now, err
	}
}

// TestSweepWaitsForTheLog: a node that was down for a day replays its vault
// first. Records whose entries it has not replayed yet are no orphans.
func TestSweepWaitsForTheLog(t *testing.T) {
	s, alice, bob := pair(t, 91, spec(ledgertest.Grace, 0, 0, 0))
	before := s.ledger.Size()
	s.must(s.write(alice))
	s.must(s.write(bob))
	s.world.Now += day + hour
	s.lag(before)
	s.must(s.round())
	if f := s.vault.Findings(); f.Swept != 0 || f.Waiting != 0 {
		t.Fatalf("records in the log were taken for orphans: %+v", f)
	}
	s.whole(alice)
	s.whole(bob)
}

// TestAuditFloorWaitsForTheLog: the entry that an audit floor protects is not
// replayed yet.
func TestAuditFloorWaitsForTheLog(t *testing.T) {
	s, alice, _ := pair(t, 92, spec(ledgertest.Grace, 0, 0, 5*day))
	_, err := s.readAll(alice, "clinical")
	s.must(err)
	s.erase(alice, entry.ScopeAll)
	s.world.Now += 4 * day
	before := s.ledger.Size()
	g, err := s.grant(ask{entry.AccessReport, alice.handle, Request{RPC: "Read", Fields: []string{"audit"}, Caller: caller, Handle: alice.handle}})
	s.must(err)
	s.world.Now += day + 2*hour // now the first access may go, and the second may not
	s.lag(before)
	s.must(s.round())
	_, err = s.vault.env.Tick(context.Background())
	s.must(err)
	r := Request{
		RPC: "Read", Statements: []entry.StatementID{g.Statement.ID()}, Fields: []string{"audit"}, Caller: caller, Handle: alice.handle,
	}
	again, err := s.grant(ask{entry.AccessReport, alice.handle, r})
	s.must(err)
	_, err = s.vault.Release(context.Background(), again, r)
	s.must(err)
}

// TestAuditRecordThatComesMeanwhile: it was sealed after its slot's floor was
// found to have passed, and before the key was condemned.
func TestAuditRecordThatComesMeanwhile(t *testing.T) {
	s, alice, _ := pair(t, 93, spec(ledgertest.Grace, 0, 0, 5*day))
	_, err := s.readAll(alice, "clinical")
	s.must(err)
	s.erase(alice, entry.ScopeAll)
	s.world.Now += 5*day + 2*hour
	var g Grant
	s.propose = func(c Command) string {
		if c.Type == store.CommandCondemnAudit {
			s.propose = nil
			var err error
			g, err = s.grant(ask{entry.AccessReport, alice.handle, Request{RPC: "Read", Fields: []string{"audit"}, Caller: caller, Handle: alice.handle}})
			s.must(err)
		}
		return ""
	}
	s.must(s.round())
	if g.Statement == nil {
		t.Fatal("the audit key was not up for destruction: the test proves nothing")
	}
	if n := count(t, s, 'r', g.Statement.ID()); n != 1 {
		t.Fatal("an audit record was destroyed on the day it was written")
	}
	s.world.Now += 6 * day
	s.must(s.round())
	if n := count(t, s, 'r', g.Statement.ID()); n != 0 {
		t.Fatal("the audit key outlives its floor")
	}
}

// TestHoldInTheLogIsHonouredAfterACrash: a hold was logged while the erasure was
// in its grace, and the node died before the hold was in force.
func TestHoldInTheLogIsHonouredAfterACrash(t *testing.T) {
	s, alice, _ := pair(t, 94, spec(ledgertest.Grace, 0, 0, 0))
	request, err := s.request(alice, entry.ScopeAll)
	s.must(err)
	s.approve(request)
	s.must(s.round())
	hold := s.logHold(alice, entry.ClassClinical)
	s.world.Now += ledgertest.Grace
	s.waitsFor(hold, alice, request)
}

// waitsFor checks that an erasure whose grace is over waits for a hold on the
// person, and comes to its end when that is released.
func (s *site) waitsFor(hold entry.StatementID, p *person, request entry.StatementID) {
	s.tb.Helper()
	s.must(s.round())
	if p, _, _ := s.progress(request); len(p.Executed) != 0 {
		s.tb.Fatal("executed against a hold")
	}
	s.whole(p)
	s.releaseHold(hold)
	s.world.Now += 60_000
	s.must(s.round())
	if p, _, _ := s.progress(request); !p.Completed {
		s.tb.Fatal("the release of the hold did not trigger the rest")
	}
}

// logHold puts a hold into the log, and no further.
func (s *site) logHold(p *person, class entry.Class) entry.StatementID {
	s.tb.Helper()
	content, err := entry.HoldTarget{Handles: entry.HandleList{p.handle}, Class: class}.EncodeContent()
	s.must(err)
	r := s.seriesRecord(s.world.Officers[0], entry.KindHold, &entry.Hold{Action: entry.HoldSet}, content)
	s.must(s.submit(r))
	return r.Statement.ID()
}

// TestMembersWaitForTheLog: a member that the log has not been replayed far
// enough to know is not forgotten, for what waits for it would be forgotten too.
func TestMembersWaitForTheLog(t *testing.T) {
	two := spec(ledgertest.Grace, 0, 0, 0)
	two.Nodes = []ledgertest.NodeSpec{{}, {}}
	s, _, _ := pair(t, 95, two)
	s.two = true
	s.must(s.round())
	s.lag(0)
	said := 0
	s.tap = func(c Command) {
		if c.Type == store.CommandMembers {
			said++
		}
	}
	s.must(s.round())
	if members, err := s.store.View().Members(); err != nil || len(members) != 2 || said != 0 {
		t.Fatalf("%d members, told %d times (%v)", len(members), said, err)
	}
}

// TestCancelWaitsForTheLog: the erasure was cancelled, and the entry that says so
// is not replayed yet.
func TestCancelWaitsForTheLog(t *testing.T) {
	s, alice, _ := pair(t, 96, spec(ledgertest.Grace, 0, 0, 0))
	request, err := s.request(alice, entry.ScopeAll)
	s.must(err)
	s.approve(request)
	s.must(s.round())
	s.mustAppend(s.step(s.world.Officers[0], entry.StepCancel, request))
	s.world.Now += ledgertest.Grace
	env := &s.vault.env
	progress, tick := env.Erasure, env.Tick
	behind := true
	env.Erasure = func(id entry.StatementID) (Progress, bool, error) {
		p, ok, err := progress(id)
		if behind {
			p.Cancel = entry.StatementID{}
		}
		return p, ok, err
	}
	env.Tick = func(ctx context.Context) (uint64, error) {
		now, err := tick(ctx)
		behind = false
		return now, err
	}
	s.must(s.round())
	s.whole(alice)
	s.must(s.round())
	s.must(s.write(alice))
}
