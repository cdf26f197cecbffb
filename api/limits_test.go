package api

import (
	"errors"
	"testing"

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
	leaveReserved := enter(three, laneReserved)
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
	if len(a.byCaller) != 0 || a.bytes != 0 || a.calls != [2]int{} {
		t.Fatalf("left behind: %+v", a)
	}
}
