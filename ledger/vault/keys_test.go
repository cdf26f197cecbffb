package vault

import (
	"errors"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/store"
)

// dying is a person whose keys are about to be condemned, and what does it.
func dying(t *testing.T, seed uint64) (s *site, leaf uint64, rekey func()) {
	s, alice, _ := pair(t, seed, spec(ledgertest.Grace, 0, 0, 0))
	s.must(s.round())
	request, err := s.request(alice, entry.ScopeAll)
	s.must(err)
	s.approve(request)
	s.world.Now += ledgertest.Grace
	approval, _, err := s.vault.evidenceOf(t.Context(), approvalOf(s, request))
	s.must(err)
	n, _, err := s.store.View().Find(alice.handle)
	s.must(err)
	slot, err := s.store.View().Slot(n)
	s.must(err)
	rival := s.newVault(s.keyring)
	return s, slot.Clinical, func() {
		_, err := rival.propose(t.Context(), &store.Condemn{Request: request, Approval: approval, LedgerTime: s.world.Now})
		s.must(err)
		if _, err = rival.keys.Rekey(t.Context()); !errors.Is(err, errLost) {
			s.must(err)
		}
	}
}

// TestKeysAreForgotten: a cipher that was kept is not given out any more once its
// key is out of the tree.
func TestKeysAreForgotten(t *testing.T) {
	s, leaf, rekey := dying(t, 121)
	if _, err := s.vault.keys.Leaf(leaf); err != nil {
		t.Fatal(err)
	}
	rekey()
	if _, err := s.vault.keys.Leaf(leaf); !errors.Is(err, keytree.ErrKeyGone) {
		t.Fatalf("a key that was erased is given out: %v", err)
	}
}

// TestLateReaderKeepsNothing: a reader that began before the rekey, and ends after
// it, leaves nothing of the old tree behind for the next.
func TestLateReaderKeepsNothing(t *testing.T) {
	s, leaf, rekey := dying(t, 122)
	provider := &hooked{Provider: s.keyring, onUnwrap: rekey}
	v := s.newVault(provider)
	if _, err := v.keys.Leaf(leaf); err != nil {
		t.Fatalf("whoever began before: %v", err)
	}
	if provider.onUnwrap != nil {
		t.Fatal("nothing happened meanwhile: the test proves nothing")
	}
	if _, err := v.keys.Leaf(leaf); !errors.Is(err, keytree.ErrKeyGone) {
		t.Fatalf("a key that was erased is given out: %v", err)
	}
}
