package vault

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/layout"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

// TestRunCarriesAnErasure: nothing but Run, woken or not, and it ends when told.
func TestRunCarriesAnErasure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 71, vfs.NewMem(), spec(0, 0, 0, 0))
		alice, err := s.register("mrn|alice")
		s.must(err)
		stop := s.start()
		request, err := s.request(alice, entry.ScopeAll)
		s.must(err)
		s.approve(request)
		s.vault.Wake()
		synctest.Wait()
		if p, _, err := s.progress(request); err != nil || !p.Completed {
			t.Errorf("the erasure is not complete: %+v (%v)", p, err)
		}
		s.must(stop())
		s.close()
	})
}

// start runs the worker; stop ends it and returns what Run returned.
func (s *site) start() (stop func() error) {
	ctx, cancel := context.WithCancel(s.tb.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.vault.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// TestRunGoesOnAfterFaults: an answer that does not come is not the end.
func TestRunGoesOnAfterFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, 72, vfs.NewMem(), spec(0, 0, 0, 0))
		alice, err := s.register("mrn|alice")
		s.must(err)
		request, err := s.request(alice, entry.ScopeAll)
		s.must(err)
		s.approve(request)
		rng := rand.New(rand.NewPCG(72, 72))
		s.propose = func(Command) string { return []string{"lost", "unknown", "", ""}[rng.IntN(4)] }
		stop := s.start()
		for range 120 { // seconds of the bubble's clock
			timer(t, s.vault.cfg.Every)
			synctest.Wait()
		}
		if p, _, err := s.progress(request); err != nil || !p.Completed {
			t.Errorf("the erasure is not complete: %+v (%v)", p, err)
		}
		s.must(stop())
		s.close()
	})
}

// TestRunStopsOnALostKey: a rekey that lost a living key stops every member, with
// both roots in place, and does so again after a restart.
func TestRunStopsOnALostKey(t *testing.T) {
	s, alice, bob := pair(t, 73, spec(ledgertest.Grace, 0, 0, 0))
	s.must(s.round())
	request, err := s.request(alice, entry.ScopeAll)
	s.must(err)
	s.approve(request)
	s.world.Now += ledgertest.Grace
	s.propose = func(c Command) string {
		if c.Type == store.CommandRekey { // another vault, whose memory fails, is quicker
			s.propose = nil
			s.loseAKey(c)
		}
		return ""
	}
	if err := s.round(); !errors.Is(err, keytree.ErrLivingKey) {
		t.Fatalf("the round ended with %v", err)
	}
	if err := s.newVault(s.keyring).Run(t.Context()); !errors.Is(err, keytree.ErrLivingKey) {
		t.Fatalf("after a restart Run ends with %v", err)
	}
	if p, _, _ := s.progress(request); len(p.Executed) != 0 {
		t.Fatal("an erasure was reported executed by a rekey that is broken")
	}
	versions, err := s.keyring.List()
	s.must(err)
	current, err := s.store.View().Top()
	s.must(err)
	old, err := s.store.View().OldTop()
	s.must(err)
	if old == nil || current.Root == old.Root || len(versions) < 2 {
		t.Fatalf("the old root is gone: %v", versions)
	}
	_ = bob
}

// loseAKey commits a rekey like c under a version of its own, in which a leaf
// that nobody erased is missing.
func (s *site) loseAKey(c Command) {
	p, err := store.Decode(c)
	s.must(err)
	wrong := s.rekeyByHand(p.(*store.Rekey).Leaves, func(n []byte) {
		for key := range slices.Chunk(n, keytree.KeySize) {
			if !bytes.Equal(key, make([]byte, keytree.KeySize)) {
				clear(key)
				break
			}
		}
	})
	_, err = s.vault.propose(context.Background(), wrong)
	s.must(err)
}

// rekeyByHand builds a rekey of a tree that is one node, under a version of its
// own, and changes what the node holds.
func (s *site) rekeyByHand(leaves []uint64, change func(node []byte)) *store.Rekey {
	s.tb.Helper()
	now := s.store.View()
	top, err := now.Top()
	s.must(err)
	at := top.Place()
	node, err := now.Node(at)
	s.must(err)
	own, err := s.keyring.Unwrap(top.Root, top.Wrapped, vaulttest.TopData(euGroup, top.Height, top.Epoch))
	s.must(err)
	plain, err := vaulttest.Key(*own).Cipher().Open(nil, nil, node.Sealed[:], vaulttest.NodeData(euGroup, at, node.Epoch))
	s.must(err)
	for _, leaf := range leaves {
		clear(plain[leaf*keytree.KeySize:][:keytree.KeySize])
	}
	change(plain)
	reserved, err := s.vault.propose(context.Background(), &store.ReserveRoot{})
	s.must(err)
	c := &store.Rekey{Base: top.Version, Leaves: leaves}
	c.Root, err = layout.ParseNumber(reserved.Value)
	s.must(err)
	s.must(s.keyring.Create(c.Root))
	var fresh vaulttest.Key
	_, err = s.random.Read(fresh[:])
	s.must(err)
	sealed := fresh.Cipher().Seal(nil, nil, plain, vaulttest.NodeData(euGroup, at, c.Base+1))
	c.Nodes = []store.Node{{Place: at, Sealed: (*store.SealedNode)(sealed)}}
	c.Wrapped, err = s.keyring.Wrap(c.Root, (*keytree.Key)(&fresh), vaulttest.TopData(euGroup, top.Height, c.Base+1))
	s.must(err)
	return c
}

// TestRunDestroysStrays: an old root file that somebody put back is destroyed at
// start.
func TestRunDestroysStrays(t *testing.T) {
	s, alice, _ := pair(t, 74, spec(ledgertest.Grace, 0, 0, 0))
	root := vaulttest.Roots(t, s.fs, "keyring")[1]
	s.erase(alice, entry.ScopeAll)
	vaulttest.PutRoot(t, s.fs, "keyring", 1, root)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s.must(s.vault.Run(ctx))
	if versions, err := s.keyring.List(); err != nil || len(versions) != 1 {
		t.Fatalf("versions %v (%v)", versions, err)
	}
}

// TestRunStopsOnABrokenRow: state that does not parse is not worked around.
func TestRunStopsOnABrokenRow(t *testing.T) {
	s, alice, _ := pair(t, 75, spec(ledgertest.Grace, 0, 0, 0))
	request, err := s.request(alice, entry.ScopeAll)
	s.must(err)
	s.must(s.store.State().Set(append([]byte{'e'}, request[:]...), []byte{1, 2}, pebble.NoSync))
	if err := s.vault.Run(t.Context()); !errors.Is(err, layout.ErrMalformed) {
		t.Fatalf("Run ends with %v", err)
	}
}

// TestExecutedWaitsForLaterVersions: an attempt of another node, built before the
// person was condemned, lies in some log under a version newer than the one that
// takes effect. As long as that exists nothing is reported.
func TestExecutedWaitsForLaterVersions(t *testing.T) {
	s, alice, bob := pair(t, 76, spec(ledgertest.Grace, 0, 0, 0))
	spy := vaulttest.Attacker{Group: euGroup}
	replayTo(t, s, &spy)
	s.tap = spy.Hear
	s.must(s.round())
	request, err := s.request(alice, entry.ScopeIdentity)
	s.must(err)
	s.approve(request)
	s.world.Now += ledgertest.Grace
	s.propose = func(c Command) string {
		if c.Type == store.CommandRekey {
			s.propose = func(c Command) string {
				if c.Type == store.CommandAbandonRoot { // nobody gets round to it
					return "lost"
				}
				return ""
			}
			spy.Hear(store.Encode(s.rekeyByHand([]uint64{8}, func([]byte) {}))) // a leaf nobody has: alice lives in it
		}
		return ""
	}
	for range 4 {
		if err := s.round(); err != nil && !errors.Is(err, errLost) {
			t.Fatal(err)
		}
	}
	_, seen := vaulttest.Sees(spy.Attack(t, s.fs), []byte(alice.identifier))
	if p, _, _ := s.progress(request); len(p.Executed) != 0 && seen {
		t.Fatal("reported as executed, and alice opens with a version that exists")
	}
	if !seen {
		t.Fatal("the version is gone: the test proves nothing")
	}
	s.propose = nil
	s.must(s.round())
	if p, _, _ := s.progress(request); !p.Completed {
		t.Fatalf("not complete: %+v", p)
	}
	if _, seen := vaulttest.Sees(spy.Attack(t, s.fs), []byte(alice.identifier)); seen {
		t.Fatal("alice is erased and yet found")
	}
	s.whole(bob)
}

// TestStraysDoNotKeepAnErasureWaiting: somebody puts an old root file back while
// the node runs. It is destroyed, and the erasure ends.
func TestStraysDoNotKeepAnErasureWaiting(t *testing.T) {
	s, alice, bob := pair(t, 77, spec(ledgertest.Grace, 0, 0, 0))
	root := vaulttest.Roots(t, s.fs, "keyring")[1]
	s.erase(alice, entry.ScopeAll)
	vaulttest.PutRoot(t, s.fs, "keyring", 1, root)
	s.erase(bob, entry.ScopeAll)
	if versions, err := s.keyring.List(); err != nil || len(versions) != 1 {
		t.Fatalf("versions %v (%v)", versions, err)
	}
}
