package raft_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/proof"
	"indelible/raft/rafttest"
)

func TestOneNodeEndToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 1)
		began := time.Now()
		n := rafttest.Start(t, w, rafttest.Options{FS: vfs.NewMem()})
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("%s until the node was ready", took)
		}
		if p := n.Published(); p == nil || p.Checkpoint.Size != 1 {
			t.Fatalf("published first: %+v", p)
		}
		n.MustAppend(t, w.Staff()...)
		s, setup := w.Subject("eu")
		n.MustAppend(t, setup...)
		reading := w.Reading(s)
		out := n.MustAppend(t, reading)
		p, err := n.Await(t.Context(), out[0].Index+1)
		if err != nil {
			t.Fatal(err)
		}
		path, err := n.Ledger.Inclusion(out[0].Index, p.Checkpoint.Size)
		if err != nil {
			t.Fatal(err)
		}
		receipt := &proof.Receipt{Index: out[0].Index, LedgerTime: out[0].LedgerTime, Path: path, Checkpoint: p.Note}
		if _, err := proof.Verify(w.Policy, reading, receipt); err != nil {
			t.Fatal(err)
		}
		<-time.After(3 * time.Second)
		pq := n.PublishedPQ()
		if pq == nil || pq.Checkpoint.Size != p.Checkpoint.Size {
			t.Fatalf("no ML-DSA-44 cosignatures after 3 s: %+v", pq)
		}
		if _, err := w.PQ.VerifyCheckpoint(pq.Note); err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", n.Status())
		t.Logf("%+v", n.Metrics())
		n.Shut(t)
	})
}
