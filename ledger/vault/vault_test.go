package vault

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/vaulttest"
)

// TestOneLife walks one person through everything: registered, written,
// found, read, erased by identity, erased altogether.
func TestOneLife(t *testing.T) {
	s := newSite(t, 1, vfs.NewMem(), spec(ledgertest.Grace, 0, 0, 0))
	defer s.close()
	alice, err := s.register("mrn|alice")
	s.must(err)
	bob, err := s.register("mrn|bob")
	s.must(err)
	for range 3 {
		s.must(s.write(alice))
		s.must(s.write(bob))
	}
	s.whole(alice)
	s.whole(bob)
	_, err = s.register("mrn|alice")
	vaulttest.WantCode(t, err, entry.CodeAlreadyRegistered)

	s.erase(alice, entry.ScopeIdentity)
	_, err = s.find(alice.identifier)
	vaulttest.WantCode(t, err, entry.CodeUnknownSubject)
	list, err := s.readAll(alice, "clinical", "identity")
	s.must(err)
	for _, one := range list {
		if !hasClass(one, entry.ClassClinical) || hasClass(one, entry.ClassIdentity) {
			t.Fatal("after an erasure of identity the clinical part alone must open")
		}
	}
	vaulttest.WantCode(t, s.write(alice), entry.CodeSubjectErased)
	s.whole(bob)

	s.erase(alice, entry.ScopeAll)
	_, err = s.readAll(alice, "clinical")
	vaulttest.WantCode(t, err, entry.CodeSubjectErased)
	s.whole(bob)

	again, err := s.register("mrn|alice") // the person comes back
	s.must(err)
	s.must(s.write(again))
	s.whole(again)
}
