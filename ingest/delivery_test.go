package ingest

import (
	"errors"
	"testing"
	"time"

	"indelible/api/client"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// A reading that is refused for now comes back later each time; one of an author
// whose readings go newest first comes back at once when another got through.
func TestRefusedForNowComesBackLater(t *testing.T) {
	log := newTestLog(t)
	r := newRig(t, newTestServer(t, log), memory(t))
	defer r.close()
	now := time.Now()
	d := newDevice(t, log.id, "eu")
	commitAll(t, r.spool, sign(t, d, 0), sign(t, d, 1))
	j := r.job(newTestGenerator(t, 1, 1))
	j.cfg.Now = func() time.Time { return now }
	list := takeAll(t, r.spool, "eu")
	const firstPause = 50 * time.Millisecond // of a client.Backoff
	shortest := firstPause / 2
	for range 6 {
		s := &sorted{later: list[:1], doubt: client.ErrUnknown}
		if err := j.letGo(t.Context(), "eu", s); err != nil {
			t.Fatal(err)
		}
		if pause := list[0].due.Sub(now); pause < shortest {
			t.Errorf("a pause of %v, want %v at least", pause, shortest)
		}
		shortest *= 2
	}
	author := d.Author().Author()
	for range 4 {
		if due := j.turnDue(author, nil); !due.After(now) {
			t.Error("turned around without a pause")
		}
	}
	if due := j.turnDue(author, []provenReading{{reading: list[1].pending}}); !due.IsZero() {
		t.Error("the next one does not follow at once")
	}
	if due := j.turnDue(author, nil); due.Sub(now) > firstPause {
		t.Error("what got through does not begin the pauses anew")
	}
}

// TestAWrongCredentialRefusesNoReading: that a caller may not hand a reading in says
// nothing of the reading. It waits until the credential is the right one.
func TestAWrongCredentialRefusesNoReading(t *testing.T) {
	for _, code := range []entry.Code{wire.CodeCallerForbidden, wire.CodeSignerForbidden} {
		server := newTestServer(t, newTestLog(t))
		r := newRig(t, server, memory(t))
		server.mu.Lock()
		server.refuse = map[entry.Kind]entry.Code{entry.KindReading: code}
		server.mu.Unlock()
		generator := newTestGenerator(t, 1, 3)
		summary, err := r.job(generator).Run(t.Context())
		if !errors.Is(err, client.ErrCallRefused) || !errors.Is(err, &entry.Refusal{Code: code}) || summary.Refused != 0 {
			t.Errorf("%s: %d readings are refused for good, %v", code, summary.Refused, err)
		}
		server.mu.Lock()
		server.refuse = nil
		server.mu.Unlock()
		if summary := r.run(generator); readingsOf(t, server.log) != 3 || summary.Refused != 0 {
			t.Errorf("%s: with the right credential %d readings of 3 are in the log", code, readingsOf(t, server.log))
		}
		r.close()
	}
}
