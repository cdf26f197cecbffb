package api

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"testing"

	"indelible/api/wire"
	"indelible/ledger/entry"
)

func overloadedBy(err error) bool {
	return errors.Is(err, &entry.Refusal{Code: entry.CodeOverloaded})
}

// TestAdmissionIsBoundedByCallerLaneAndBytes: what does not fit is refused at
// once, one caller cannot take everyone's room, and nothing stays behind.
func TestAdmissionIsBoundedByCallerLaneAndBytes(t *testing.T) {
	a := newAdmission(Limits{Calls: 3, CallerCalls: 2, ReservedCalls: 1, Bytes: 100, CallerBytes: 60}, newMetrics())
	one, two, three := entry.AuthorID{1}, entry.AuthorID{2}, entry.AuthorID{3}
	enter := func(who entry.AuthorID, in lane) func() {
		t.Helper()
		leave, err := a.enter(who, in)
		must(t, err)
		return leave
	}
	leaveFirst, leaveSecond := enter(one, laneOrdinary), enter(one, laneOrdinary)
	if _, err := a.enter(one, laneOrdinary); !overloadedBy(err) {
		t.Fatalf("a third call of one caller: %v", err)
	}
	leaveThird := enter(two, laneOrdinary)
	if _, err := a.enter(three, laneOrdinary); !overloadedBy(err) {
		t.Fatalf("a fourth call of all: %v", err)
	}
	leaveReserved := enter(three, laneReserved) // the fourth part of one, and at least one
	if _, err := a.enter(two, laneReserved); !overloadedBy(err) {
		t.Fatalf("a second reserved call: %v", err)
	}
	must(t, a.hold(one, 60))
	if err := a.hold(one, 1); !overloadedBy(err) {
		t.Fatalf("byte 61 of one caller: %v", err)
	}
	must(t, a.hold(two, 40))
	if err := a.hold(three, 1); !overloadedBy(err) {
		t.Fatalf("byte 101 of all: %v", err)
	}
	a.release(one, 60)
	a.release(two, 40)
	for _, leave := range []func(){leaveFirst, leaveSecond, leaveThird, leaveReserved} {
		leave()
	}
	if len(a.byCaller) != 0 || a.bytes != 0 || a.calls != [laneCount]int{} {
		t.Fatalf("left behind: %+v", a)
	}
}

// TestOneCallerCannotTakeAReservedLane: the lanes for reads and erasures, and
// the one for health checks, take a part of their calls from one caller.
func TestOneCallerCannotTakeAReservedLane(t *testing.T) {
	a := newAdmission(Limits{Calls: 100, CallerCalls: 100, ReservedCalls: 8, Bytes: 1, CallerBytes: 1}, newMetrics())
	for in, most := range map[lane]int{laneReserved: 8 / callerShare, laneOpen: openCalls / callerShare, laneStatic: staticCalls / callerShare, laneOrdinary: 90} {
		var leave []func()
		for range most {
			done, err := a.enter(entry.AuthorID{1}, in)
			must(t, err)
			leave = append(leave, done)
		}
		if in != laneOrdinary {
			if _, err := a.enter(entry.AuthorID{1}, in); !overloadedBy(err) {
				t.Errorf("lane %d: call %d of one caller: %v", in, most+1, err)
			}
			done, err := a.enter(entry.AuthorID{2}, in)
			must(t, err)
			done()
		}
		for _, done := range leave {
			done()
		}
	}
	if len(a.byCaller) != 0 {
		t.Fatalf("left behind: %+v", a.byCaller)
	}
}

// TestForbiddenCallersStayInTheOrdinaryLane: that their refusal is recorded must
// not let them keep readers and officers out; and of those who append, officers
// alone have room beside the flood.
func TestForbiddenCallersStayInTheOrdinaryLane(t *testing.T) {
	rules, err := rulesOf(sources())
	must(t, err)
	const append, stream = "/indelible.v1.LedgerService/Append", "/indelible.v1.LedgerService/AppendStream"
	for _, c := range []struct {
		procedure string
		role      entry.Role
		want      lane
	}{
		{"/indelible.v1.RecordsService/Read", entry.RoleClinician, laneReserved},
		{"/indelible.v1.SubjectsService/Find", entry.RoleRegistrar, laneReserved},
		{"/indelible.v1.ErasureService/GetErasure", entry.RoleAuditor, laneReserved},
		{append, entry.RoleOfficer, laneReserved},
		{append, entry.RoleDevice, laneOrdinary}, {append, entry.RoleService, laneOrdinary},
		{append, entry.RoleRegistrar, laneOrdinary}, {append, entry.RoleConsentService, laneOrdinary},
		{stream, entry.RoleOfficer, laneOrdinary},
	} {
		if got := laneOf(rules[c.procedure], &caller{Author: authorOf(1, c.role)}); got != c.want {
			t.Errorf("%s of %s goes by lane %d, expected %d", c.procedure, c.role, got, c.want)
		}
		if got := laneOf(rules[c.procedure], &caller{Author: authorOf(1, c.role), forbidden: true}); got != laneOrdinary {
			t.Errorf("%s by a forbidden %s goes by lane %d", c.procedure, c.role, got)
		}
	}
}

// TestTheGateMarksWhomItDoesNotAllow: by role and by jurisdiction, so that
// neither lane nor handler takes them for callers who may.
func TestTheGateMarksWhomItDoesNotAllow(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	s.appendOpen(s.people["registrar"], s.people["registrar"].sign(entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
		Action: entry.AuthorEnrol, Key: s.newLocal("abroad").spki, Role: entry.RoleClinician, Jurisdictions: []string{second},
	}}))
	rules, err := rulesOf(sources())
	must(t, err)
	for name, forbidden := range map[string]bool{"clinician": false, "auditor": true, "officer": true, "abroad": true} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		must(t, err)
		request.Header.Set(wire.JurisdictionHeader, home)
		leaf := s.people[name].cert.Leaf
		request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf}}}
		who, err := s.server.gate(rules, nil).who(request, rules["/indelible.v1.RecordsService/Read"])
		must(t, err)
		if who.forbidden != forbidden {
			t.Errorf("%s: forbidden is %v", name, who.forbidden)
		}
	}
}
