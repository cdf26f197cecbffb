package vault

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

// TestTranscriptDoesNotDependOnWho runs one history twice, in which everything
// is the same but who the erased person is, and compares what an observer of the
// vault's log sees in clear: commands, numbers, sizes, order. There is no
// difference. So nobody who knows an identifier can find it, or what was its
// place, in the log of writes: not even with every key that is left.
func TestTranscriptDoesNotDependOnWho(t *testing.T) {
	one := transcript(t, "mrn|0815", "passport|X1")
	two := transcript(t, strings.Repeat("another-name ", 15), "y")
	if len(one) != len(two) {
		t.Fatalf("%d commands, then %d", len(one), len(two))
	}
	for i := range one {
		if !bytes.Equal(one[i], two[i]) {
			t.Fatalf("command %d differs in clear:\n%s\n%s", i, one[i], two[i])
		}
	}
}

func transcript(t *testing.T, identifiers ...string) [][]byte {
	s, _, _ := pair(t, 61, spec(ledgertest.Grace, 0, 0, 0))
	var seen [][]byte
	s.tap = func(c Command) { seen = append(seen, clearOf(c)) }
	for i := range 20 {
		name := []string{fmt.Sprint("before ", i)}
		if i == 10 {
			name = identifiers
		}
		_, err := s.vault.OpenSubject(t.Context(), SubjectRequest{
			Request: entry.RequestID(s.world.ID()), Class: entry.HandleSubject, Identifiers: name,
		})
		s.must(err)
	}
	p := &person{identifier: identifiers[0]}
	var err error
	p.handle, err = s.find(identifiers[0])
	s.must(err)
	s.erase(p, entry.ScopeIdentity)
	_, err = s.find(identifiers[1])
	vaulttest.WantCode(t, err, entry.CodeUnknownSubject)
	s.erase(p, entry.ScopeAll)
	return seen
}

// clearOf is a command with every ciphertext, and every commitment and signature,
// which are as random, replaced by its length.
func clearOf(c Command) []byte {
	b := fmt.Appendf(nil, "%d %d", c.Type, len(c.Body))
	p, err := store.Decode(Command{Type: c.Type, Body: bytes.Clone(c.Body)})
	if err != nil {
		panic(err)
	}
	switch p := p.(type) {
	case *store.PutRecords:
		for _, r := range p.List {
			b = fmt.Appendf(b, " %v %d", r.Owner, len(r.Parts))
			for _, s := range r.Seals {
				b = fmt.Appendf(b, " %d %d", s.Class, len(s.Sealed))
			}
		}
	case *store.Register:
		b = fmt.Appendf(b, " %v %d %d %d %d", p.Given, p.Base, len(p.Link), len(p.Slots), len(p.Record))
	case *store.Mint:
		b = placesIn(fmt.Appendf(b, " %d %d", p.Base, len(p.Wrapped)), p.Nodes)
	case *store.Rekey:
		b = placesIn(fmt.Appendf(b, " %d %d %d %v", p.Base, p.Root, len(p.Wrapped), p.Leaves), p.Nodes)
	case *store.BeginErasure:
		b = fmt.Appendf(b, " %d %v", p.Subject, p.Slots)
	case *store.Allocate:
		b = fmt.Appendf(b, " %d", p.Class)
	}
	return b
}

func placesIn(b []byte, list []store.Node) []byte {
	for _, n := range list {
		b = fmt.Appendf(b, " %v", n.Place)
	}
	return b
}

// TestNothingJoinsClearly: no row that stands in clear holds what a subject's
// rows seal: which slots are whose.
func TestNothingJoinsClearly(t *testing.T) {
	s, alice, _ := pair(t, 62, spec(ledgertest.Grace, 0, 0, 0))
	slot, _, err := s.store.View().Find(alice.handle)
	s.must(err)
	row, err := s.store.View().Slot(slot)
	s.must(err)
	n, err := s.vault.subjectOf(slot, row)
	s.must(err)
	who, err := s.store.View().Subject(n)
	s.must(err)
	slots, err := s.vault.slotsUnder(n, who)
	s.must(err)
	if !slices.Equal(slots, []uint64{slot}) {
		t.Fatalf("slots %v", slots)
	}
	request := s.erase(alice, entry.ScopeAll)
	row, err = s.store.View().Slot(slot)
	s.must(err)
	who, err = s.store.View().Subject(n)
	s.must(err)
	if row.Link != nil || who.Slots != nil || who.Record != nil {
		t.Fatal("sealed rows of the erased subject were kept")
	}
	if left := s.rows(append([]byte{'z'}, request[:]...)...); len(left) > 0 {
		t.Fatalf("%d signed statements of a finished erasure were kept", len(left))
	}
}
