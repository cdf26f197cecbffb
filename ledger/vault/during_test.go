package vault

import (
	"context"
	"io"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

// hooked is a provider that tells when it is asked to unwrap.
type hooked struct {
	Provider
	onUnwrap func()
}

func (p *hooked) Unwrap(version uint64, wrapped, associated []byte) (*keytree.Key, error) {
	if hook := p.onUnwrap; hook != nil {
		p.onUnwrap = nil
		hook()
	}
	return p.Provider.Unwrap(version, wrapped, associated)
}

// TestReleaseWhileSomethingChanges: what is acknowledged while records are being
// decrypted is honoured before they leave.
func TestReleaseWhileSomethingChanges(t *testing.T) {
	ctx := context.Background()
	for name, event := range map[string]func(w *ward){
		"consent": func(w *ward) { w.must(w.vault.RaiseGuard(ctx, []entry.Handle{w.alice.handle})) },
		"erasure": func(w *ward) {
			_, err := w.request(w.alice, entry.ScopeAll)
			w.must(err)
		},
		"hold":   func(w *ward) { w.setHold(w.alice, entry.ClassAudit) },
		"a wait": func(w *ward) { w.world.Now += 31_000 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWard(t, 27)
			g, err := w.grant(w.reading())
			w.must(err)
			find := w.vault.env.Entry
			w.vault.env.Entry = func(id entry.StatementID) (Logged, bool, error) {
				w.vault.env.Entry = find
				event(w)
				return find(id)
			}
			code := entry.CodeGuardRaised
			if name == "a wait" {
				code = entry.CodeGrantExpired
			}
			w.refused(w.vault, g, w.r, code)
			w.refused(w.vault, g, w.r, entry.CodeGrantUsed)
		})
	}
}

// TestLookupWhileErasing: somebody is found, and condemned before the answer is
// given. The answer is that of one who never was.
func TestLookupWhileErasing(t *testing.T) {
	for _, scope := range []entry.Scope{entry.ScopeIdentity, entry.ScopeAll} {
		t.Run(scope.String(), func(t *testing.T) {
			s, alice, _ := pair(t, 28, spec(ledgertest.Grace, 0, 0, 0))
			request, err := s.request(alice, scope)
			s.must(err)
			s.approve(request)
			s.world.Now += ledgertest.Grace
			approval, _, err := s.vault.evidenceOf(t.Context(), approvalOf(s, request))
			s.must(err)
			provider := &hooked{Provider: s.keyring}
			s.vault = s.newVault(provider)
			staff, err := s.staff()
			s.must(err)
			r := Request{RPC: "Find", Caller: caller, Handle: staff}
			_, err = io.ReadFull(s.random, r.Nonce[:])
			s.must(err)
			r.Fields = []string{LookupField(r.Nonce, alice.identifier)}
			g, err := s.grant(ask{entry.AccessLookup, entry.Handle{}, r})
			s.must(err)
			s.must(s.vault.keys.MakeRoom(t.Context())) // so that what was opened is forgotten, and the provider asked
			condemned := false
			provider.onUnwrap = func() {
				_, err := s.vault.propose(t.Context(), &store.Condemn{Request: request, Approval: approval, LedgerTime: s.world.Now})
				s.must(err)
				condemned = true
			}
			_, err = s.vault.Lookup(t.Context(), g, r, alice.identifier)
			vaulttest.WantCode(t, err, entry.CodeUnknownSubject)
			if !condemned {
				t.Fatal("nothing happened meanwhile: the test proves nothing")
			}
		})
	}
}
