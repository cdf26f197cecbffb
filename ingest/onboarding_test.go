package ingest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	"indelible/api/client"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

func TestOnboarding(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	r := newRig(t, server, memory(t))
	defer r.close()
	e, err := r.onboard.Register(t.Context(), "Patient/1", "eu")
	if err != nil {
		t.Fatal(err)
	}
	checkEntries(t, server, e)
	// Known already.
	again, err := r.onboard.Register(t.Context(), "Patient/1", "eu")
	if err != nil || *again != *e || len(log.byID) != 3 {
		t.Errorf("a second time: %+v, %v", again, err)
	}
	if _, err := r.onboard.Register(t.Context(), "Patient/1", "us"); err == nil {
		t.Error("a subject moves to another jurisdiction")
	}
	// Taken by another spool.
	if _, err := r.onboard.Register(t.Context(), "Patient/2", "eu", "Patient/1"); !errors.Is(err, &entry.Refusal{Code: entry.CodeAlreadyRegistered}) {
		t.Errorf("an identifier of another: %v", err)
	}
	for _, key := range r.spool.keys("") {
		value, _ := r.spool.Value(key)
		if strings.Contains(key, "Patient/1") || strings.Contains(string(value), "Patient/1") {
			t.Error("the reference stands in the journal")
		}
	}
	if keys := r.spool.keys(keyEnrol); len(keys) != 0 {
		t.Errorf("%d finished steps are kept", len(keys))
	}
}

// checkEntries looks at the three entries of one subject.
func checkEntries(t *testing.T, server *testServer, e *Enrolled) {
	t.Helper()
	log := server.log
	if server.identifiers["Patient/1"] == (entry.RequestID{}) {
		t.Error("the reference is not the identifier")
	}
	var handle, author, binding *entry.Statement
	for _, logged := range log.byID {
		s, err := entry.Parse(logged.statement)
		if err != nil {
			t.Fatal(err)
		}
		switch s.Kind {
		case entry.KindHandle:
			handle = s
		case entry.KindAuthor:
			author = s
		case entry.KindBinding:
			binding = s
		}
	}
	if handle == nil || handle.Sub.Handle() != e.Handle || handle.Parts == nil || handle.Jurisdiction != "eu" {
		t.Errorf("handle entry %+v", handle)
	}
	change := author.Body.(*entry.AuthorChange)
	public, err := entry.ParsePublicKey(change.Key)
	if err != nil || public.Author() != e.Author || author.Sub.Handle() != e.Handle || author.Parts == nil || change.Role != entry.RoleDevice || change.Linkable {
		t.Errorf("author entry %+v, %v", author, err)
	}
	bound := binding.Body.(*entry.BindingChange)
	if bound.Binding != e.Binding || bound.Handle != e.Handle || bound.Author != e.Author || bound.To != nil || binding.Parts != nil {
		t.Errorf("binding entry %+v", bound)
	}
	// The opening of the author entry holds a chain and a certification that verify.
	identity := server.identity(t, author.ID())
	leaf, err := x509.ParseCertificate(identity.Chain[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := leaf.CheckSignatureFrom(server.ca.certificate); err != nil {
		t.Error(err)
	}
	if err := entry.VerifyCertification(identity.Certification, leaf.PublicKey, change.Key, e.Handle); err != nil {
		t.Error(err)
	}
}

// identity reads the sealed part of an author entry the server was sent.
func (s *testServer) identity(t testing.TB, id entry.StatementID) entry.AuthorIdentity {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	opening, err := entry.ParseOpening(s.openings[id][entry.ClassIdentity])
	if err != nil {
		t.Fatal(err)
	}
	identity, err := entry.ParseAuthorIdentity(opening.Content)
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// Every call is answered only after the process that made it is gone, at each step
// in turn: the next one finishes with the same bytes and the same handle.
func TestOnboardingResumes(t *testing.T) {
	for step := range 3 {
		for _, taken := range []bool{false, true} {
			t.Run(fmt.Sprintf("step %d taken %v", step, taken), func(t *testing.T) {
				log := newTestLog(t)
				server := newTestServer(t, log)
				r := newRig(t, server, memory(t))
				ctx, cancel := context.WithCancel(t.Context())
				server.interrupt = func(n int) error {
					if n != step {
						return nil
					}
					cancel()
					return connect.NewError(connect.CodeUnavailable, errors.New("gone"))
				}
				server.interruptAfter = taken
				if _, err := r.onboard.Register(ctx, "Patient/1", "eu"); !errors.Is(err, context.Canceled) {
					t.Fatalf("got %v", err)
				}
				image := allBytes(t, r.dir) // kill -9
				r.close()
				server.mu.Lock()
				server.interrupt = nil
				server.mu.Unlock()
				r = newRig(t, server, restore(t, image))
				defer r.close()
				if _, ok, err := r.onboard.Lookup("Patient/1"); ok || err != nil {
					t.Fatal("half a subject counts as registered", err)
				}
				e, err := r.onboard.Register(t.Context(), "Patient/1", "eu")
				if err != nil {
					t.Fatal(err)
				}
				if len(log.byID) != 3 || len(server.handles) != 1 || server.handles[server.identifiers["Patient/1"]] != e.Handle {
					t.Errorf("%d entries, %d handles", len(log.byID), len(server.handles))
				}
			})
		}
	}
}

func TestOnboardingSideBySide(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	r := newRig(t, server, memory(t))
	defer r.close()
	var running sync.WaitGroup
	for n := range 24 {
		running.Go(func() {
			if _, err := r.onboard.Register(t.Context(), fmt.Sprint("Patient/", n%8), "eu"); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if len(log.byID) != 24 || len(server.handles) != 8 {
		t.Errorf("%d entries for %d subjects", len(log.byID), len(server.handles))
	}
}

func TestEnrolOfAKeyHeldElsewhere(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	r := newRig(t, server, memory(t))
	defer r.close()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := entry.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	enrolment := Enrolment{Handle: entry.Handle{1}, Jurisdiction: "eu", Key: public, Identity: func() (entry.AuthorIdentity, error) {
		asked++
		device, err := server.ca.Issue(rand.Reader, "7", time.Now())
		if err != nil {
			return entry.AuthorIdentity{}, err
		}
		certification, err := entry.SignCertification(rand.Reader, device.Key, public.SPKI(), entry.Handle{1})
		return entry.AuthorIdentity{Chain: device.Chain, Certification: certification}, err
	}}
	for range 2 {
		if err := r.onboard.Enrol(t.Context(), enrolment); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 || len(log.byID) != 2 {
		t.Errorf("asked %d times, %d entries", asked, len(log.byID))
	}
}

func TestOnboardingTakesAnyKey(t *testing.T) {
	log := newTestLog(t)
	server := newTestServer(t, log)
	r := newRig(t, server, memory(t))
	defer r.close()
	r.onboard.cfg.NewKey = func(string) (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }
	if summary := r.run(newTestGenerator(t, 2, 20)); summary.Verified != 20 {
		t.Errorf("%+v", summary)
	}
}

func TestOnboardingConfigReportsAllFaults(t *testing.T) {
	err := OnboardingConfig{}.Validate()
	for _, want := range []string{"Client", "Registrar", "Log", "Spool", "Identity", "Now", "Rand"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not reported: %v", want, err)
		}
	}
}

func TestDeviceCAIsChecked(t *testing.T) {
	a, b := newTestCA(t), newTestCA(t)
	if _, err := NewDeviceCA(a.certificate, b.key); err == nil {
		t.Error("a foreign key is accepted")
	}
	identity, err := a.Issue(rand.Reader, "1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(identity.Chain[0])
	if err != nil || leaf.IsCA || leaf.Subject.SerialNumber != "1" || leaf.NotAfter.After(a.certificate.NotAfter) {
		t.Errorf("%+v, %v", leaf.Subject, err)
	}
	if _, err := NewDeviceCA(leaf, identity.Key); err == nil {
		t.Error("a device is accepted as an authority")
	}
}

// A node that is not placed in a jurisdiction names one that is.
func TestClientFollowsPlacement(t *testing.T) {
	log := newTestLog(t)
	here := newTestServer(t, log)
	receipts := openReceipts(t, memory(t))
	defer closeReceipts(t, receipts)
	caller := here.client(t, receipts)
	there := newTestServerOf(t, log, here.ca)
	here.tell(func(submissions, answers) (answers, error) {
		return nil, failure(t, connect.CodeFailedPrecondition, &indeliblev1.Placement{
			Jurisdiction: "eu", Nodes: []*indeliblev1.PlacedNode{{Name: "x"}, {Name: "y", Url: "http://127.0.0.1:1"}, {Name: "z", Url: there.url}},
		})
	})
	d := newDevice(t, log.id, "eu")
	for n := range 3 {
		outcomes, err := caller.Deliver(t.Context(), []*client.Signed{sign(t, d, n)})
		if err != nil || outcomes[0].Proven == nil {
			t.Fatal(err)
		}
	}
	if here.appends != 1 || there.appends != 3 {
		t.Errorf("%d calls here, %d there", here.appends, there.appends)
	}
	// Two nodes that point at each other are left after some hops.
	there.tell(func(submissions, answers) (answers, error) {
		return nil, failure(t, connect.CodeFailedPrecondition, &indeliblev1.Placement{
			Jurisdiction: "eu", Nodes: []*indeliblev1.PlacedNode{{Name: "a", Url: here.url}, {Name: "z", Url: there.url}},
		})
	})
	if _, err := caller.Deliver(t.Context(), []*client.Signed{sign(t, d, 9)}); !errors.Is(err, client.ErrCallRefused) {
		t.Errorf("got %v", err)
	}
}
