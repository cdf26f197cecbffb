package vault

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

// TestTwoMembers: with two nodes placed here, and one provider for both, nothing
// is destroyed before both have looked, and nothing is complete before both have
// executed or one is declared lost.
func TestTwoMembers(t *testing.T) {
	two := spec(ledgertest.Grace, 0, 0, 0)
	two.Nodes = []ledgertest.NodeSpec{{}, {}}
	s, alice, bob := pair(t, 81, two)
	s.two = true
	second := s.newVaultOf(1, s.keyring)
	second.state = newWorkerState()
	s.must(s.round())
	members, err := s.store.View().Members()
	if err != nil || len(members) != 2 {
		t.Fatalf("members %v (%v)", members, err)
	}
	request, err := s.request(alice, entry.ScopeIdentity)
	s.must(err)
	s.approve(request)
	s.world.Now += ledgertest.Grace
	s.must(s.round())
	versions, err := s.keyring.List()
	s.must(err)
	if p, _, _ := s.progress(request); len(versions) != 2 || len(p.Executed) != 0 {
		t.Fatalf("with one verdict of two: versions %v, %+v", versions, p)
	}
	s.must(second.round(context.Background())) // the second member's verdict
	s.must(s.round())                          // destroyed, and the first has executed
	p, _, err := s.progress(request)
	s.must(err)
	if len(p.Executed) != 1 || p.Completed {
		t.Fatalf("with one execution of two: %+v", p)
	}
	s.must(second.round(context.Background()))
	s.must(s.round())
	if p, _, _ := s.progress(request); len(p.Executed) != 2 || !p.Completed {
		t.Fatalf("with both: %+v", p)
	}

	request, err = s.request(alice, entry.ScopeAll) // and now the second is gone
	s.must(err)
	s.approve(request)
	s.world.Now += ledgertest.Grace
	s.must(s.round())
	s.must(second.round(context.Background())) // it gives its verdict and is gone
	s.must(s.round())
	if p, _, _ := s.progress(request); p.Completed {
		t.Fatal("complete without the second")
	}
	s.mustAppend(s.world.Erasure(s.world.Officers[0], euGroup, &entry.Erasure{
		Step: entry.StepLost, Request: request, Node: s.world.Nodes[1].Author.ID(),
	}))
	s.must(s.round())
	if p, _, _ := s.progress(request); !p.Completed {
		t.Fatal("not complete although the second is declared lost")
	}
	s.whole(bob)
}

// TestOnlyMembersSpeak: a verdict or attestation counts only if a member signed
// just that.
func TestOnlyMembersSpeak(t *testing.T) {
	s, _, _ := pair(t, 82, spec(ledgertest.Grace, 0, 0, 0))
	s.must(s.round())
	stranger := s.world.NewNode(ledgertest.NodeSpec{Name: "stranger"}).Author
	sign := AttestWith(s.random, stranger.Signer)
	good := store.Verdict{Version: 1, Author: s.vault.self, OK: true}
	var err error
	good.Signature, err = s.vault.env.Attest(good.Message(euGroup))
	s.must(err)
	other := good
	other.OK = false // signed the opposite
	foreign := store.Verdict{Version: 1, Author: stranger.ID(), OK: true}
	foreign.Signature, err = sign(foreign.Message(euGroup))
	s.must(err)
	elsewhere := good
	elsewhere.Signature, err = s.vault.env.Attest(good.Message("us"))
	s.must(err)
	attest := store.Attest{Version: 1, Author: s.vault.self, Method: 1, Strength: 1}
	attest.Signature, err = sign(attest.Message(euGroup))
	s.must(err)
	for i, p := range []store.Proposal{&other, &foreign, &elsewhere, &attest} {
		if _, err := s.vault.propose(context.Background(), p); err == nil {
			t.Errorf("command %d counts", i)
		} else {
			vaulttest.WantCode(t, err, entry.CodeBadSignature)
		}
	}
	_, err = s.vault.propose(context.Background(), &good)
	vaulttest.WantCode(t, err, entry.CodeWrongState) // true, but there is nothing to judge
	for _, bad := range []*store.Members{{}, {List: []Member{{Author: entry.AuthorID{1}, Key: stranger.SPKI()}}}} {
		if _, err := s.vault.propose(context.Background(), bad); err == nil {
			t.Error("a set of members is accepted that is none")
		}
	}
}

// TestAttestWithBothKinds of author keys.
func TestAttestWithBothKinds(t *testing.T) {
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, public := range []struct {
		key  any
		sign func([]byte) ([]byte, error)
	}{{edKey.Public(), AttestWith(rand.Reader, edKey)}, {ecKey.Public(), AttestWith(rand.Reader, ecKey)}} {
		parsed, err := entry.NewPublicKey(public.key)
		if err != nil {
			t.Fatal(err)
		}
		m := Member{Author: parsed.Author(), Key: parsed.SPKI()}
		signature, err := public.sign([]byte("said"))
		if err != nil || !m.Signed([]byte("said"), signature) {
			t.Fatalf("%T: not accepted (%v)", public.key, err)
		}
		if m.Signed([]byte("unsaid"), signature) {
			t.Fatalf("%T: accepted for another message", public.key)
		}
	}
}
