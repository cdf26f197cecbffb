package vault

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
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
			t.Fatalf("command %d differs in clear:\n%x\n%x", i, one[i], two[i])
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
	wantCode(t, err, entry.CodeUnknownSubject)
	s.erase(p, entry.ScopeAll)
	return seen
}

// clearOf is a command with every ciphertext, and every commitment and signature,
// which are as random, replaced by its length.
func clearOf(c Command) []byte {
	var w writer
	w.u32(uint32(c.Type))
	w.count(len(c.Body))
	r := &reader{b: bytes.Clone(c.Body)}
	switch c.Type {
	case CommandPutRecords:
		for _, p := range readPutRecords(r).list {
			w.owner(p.owner)
			w.count(len(p.parts))
			for _, s := range p.seals {
				w.u8(uint8(s.class))
				w.count(len(s.sealed))
			}
		}
	case CommandRegister:
		g := readRegister(r)
		w.raw(g.given.encode())
		w.u64s([]uint64{g.base, uint64(len(g.link)), uint64(len(g.slots)), uint64(len(g.record))})
	case CommandMint:
		m := readMint(r)
		w.u64s([]uint64{m.base, uint64(len(m.wrapped))})
		w.places(m.nodes)
	case CommandRekey:
		k := readRekey(r)
		w.u64s([]uint64{k.base, k.root, uint64(len(k.wrapped))})
		w.u64s(k.erased)
		w.places(k.nodes)
	case CommandBeginErasure:
		b := readBeginErasure(r)
		w.u64(b.subject)
		w.u64s(b.slots)
	case CommandAllocate:
		w.u8(uint8(readAllocate(r).class))
	}
	return w.b
}

func (w *writer) places(list []nodeRow) {
	for _, n := range list {
		w.u8(n.at.level)
		w.u64(n.at.position)
	}
}

// TestNothingJoinsClearly: no row that stands in clear holds what a subject's
// rows seal: which slots are whose.
func TestNothingJoinsClearly(t *testing.T) {
	s, alice, _ := pair(t, 62, spec(ledgertest.Grace, 0, 0, 0))
	slot, _, err := s.store.view().slotOf(alice.handle)
	s.must(err)
	row, err := s.store.view().slot(slot)
	s.must(err)
	n, err := s.vault.subjectOf(slot, row)
	s.must(err)
	who, err := s.store.view().subject(n)
	s.must(err)
	slots, err := s.vault.slotsUnder(n, who)
	s.must(err)
	if !slices.Equal(slots, []uint64{slot}) {
		t.Fatalf("slots %v", slots)
	}
	request := s.erase(alice, entry.ScopeAll)
	row, err = s.store.view().slot(slot)
	s.must(err)
	who, err = s.store.view().subject(n)
	s.must(err)
	if row.link != nil || who.slots != nil || who.record != nil {
		t.Fatal("sealed rows of the erased subject were kept")
	}
	if left, err := s.store.view().any(keyID(rowKept, request[:])); err != nil || left {
		t.Fatalf("signed statements of a finished erasure were kept (%v)", err)
	}
}
