package edge

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"testing"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// overloadedBy reports whether an error says that this bound is reached, and when
// to come back.
func overloadedBy(err error, bound indeliblev1.Bound) bool {
	var a Answer
	if !errors.As(err, &a) || a.Code != entry.CodeOverloaded || a.Wait == 0 || len(a.Beside) != 1 {
		return false
	}
	overload, ok := a.Beside[0].(*indeliblev1.Overload)
	return ok && overload.GetBound() == bound && overload.GetRetryAfterMs() == uint64(a.Wait.Milliseconds())
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
	if _, err := a.enter(one, laneOrdinary); !overloadedBy(err, indeliblev1.Bound_BOUND_CALLER_CALLS) {
		t.Fatalf("a third call of one caller: %v", err)
	}
	leaveThird := enter(two, laneOrdinary)
	if _, err := a.enter(three, laneOrdinary); !overloadedBy(err, indeliblev1.Bound_BOUND_CALLS) {
		t.Fatalf("a fourth call of all: %v", err)
	}
	leaveReserved := enter(three, laneReserved) // the fourth part of one, and at least one
	if _, err := a.enter(two, laneReserved); !overloadedBy(err, indeliblev1.Bound_BOUND_CALLS) {
		t.Fatalf("a second reserved call: %v", err)
	}
	must(t, a.hold(one, 60))
	if err := a.hold(one, 1); !overloadedBy(err, indeliblev1.Bound_BOUND_CALLER_BYTES) {
		t.Fatalf("byte 61 of one caller: %v", err)
	}
	must(t, a.hold(two, 40))
	if err := a.hold(three, 1); !overloadedBy(err, indeliblev1.Bound_BOUND_BYTES) {
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
			if _, err := a.enter(entry.AuthorID{1}, in); !overloadedBy(err, indeliblev1.Bound_BOUND_CALLER_CALLS) {
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
	rules, err := rulesOf(schema())
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
		if got := laneOf(rules[c.procedure], &Caller{Author: authorOf(1, c.role)}); got != c.want {
			t.Errorf("%s of %s goes by lane %d, expected %d", c.procedure, c.role, got, c.want)
		}
		if got := laneOf(rules[c.procedure], &Caller{Author: authorOf(1, c.role), Forbidden: true}); got != laneOrdinary {
			t.Errorf("%s by a forbidden %s goes by lane %d", c.procedure, c.role, got)
		}
	}
}

// TestTheGateMarksWhomItDoesNotAllow: by role and by jurisdiction, so that
// neither lane nor handler takes them for callers who may.
func TestTheGateMarksWhomItDoesNotAllow(t *testing.T) {
	for name, c := range map[string]struct {
		role         entry.Role
		jurisdiction string
		forbidden    bool
	}{
		"clinician": {entry.RoleClinician, "eu", false}, "auditor": {entry.RoleAuditor, "eu", true},
		"officer": {entry.RoleOfficer, "eu", true}, "abroad": {entry.RoleClinician, "in", true},
	} {
		cert := newCertificate(t)
		author := authorOf(1, c.role)
		author.ID, author.Jurisdictions = sha256.Sum256(cert.RawSubjectPublicKeyInfo), []string{c.jurisdiction}
		e := newEdge(t, author)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		must(t, err)
		request.Header.Set(wire.JurisdictionHeader, "eu")
		request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}
		who, err := e.who(request, e.rules["/indelible.v1.RecordsService/Read"])
		must(t, err)
		if who.Forbidden != c.forbidden {
			t.Errorf("%s: forbidden is %v", name, who.Forbidden)
		}
	}
}
