package vault

import (
	"context"
	"testing"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

const hour = 60 * 60 * 1000 // milliseconds

// TestSweep: a record whose entry never came is listed after an hour and dropped
// after a day; one whose entry came, or that was sealed again, stays.
func TestSweep(t *testing.T) {
	s, alice, _ := pair(t, 51, spec(ledgertest.Grace, 0, 0, 0))
	ctx := context.Background()
	orphan := s.reading(alice, []byte(`{"resourceType":"Observation"}`), []byte("x"))
	retried := s.reading(alice, []byte(`{"resourceType":"Observation"}`), []byte("y"))
	_, err := s.vault.Seal(ctx, []Record{orphan, retried})
	s.must(err)
	s.world.Now += hour
	s.must(s.round())
	if f := s.vault.Findings(); f.Waiting != 0 {
		t.Fatalf("too early: %+v", f)
	}
	s.world.Now += 10 * 60 * 1000
	s.must(s.round())
	f := s.vault.Findings()
	if f.Waiting != 2 || len(f.Orphans) != 2 || f.Swept != 0 {
		t.Fatalf("after an hour: %+v", f)
	}
	s.world.Now += 10 * hour
	_, err = s.vault.Seal(ctx, []Record{retried}) // its client is back
	s.must(err)
	s.world.Now += 13 * hour
	s.must(s.round())
	if f := s.vault.Findings(); f.Swept != 1 || f.Waiting != 1 {
		t.Fatalf("after a day: %+v", f)
	}
	if n := count(t, s, 'r', orphan.Statement.ID()); n != 0 {
		t.Fatal("the orphan was not dropped")
	}
	s.must(s.submit(retried, orphan)) // even now the client can come back
	alice.readings = append(alice.readings,
		reading{retried.Statement.ID(), retried.Openings[entry.ClassClinical], retried.Openings[entry.ClassIdentity]},
		reading{orphan.Statement.ID(), orphan.Openings[entry.ClassClinical], orphan.Openings[entry.ClassIdentity]})
	s.world.Now += 30 * hour
	s.must(s.round())
	if f := s.vault.Findings(); f.Waiting != 0 || f.Swept != 1 || f.Missing != 0 {
		t.Fatalf("at the end: %+v", f)
	}
	if left := s.rows('w'); len(left) > 0 {
		t.Fatalf("%d recent rows are left", len(left))
	}
	s.whole(alice)
}

// TestSweepKeepsWhatWasSealedAgain: the command was built before the record was
// sealed again and is applied after.
func TestSweepKeepsWhatWasSealedAgain(t *testing.T) {
	s, alice, _ := pair(t, 52, spec(ledgertest.Grace, 0, 0, 0))
	ctx := context.Background()
	r := s.reading(alice, []byte(`{"resourceType":"Observation"}`), []byte("x"))
	_, err := s.vault.Seal(ctx, []Record{r})
	s.must(err)
	s.world.Now += 25 * hour
	c, _, err := s.vault.sweepPage(0, s.vault.nowMillis()-store.EntryDue)
	s.must(err)
	if len(c.Orphans) != 1 {
		t.Fatalf("%d orphans", len(c.Orphans))
	}
	s.must(s.submit(r))
	_, err = s.vault.propose(ctx, c)
	s.must(err)
	if count(t, s, 'r', r.Statement.ID()) != 1 {
		t.Fatal("a record with an entry was dropped")
	}
	c.To = s.world.Now
	_, err = s.vault.propose(ctx, c)
	vaulttest.WantCode(t, err, entry.CodeWrongState) // too young a range
}

// TestMissingRecordIsAFault: an entry without its record is counted and said.
func TestMissingRecordIsAFault(t *testing.T) {
	s, alice, _ := pair(t, 53, spec(ledgertest.Grace, 0, 0, 0))
	r := s.reading(alice, []byte(`{"resourceType":"Observation"}`), []byte("x"))
	s.must(s.round())
	if f := s.vault.Findings(); f.Missing != 0 || f.Followed != s.ledger.Size() {
		t.Fatalf("before: %+v", f)
	}
	o := s.append(ledger.Item{Statement: r.Statement.Bytes(), SealedAt: s.world.Now})[0] // never sealed
	s.must(refusalOf(o))
	s.must(s.round())
	if f := s.vault.Findings(); f.Missing != 1 {
		t.Fatalf("after: %+v", f)
	}
	s.must(s.round())
	if f := s.vault.Findings(); f.Missing != 1 {
		t.Fatalf("counted again: %+v", f)
	}
	s.world.Now += 60_000
	s.must(s.round())
	upto, err := s.store.View().Followed()
	if err != nil || upto != s.ledger.Size() {
		t.Fatalf("followed to %d of %d (%v)", upto, s.ledger.Size(), err)
	}
}
