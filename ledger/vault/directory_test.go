package vault

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/store"
)

// slow is a provider whose Unwrap can be made to wait, as one behind a network
// does.
type slow struct {
	Provider
	entered chan struct{} // nil: answers at once
	leave   chan struct{}
}

func (p *slow) Unwrap(version uint64, wrapped, associated []byte) (*keytree.Key, error) {
	if p.entered != nil {
		p.entered <- struct{}{}
		<-p.leave
	}
	return p.Provider.Unwrap(version, wrapped, associated)
}

// TestApplyDoesNotWaitForTheProvider: while the directory is being read for the
// first time, which takes as long as the provider takes, an erasure that is
// condemned is applied; and when the reading has ended, the person is in it no
// more.
func TestApplyDoesNotWaitForTheProvider(t *testing.T) {
	s, alice, _ := pair(t, 101, spec(0, 0, 0, 0))
	s.must(s.round())
	request, err := s.request(alice, entry.ScopeIdentity)
	s.must(err)
	s.approve(request)
	approval, _, err := s.vault.evidenceOf(t.Context(), approvalOf(s, request))
	s.must(err)

	p := &slow{Provider: s.keyring, entered: make(chan struct{}), leave: make(chan struct{})}
	reader := s.newVault(p)
	found := make(chan error, 1)
	go func() {
		_, _, _, err := reader.directory.find(false, "mrn|bob")
		found <- err
	}()
	<-p.entered // the first reading holds the directory and waits
	applied := make(chan error, 1)
	go func() {
		_, err := s.vault.propose(context.Background(), &store.Condemn{Request: request, Approval: approval, LedgerTime: s.world.Now})
		applied <- err
	}()
	select {
	case err := <-applied:
		s.must(err)
	case <-t.Context().Done():
		t.Fatal("the command waits for the provider")
	}
	close(p.leave)
	go func() {
		for range p.entered { // whatever is unwrapped now goes on
		}
	}()
	s.must(<-found)
	close(p.entered)
	alices, _, err := s.store.View().Find(alice.handle)
	s.must(err)
	for _, subjects := range reader.directory.rows {
		for _, n := range subjects {
			if n == alices {
				t.Fatal("the directory remembers the name of an erased person")
			}
		}
	}
}

// TestDirectoryReadsOnce: a reading that was cut short goes on where it stood,
// and remembers nobody twice.
func TestDirectoryReadsOnce(t *testing.T) {
	s := newSite(t, 102, vfs.NewMem(), spec(ledgertest.Grace, 0, 0, 0))
	defer s.close()
	for _, name := range []string{"a", "b", "c"} {
		_, err := s.vault.OpenSubject(t.Context(), SubjectRequest{
			Request: entry.RequestID(s.world.ID()), Class: entry.HandleSubject, Identifiers: []string{name},
		})
		s.must(err)
	}
	second := rowKey('u', 1)
	good := s.row(second)
	bad := bytes.Clone(good)
	bad[len(bad)-1] ^= 1
	s.must(s.store.State().Set(second, bad, pebble.NoSync))
	v := s.newVault(s.keyring)
	for range 3 {
		if _, _, _, err := v.directory.find(false, "c"); !errors.Is(err, errSealBroken) {
			t.Fatalf("a row that is broken gives %v", err)
		}
	}
	s.must(s.store.State().Set(second, good, pebble.NoSync))
	for _, name := range []string{"a", "b", "c"} {
		if _, ok, _, err := v.directory.find(false, name); err != nil || !ok {
			t.Fatalf("%s is not found: %v", name, err)
		}
	}
	if v.directory.size != 3 {
		t.Fatalf("%d names of 3 are remembered", v.directory.size)
	}
}

// TestDirectoryPassesOverTheCondemned: a process that starts between condemnation
// and rekey could still open the record, and does not.
func TestDirectoryPassesOverTheCondemned(t *testing.T) {
	s, _, rekey := dying(t, 103)
	s.propose = func(c Command) string { // condemned, and no further
		if c.Type == store.CommandReserveRoot {
			return "unknown"
		}
		return ""
	}
	defer func() { s.propose = nil }()
	rekey()
	v := s.newVault(s.keyring)
	if _, ok, _, err := v.directory.find(false, "mrn|alice"); err != nil || ok {
		t.Fatalf("a condemned person is found (%v)", err)
	}
	if v.directory.size != 1 {
		t.Fatalf("%d names are remembered, want bob's alone", v.directory.size)
	}
}
