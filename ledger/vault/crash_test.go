package vault

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

// sweep cuts the power at every sync of an operation, with nothing and
// with half or all of what was not synced surviving, and starts a node on each image. op
// must succeed there, and check must hold. prepare runs once, before.
func sweep(t *testing.T, seed uint64, prepare func(*site), op func(*site) error, check func(*site, *vaulttest.Attacker)) {
	t.Helper()
	first := vaulttest.NewDisk(vfs.NewCrashableMem())
	s := newSite(t, seed, first, spec(ledgertest.Grace, 0, 0, 0))
	before := vaulttest.Attacker{Group: euGroup}
	s.tap = before.Hear
	prepare(s)
	s.close()
	base, w := first.Now(100), s.world

	whole := vaulttest.NewDisk(clone(base))
	dry := openSite(t, w, whole, vaulttest.NewSource(seed))
	opened := whole.Syncs
	if err := op(dry); err != nil {
		t.Fatal(err)
	}
	total := whole.Syncs - opened
	dry.close()
	if total == 0 {
		t.Fatal("the operation syncs nothing")
	}
	t.Logf("%d sync points", total)
	for n := 1; n <= total; n += vaulttest.Thinner {
		for _, percent := range []int{0, 50 + 50*(n%2)} {
			cutOnce(t, w, base, seed, n, percent, &before, op, check)
		}
	}
}

func clone(m *vfs.MemFS) *vfs.MemFS { return vaulttest.NewDisk(m).Now(100) }

func cutOnce(t *testing.T, w *ledgertest.World, base *vfs.MemFS, seed uint64, n, percent int, before *vaulttest.Attacker, op func(*site) error, check func(*site, *vaulttest.Attacker)) {
	t.Helper()
	d := vaulttest.NewDisk(clone(base))
	s := openSite(t, w, d, vaulttest.NewSource(seed+uint64(n)))
	spy := *before
	s.tap = spy.Hear
	d.Cut(n, percent, func() { s.dead.Store(true) })
	if err := op(s); err != nil {
		t.Fatal(err)
	}
	s.close()
	if d.Image == nil {
		return // another schedule of background work syncs less
	}
	rootedDisk(t, w, clone(d.Image))
	again := openSite(t, w, vaulttest.NewDisk(d.Image), vaulttest.NewSource(seed+uint64(n)))
	again.tap = spy.Hear
	if err := op(again); err != nil {
		t.Fatalf("cut at sync %d, %d%% survive: %v", n, percent, err)
	}
	check(again, &spy)
	again.close()
}

// rootedDisk demands that the state on a disk, before anything is replayed,
// hangs in a root version that still exists: a node may serve from it before its
// group has a leader.
func rootedDisk(t *testing.T, w *ledgertest.World, image *vfs.MemFS) {
	t.Helper()
	store, err := store.Open(store.Config{
		State: w.Options(image, "vault"), Jurisdiction: euGroup, Genesis: w.Body, Policy: w.Policy(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	top, err := store.View().Top()
	if err != nil {
		t.Fatal(err)
	}
	keyring, err := NewKeyring(image, "keyring", vaulttest.NewSource(0))
	if err != nil {
		t.Fatal(err)
	}
	if top == nil {
		return
	}
	if _, err := keyring.Unwrap(top.Root, top.Wrapped, vaulttest.TopData(euGroup, top.Height, top.Epoch)); err != nil {
		t.Fatalf("the state on disk hangs in a root that is gone: %v", err)
	}
}

// TestPowerCutWhileRegistering: the client asks again and gets the same handle,
// and nobody has two.
func TestPowerCutWhileRegistering(t *testing.T) {
	request := SubjectRequest{Request: entry.RequestID{7}, Class: entry.HandleSubject, Identifiers: []string{"mrn|new"}}
	var handles []entry.Handle
	sweep(t, 11, func(s *site) {
		for i := range 16 { // the next one needs another block of keys
			_, err := s.register(fmt.Sprintf("mrn|%d", i))
			s.must(err)
		}
	}, func(s *site) error {
		h, err := s.vault.OpenSubject(context.Background(), request)
		handles = append(handles, h)
		return err
	}, func(s *site, _ *vaulttest.Attacker) {
		s.must(s.round())
		h, err := s.find("mrn|new")
		if err != nil || h != handles[len(handles)-1] {
			t.Fatalf("the subject is not found under its handle: %v", err)
		}
		for i := range 16 {
			if _, err := s.find(fmt.Sprintf("mrn|%d", i)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestPowerCutWhileErasing goes through execution: condemn, reserve, create,
// rekey, verdict, destroy, attest, executed, complete, finish. On every image
// the erasure ends, nothing erased opens, nothing living is lost.
func TestPowerCutWhileErasing(t *testing.T) {
	for _, scope := range []entry.Scope{entry.ScopeIdentity, entry.ScopeAll} {
		t.Run(scope.String(), func(t *testing.T) { cutErasure(t, scope) })
	}
}

func cutErasure(t *testing.T, scope entry.Scope) {
	var alice, bob *person
	var request entry.StatementID
	sweep(t, 12, func(s *site) {
		var err error
		alice, err = s.register("mrn|alice")
		s.must(err)
		bob, err = s.register("mrn|bob")
		s.must(err)
		s.must(s.write(alice))
		s.must(s.write(bob))
		request, err = s.request(alice, scope)
		s.must(err)
		s.approve(request)
		s.world.Now += ledgertest.Grace
	}, func(s *site) error { return s.round() }, func(s *site, spy *vaulttest.Attacker) {
		p, _, err := s.progress(request)
		s.must(err)
		if !p.Completed || len(p.Executed) != 1 {
			t.Fatalf("the erasure has not ended as it should: %+v", p)
		}
		list := spy.Attack(t, s.fs)
		if what, seen := vaulttest.Sees(list, []byte("mrn|alice")); seen {
			t.Fatalf("the identity is erased and yet found in a %s", what)
		}
		clinical := alice.readings[0].clinical
		if _, seen := vaulttest.Sees(list, clinical); seen != (scope == entry.ScopeIdentity) {
			t.Fatalf("clinical records: open %t", seen)
		}
		s.whole(bob)
		versions, err := s.keyring.List()
		s.must(err)
		if len(versions) != 1 {
			t.Fatalf("root versions left: %v", versions)
		}
		onlyOnce(t, s, request)
	})
}

// onlyOnce demands that the log holds one executed and one complete.
func onlyOnce(t *testing.T, s *site, request entry.StatementID) {
	t.Helper()
	steps := make(map[entry.ErasureStep]int)
	for i := range s.ledger.Size() {
		st, _, err := s.ledger.Statement(i)
		s.must(err)
		if body, ok := st.Body.(*entry.Erasure); ok && body.Request == request {
			steps[body.Step]++
		}
	}
	if steps[entry.StepExecuted] != 1 || steps[entry.StepComplete] != 1 {
		t.Fatalf("steps in the log: %v", steps)
	}
}

// TestPowerCutWhileWriting: the client submits the same bytes again, and there
// is one record and one entry.
func TestPowerCutWhileWriting(t *testing.T) {
	var alice *person
	var r Record
	sweep(t, 13, func(s *site) {
		var err error
		alice, err = s.register("mrn|alice")
		s.must(err)
		r = s.reading(alice, []byte(`{"resourceType":"Observation"}`), []byte("who"))
		alice.readings = append(alice.readings, reading{r.Statement.ID(), r.Openings[entry.ClassClinical], r.Openings[entry.ClassIdentity]})
	}, func(s *site) error { return s.submit(r) }, func(s *site, _ *vaulttest.Attacker) {
		s.whole(alice)
	})
}

// TestStateNeedsNoKeys folds the same commands into two stores, batched
// differently, one of them on a node that has no keyring, and compares every
// row.
func TestStateNeedsNoKeys(t *testing.T) {
	h := newHistory(t, 3)
	h.run(40)
	h.finish()
	h.site.close()
	image := h.disk.Now(100)
	dump := func(split int) []byte {
		d := vaulttest.NewDisk(clone(image))
		h.site.must(d.RemoveAll("vault"))
		h.site.must(d.RemoveAll("keyring"))
		return replayed(t, h.site, d, split)
	}
	one, many := dump(1), dump(1000)
	if len(one) == 0 || !bytes.Equal(one, many) {
		t.Fatalf("the state depends on how commands are batched (%d and %d bytes)", len(one), len(many))
	}
}
