package vault

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/vaulttest"
)

// TestCheckRoot: without the keys under which everything living is sealed, or
// with those of another node, a vault is not opened; with them it is, before
// there is anything and after an erasure has changed the root.
func TestCheckRoot(t *testing.T) {
	fs := vfs.NewMem()
	s := newSite(t, 71, fs, ledgertest.Spec{})
	s.must(s.vault.CheckRoot())
	p, err := s.register("mrn|71")
	s.must(err)
	s.must(s.vault.CheckRoot())

	empty, err := NewKeyring(vfs.NewMem(), "keyring", s.random)
	s.must(err)
	if err := s.newVault(empty).CheckRoot(); err == nil {
		t.Error("a vault was opened with an empty key folder")
	}
	for version := range s.currentRoot() {
		s.must(empty.Create(version + 1))
	}
	if err := s.newVault(empty).CheckRoot(); err == nil {
		t.Error("a vault was opened with the key folder of another node")
	}

	before := s.currentRoot()
	s.erase(p, entry.ScopeAll)
	if s.currentRoot() == before {
		t.Fatal("the erasure did not change the root")
	}
	s.close()
	s = openSite(t, s.world, fs, vaulttest.NewSource(72))
	s.must(s.vault.CheckRoot())
	s.close()
}
