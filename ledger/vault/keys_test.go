package vault

import (
	"errors"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
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
	n, _, err := s.store.view().slotOf(alice.handle)
	s.must(err)
	slot, err := s.store.view().slot(n)
	s.must(err)
	rival := s.newVault(s.keyring)
	return s, slot.clinical, func() {
		_, err := rival.propose(t.Context(), condemnCommand{request, approval, s.world.Now})
		s.must(err)
		if _, err = rival.rotate(t.Context()); !errors.Is(err, errLost) {
			s.must(err)
		}
	}
}

// TestKeysAreForgotten: a cipher that was kept is not given out any more once its
// key is out of the tree.
func TestKeysAreForgotten(t *testing.T) {
	s, leaf, rekey := dying(t, 121)
	if _, err := s.vault.keys.leaf(leaf); err != nil {
		t.Fatal(err)
	}
	rekey()
	if _, err := s.vault.keys.leaf(leaf); !errors.Is(err, errKeyGone) {
		t.Fatalf("a key that was erased is given out: %v", err)
	}
}

// TestLateReaderKeepsNothing: a reader that began before the rekey, and ends after
// it, leaves nothing of the old tree behind for the next.
func TestLateReaderKeepsNothing(t *testing.T) {
	s, leaf, rekey := dying(t, 122)
	provider := &hooked{Keyring: s.keyring, onUnwrap: rekey}
	v := s.newVault(provider)
	if _, err := v.keys.leaf(leaf); err != nil {
		t.Fatalf("whoever began before: %v", err)
	}
	if provider.onUnwrap != nil {
		t.Fatal("nothing happened meanwhile: the test proves nothing")
	}
	if _, err := v.keys.leaf(leaf); !errors.Is(err, errKeyGone) {
		t.Fatalf("a key that was erased is given out: %v", err)
	}
}
