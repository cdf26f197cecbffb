package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/layout"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

// TestSealAgain: the same record gives the same seal time while that is young,
// and a new one after hours, so that a retry is not refused by the log.
func TestSealAgain(t *testing.T) {
	s, alice, _ := pair(t, 41, spec(ledgertest.Grace, 0, 0, 0))
	ctx := context.Background()
	r := s.reading(alice, []byte(`{"resourceType":"Observation"}`), []byte("x"))
	first, err := s.vault.Seal(ctx, []Record{r, r})
	s.must(err)
	s.world.Now += hour/2 - 1
	second, err := s.vault.Seal(ctx, []Record{r})
	s.must(err)
	if first[0].At != first[1].At || second[0].At != first[0].At {
		t.Fatalf("seal times %v, then %v", first, second)
	}
	s.world.Now += 5 * 60 * 60 * 1000
	third, err := s.vault.Seal(ctx, []Record{r})
	s.must(err)
	if third[0].At != s.world.Now {
		t.Fatalf("after hours the seal time is still %d", third[0].At)
	}
	o := s.append(ledger.Item{Statement: r.Statement.Bytes(), SealedAt: third[0].At})[0]
	s.must(refusalOf(o))
	alice.readings = append(alice.readings, reading{r.Statement.ID(), r.Openings[entry.ClassClinical], r.Openings[entry.ClassIdentity]})
	s.whole(alice)
	if n := count(t, s, 'w', r.Statement.ID()); n != 1 {
		t.Fatalf("the record stands %d times among the recent ones", n)
	}
}

// count counts rows of a letter that end in a statement id.
func count(t *testing.T, s *site, letter byte, id entry.StatementID) (n int) {
	t.Helper()
	for k := range s.rows(letter) {
		if strings.HasSuffix(k, string(id[:])) {
			n++
		}
	}
	return n
}

// TestSealRefuses: what does not fit its statement is refused one by one, and
// the rest of the batch goes through.
func TestSealRefuses(t *testing.T) {
	s, alice, bob := pair(t, 42, spec(ledgertest.Grace, 0, 0, 0))
	make1 := func() Record { return s.reading(alice, []byte(`{"resourceType":"Observation"}`), []byte("x")) }
	wrongOpening, missing, extra, unknown, foreign := make1(), make1(), make1(), make1(), make1()
	wrongOpening.Openings = map[entry.Class][]byte{
		entry.ClassClinical: make1().Openings[entry.ClassClinical], entry.ClassIdentity: wrongOpening.Openings[entry.ClassIdentity],
	}
	missing.Openings = map[entry.Class][]byte{entry.ClassClinical: missing.Openings[entry.ClassClinical]}
	extra.Openings = map[entry.Class][]byte{
		entry.ClassClinical: extra.Openings[entry.ClassClinical], entry.ClassIdentity: extra.Openings[entry.ClassIdentity],
		entry.ClassAudit: []byte("?"),
	}
	unknown.Handle = entry.Handle{1, 2, 3}
	foreign = s.record(alice.device.Key, entry.Draft{
		Kind: entry.KindReading, Sub: entry.SubOfBinding(alice.binding), Jurisdiction: "us", Boot: 9, Seq: 1,
	}, alice.handle, foreign.Openings)
	good := make1()
	both, err := entry.HandleList{alice.handle, bob.handle}.EncodeContent()
	s.must(err)
	two := s.seriesRecord(s.world.Officers[0], entry.KindErasure, &entry.Erasure{Step: entry.StepRequest, Scope: entry.ScopeAll}, both)
	got, err := s.vault.Seal(context.Background(), []Record{wrongOpening, missing, extra, unknown, foreign, good, two})
	s.must(err)
	for i, code := range []entry.Code{
		entry.CodeCommitmentMismatch, entry.CodeNotSealed, entry.CodeSealUnexpected, entry.CodeUnknownHandle,
		entry.CodeWrongJurisdiction, "", entry.CodeWrongHandle,
	} {
		if refusal := got[i].Refusal; code == "" && (refusal != nil || got[i].At == 0) || code != "" && (refusal == nil || refusal.Code != code) {
			t.Errorf("record %d: %+v, want %q", i, got[i], code)
		}
	}
}

// TestSealSplitsBySize: a batch above the size of a command becomes several,
// and a record that fits in none is refused.
func TestSealSplitsBySize(t *testing.T) {
	s, alice, _ := pair(t, 43, spec(ledgertest.Grace, 0, 0, 0))
	var records []Record
	for i := range 5 {
		content := append([]byte(`{"resourceType":"Observation","x":"`), bytes.Repeat([]byte{byte('a' + i)}, 300<<10)...)
		records = append(records, s.reading(alice, append(content, `"}`...), []byte("x")))
	}
	huge := s.reading(alice, append([]byte(`{"resourceType":"Observation","x":"`), bytes.Repeat([]byte{'b'}, 510<<10)...), bytes.Repeat([]byte{'c'}, 510<<10))
	commands := 0
	s.tap = func(Command) { commands++ }
	got, err := s.vault.Seal(context.Background(), append(records, huge))
	s.must(err)
	for i := range records {
		if got[i].Refusal != nil {
			t.Fatal(got[i].Refusal)
		}
	}
	if got[5].Refusal == nil || got[5].Refusal.Code != entry.CodeTooLarge || commands < 2 {
		t.Fatalf("%+v in %d commands", got[5], commands)
	}
}

// TestSealedPartsDoNotMove: what an attacker with the disk puts in another place
// does not open there: another statement of the same slot, another class, another
// person, the record of a subject that has the same number as a slot.
func TestSealedPartsDoNotMove(t *testing.T) {
	s, alice, bob := pair(t, 47, spec(ledgertest.Grace, 0, 0, 0))
	s.must(s.write(alice))
	from, to := s.keyOf(alice, 0), s.keyOf(alice, 1)
	mine, good, theirs := s.row(from), s.row(to), s.row(s.keyOf(bob, 0))
	read := func(row []byte) (r store.Record) {
		s.must(layout.Decode(bytes.Clone(row), &r))
		return r
	}
	swapped := read(good)
	swapped.Seals[0].Sealed, swapped.Seals[1].Sealed = swapped.Seals[1].Sealed, swapped.Seals[0].Sealed
	renamed := read(good)
	renamed.Seals[0].Class, renamed.Seals[1].Class = renamed.Seals[1].Class, renamed.Seals[0].Class
	mixed := read(good) // the parts of this statement, the ciphertexts of the other
	mixed.Seals = read(mine).Seals
	for name, row := range map[string][]byte{
		"another statement": mine, "another person": theirs,
		"classes exchanged": layout.Encode(&swapped), "classes renamed": layout.Encode(&renamed), "other ciphertexts": layout.Encode(&mixed),
	} {
		s.must(s.store.State().Set(to, row, pebble.NoSync))
		if list, err := s.readAll(alice, "clinical", "identity"); !errors.Is(err, errSealBroken) || list != nil {
			t.Errorf("%s: vaulttest.Opened, or %v", name, err)
		}
	}
	s.must(s.store.State().Set(to, good, pebble.NoSync))
	s.whole(alice)

	slot, _, err := s.store.View().Find(alice.handle)
	s.must(err)
	row, err := s.store.View().Slot(slot)
	s.must(err)
	sealed, err := s.vault.sealRow(row.Clinical, rowIdentifiers, slot, []byte{7: 1}) // under the right key, for another use
	s.must(err)
	row.Link = sealed
	if _, err := s.vault.subjectOf(slot, row); !errors.Is(err, errSealBroken) {
		t.Fatalf("a row of another use opens: %v", err)
	}
}

// keyOf is the key under which a person's n-th reading lies.
func (s *site) keyOf(p *person, n int) []byte {
	s.tb.Helper()
	slot, _, err := s.store.View().Find(p.handle)
	s.must(err)
	return rowKey('r', slot, append([]byte{0}, p.readings[n].id[:]...)...)
}

// TestPadding: sizes come in classes, content comes back, and what is not
// padding is refused.
func TestPadding(t *testing.T) {
	sizes := make(map[int]bool)
	for n := range 5000 {
		content := bytes.Repeat([]byte{0xff}, n)
		padded := pad(content)
		back, err := unpad(padded)
		if err != nil || !bytes.Equal(back, content) {
			t.Fatalf("%d bytes do not come back: %v", n, err)
		}
		if len(padded) < minPadded || len(padded) > minPadded && len(padded)-padPrefix-n > len(padded)/5 {
			t.Fatalf("%d bytes are padded to %d", n, len(padded))
		}
		sizes[len(padded)] = true
	}
	if len(sizes) > 20 {
		t.Fatalf("%d size classes up to 5000 bytes", len(sizes))
	}
	for _, bad := range [][]byte{nil, {0, 0, 0}, {0, 0, 0, 9, 1}, {0, 0, 0, 1, 1, 1}, {255, 255, 255, 255}} {
		if _, err := unpad(bad); err == nil {
			t.Errorf("%x is taken for padded", bad)
		}
	}
}

// TestOpenSubjectIsIdempotent: the same request gives the same handle, with
// other identifiers it is refused, and no identifier is taken twice.
func TestOpenSubjectIsIdempotent(t *testing.T) {
	s := newSite(t, 44, vfs.NewMem(), spec(ledgertest.Grace, 0, 0, 0))
	defer s.close()
	ctx := context.Background()
	r := SubjectRequest{Request: entry.RequestID{1}, Class: entry.HandleSubject, Identifiers: []string{"a", "b"}}
	h, err := s.vault.OpenSubject(ctx, r)
	s.must(err)
	again, err := s.newVault(s.keyring).OpenSubject(ctx, r)
	s.must(err)
	if again != h {
		t.Fatal("the same request gave two handles")
	}
	for _, bad := range []struct {
		r    SubjectRequest
		code entry.Code
	}{
		{SubjectRequest{entry.RequestID{1}, entry.HandleSubject, []string{"a"}}, entry.CodeRequestIDReused},
		{SubjectRequest{entry.RequestID{1}, entry.HandleDevice, []string{"a", "b"}}, entry.CodeRequestIDReused},
		{SubjectRequest{entry.RequestID{2}, entry.HandleSubject, []string{"c", "b"}}, entry.CodeAlreadyRegistered},
		{SubjectRequest{entry.RequestID{3}, entry.HandleStaff, []string{"s"}}, entry.CodeFieldInvalid},
		{SubjectRequest{entry.RequestID{4}, entry.HandleSubject, []string{"d", "d"}}, entry.CodeFieldInvalid},
		{SubjectRequest{entry.RequestID{5}, entry.HandleSubject, []string{""}}, entry.CodeFieldInvalid},
		{SubjectRequest{entry.RequestID{6}, entry.HandleSubject, []string{"\xff"}}, entry.CodeFieldInvalid},
		{SubjectRequest{entry.RequestID{7}, 99, []string{"e"}}, entry.CodeUnknownCode},
		{SubjectRequest{entry.RequestID{8}, entry.HandleSubject, make([]string, MaxIdentifiers+1)}, entry.CodeTooLarge},
	} {
		_, err := s.vault.OpenSubject(ctx, bad.r)
		vaulttest.WantCode(t, err, bad.code)
	}
}

// TestStaffHandleUnderConcurrency: two vaults on one store and many callers, and
// each author has one handle.
func TestStaffHandleUnderConcurrency(t *testing.T) {
	s := newSite(t, 45, vfs.NewMem(), spec(ledgertest.Grace, 0, 0, 0))
	defer s.close()
	vaults := []*Vault{s.vault, s.newVault(s.keyring)}
	var mu sync.Mutex
	got := make(map[string]entry.Handle)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			author := entry.AuthorID{byte(i % 5)}
			h, err := vaults[i%2].StaffHandle(context.Background(), author)
			mu.Lock()
			defer mu.Unlock()
			name := fmt.Sprint(author)
			if before, ok := got[name]; err != nil || ok && before != h {
				t.Errorf("author %d: %v", i%5, err)
			}
			got[name] = h
		})
	}
	wg.Wait()
	c, err := s.store.View().Counters()
	s.must(err)
	if c.Registered != 5 {
		t.Fatalf("%d registrations of 5 authors", c.Registered)
	}
}

// TestVacanciesAreGivenUp: clients that never finish do not fill the vault.
func TestVacanciesAreGivenUp(t *testing.T) {
	s := newSite(t, 46, vfs.NewMem(), spec(ledgertest.Grace, 0, 0, 0))
	defer s.close()
	s.propose = func(c Command) string {
		if c.Type == store.CommandRegister {
			return "lost"
		}
		return ""
	}
	for i := range manyVacant {
		_, err := s.vault.OpenSubject(context.Background(), SubjectRequest{
			Request: entry.RequestID{byte(i)}, Class: entry.HandleSubject, Identifiers: []string{fmt.Sprint(i)},
		})
		if err == nil {
			t.Fatal("a lost registration was answered")
		}
	}
	s.propose = nil
	s.must(s.round())
	vacant, err := s.store.View().Vacancies()
	s.must(err)
	doomed, err := s.store.View().Condemned(1)
	s.must(err)
	if vacant != 0 || len(doomed) != 0 {
		t.Fatalf("%d vacancies and %d condemned keys are left", vacant, len(doomed))
	}
	h, err := s.vault.OpenSubject(context.Background(), SubjectRequest{
		Request: entry.RequestID{1}, Class: entry.HandleSubject, Identifiers: []string{"1"},
	})
	if err != nil || h == (entry.Handle{}) {
		t.Fatalf("a client that comes back is refused: %v", err)
	}
}
