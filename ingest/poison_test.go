package ingest

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	"indelible/api/client"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// A reference that no request can carry is passed over; it does not stop the rest.
func TestReferenceThatIsNoText(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	r := newRig(t, server, memory(t))
	defer r.close()
	path := filepath.Join(t.TempDir(), "in.ndjson")
	writeFile(t, path, `{"resourceType":"Observation","subject":{"reference":"Patient/\ud800"}}`+"\n"+
		`{"resourceType":"Observation","subject":{"reference":"Patient/\ud83d\ude00"}}`+"\n")
	source, err := OpenNDJSON(path)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	summary, err := r.job(source).Run(ctx)
	if err != nil || summary != (Summary{Readings: 1, Verified: 1, Skipped: 1}) {
		t.Errorf("%+v, %v", summary, err)
	}
}

// What the log refuses of a registration for a reason that is not the subject's
// stops the job before the input moves on; repaired, everything arrives.
func TestRegistrationRefusedStopsTheJob(t *testing.T) {
	server := newTestServer(t, newTestLog(t))
	r := newRig(t, server, memory(t))
	defer r.close()
	server.mu.Lock()
	server.refuse = map[entry.Kind]entry.Code{entry.KindAuthor: entry.CodeForeignCA, entry.KindBinding: entry.CodeUnknownAuthor}
	server.mu.Unlock()
	identity, asked := r.onboard.cfg.Identity, atomic.Int32{}
	r.onboard.cfg.Identity = func(reference string) (*Identity, error) {
		asked.Add(1)
		return identity(reference)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	summary, err := r.job(newTestGenerator(t, 2, 20)).Run(ctx)
	var refusal *entry.Refusal
	if !errors.As(err, &refusal) || refusal.Code != entry.CodeForeignCA || summary != (Summary{}) {
		t.Fatalf("%+v, %v", summary, err)
	}
	server.mu.Lock()
	server.refuse = nil
	server.mu.Unlock()
	before := asked.Load()
	if summary := r.run(newTestGenerator(t, 2, 20)); summary != (Summary{Readings: 20, Verified: 20}) {
		t.Errorf("%+v", summary)
	}
	if asked.Load() == before {
		t.Error("the certificates that were refused are used again")
	}
}

// A subject that is erased while a chunk with its readings is under way is passed
// over like one erased before, and its device signs no number a second time.
func TestErasedWhileAChunkIsRead(t *testing.T) {
	for _, before := range []int{0, chunkRecords} { // readings of an earlier chunk of the same run
		log := newTestLog(t)
		server := newTestServer(t, log)
		r := newRig(t, server, memory(t))
		r.run(newTestGenerator(t, 1, 1))
		reference := "urn:uuid:" + newTestGenerator(t, 1, 1).uuid("patient", 0)
		server.mu.Lock()
		server.steps = 0
		server.interrupt = func(step int) error {
			if step == 0 { // the second subject of the chunk is being registered
				return r.onboard.Forget(reference)
			}
			return nil
		}
		server.mu.Unlock()
		path := filepath.Join(t.TempDir(), "in.ndjson")
		writeFile(t, path, strings.Repeat(`{"resourceType":"Observation","subject":{"reference":"`+reference+`"}}`+"\n", before+1)+
			`{"resourceType":"Observation","subject":{"reference":"Patient/2"}}`+"\n")
		source, err := OpenNDJSON(path)
		if err != nil {
			t.Fatal(err)
		}
		j := r.job(source)
		j.cfg.Name = "second"
		want := Summary{Readings: before + 1, Verified: before + 1, Erased: 1}
		if summary, err := j.Run(t.Context()); err != nil || summary != want {
			t.Errorf("%+v, %v", summary, err)
		}
		if n := readingsOf(t, log); n != before+2 {
			t.Errorf("%d readings", n)
		}
		if err := source.Close(); err != nil {
			t.Error(err)
		}
		r.close()
	}
}

// A placement in another jurisdiction than the call's is not followed.
func TestForeignPlacementIsNotFollowed(t *testing.T) {
	log := newTestLog(t)
	here := newTestServer(t, log)
	there := newTestServerOf(t, log, here.ca)
	receipts := openReceipts(t, memory(t))
	defer closeReceipts(t, receipts)
	here.tell(func(submissions, answers) (answers, error) {
		return nil, failure(t, connect.CodeFailedPrecondition, &indeliblev1.Placement{
			Jurisdiction: "us", Nodes: []*indeliblev1.PlacedNode{{Name: "z", Url: there.url}},
		})
	})
	list := []*client.Signed{sign(t, newDevice(t, log.id, "eu"), 0)}
	if _, err := here.client(t, receipts).Deliver(t.Context(), list); !errors.Is(err, client.ErrCallRefused) || there.appends != 0 {
		t.Errorf("got %v, %d calls", err, there.appends)
	}
}

// A node that another one named and that is gone is not asked for ever: the
// configured one is asked again.
func TestClientReturnsFromADeadPlacement(t *testing.T) {
	log := newTestLog(t)
	here := newTestServer(t, log)
	receipts := openReceipts(t, memory(t))
	defer closeReceipts(t, receipts)
	caller := here.client(t, receipts)
	here.tell(func(submissions, answers) (answers, error) {
		return nil, failure(t, connect.CodeFailedPrecondition, &indeliblev1.Placement{
			Jurisdiction: "eu", Nodes: []*indeliblev1.PlacedNode{{Name: "gone", Url: "https://127.0.0.1:1"}},
		})
	})
	d := newDevice(t, log.id, "eu")
	if _, err := caller.Submit(t.Context(), []*client.Signed{sign(t, d, 0)}); err == nil {
		t.Fatal("nobody can have answered")
	}
	here.tell(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if outcomes, err := caller.Deliver(ctx, []*client.Signed{sign(t, d, 1)}); err != nil || outcomes[0].Proven == nil {
		t.Errorf("got %v", err)
	}
}
