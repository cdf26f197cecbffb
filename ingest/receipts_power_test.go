package ingest

import (
	"errors"
	"testing"

	"indelible/api/client"
	"indelible/ingest/journal/journaltest"
	"indelible/test/seed"
)

// The power goes at each operation in turn while receipts are stored in several
// segments: what Add acknowledged is found, with its checkpoint, and nothing else.
func TestReceiptsLosePower(t *testing.T) {
	random := seed.Rand(t)
	list := provenList(t, newTestLog(t), 14)
	for cut, ended := 0, false; !ended; cut += 1 + random.IntN(min(scale, 5)) {
		disk := journaltest.NewDisk()
		disk.CutAfter(cut)
		added := 0
		r, err := openReceiptsIn(disk.Dir("r"))
		if err == nil {
			r.full = 4 << 10
			for added < len(list) && err == nil {
				if err = r.Add(list[added]); err == nil {
					added++
				}
			}
			_ = r.Close()
		}
		if ended = err == nil; !ended && !errors.Is(err, journaltest.ErrPower) {
			t.Fatalf("cut %d: %v", cut, err)
		}
		r, err = openReceiptsIn(disk.Restart(random).Dir("r"))
		if err != nil {
			t.Fatalf("cut %d: %v", cut, err)
		}
		checkFound(t, r, list, added)
		closeReceipts(t, r)
	}
}

// A segment that could not be begun loses nothing of the one before it.
func TestReceiptsAfterAFaultWhileRotating(t *testing.T) {
	disk := journaltest.NewDisk()
	r, err := openReceiptsIn(disk.Dir("r"))
	if err != nil {
		t.Fatal(err)
	}
	r.full = 4 << 10
	list := provenList(t, newTestLog(t), 14)
	for i, p := range list {
		if i == 5 {
			if r.journal.Active().Size() < r.full {
				t.Fatal("the segment is not full")
			}
			disk.FailAfter(4) // after the key, its sync, and the directory's
			if err := r.Add(p); !errors.Is(err, journaltest.ErrFault) {
				t.Fatalf("got %v", err)
			}
			checkFound(t, r, list, i)
		}
		if err := r.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	checkFound(t, r, list, len(list))
	closeReceipts(t, r)
	if r, err = openReceiptsIn(disk.Dir("r")); err != nil {
		t.Fatal(err)
	}
	checkFound(t, r, list, len(list))
	closeReceipts(t, r)
}

// checkFound finds the first receipts of a list, perhaps one more, and no other.
func checkFound(t *testing.T, r *Receipts, list []*client.Proven, added int) {
	t.Helper()
	if n := receiptCount(t, r); n != added && n != added+1 {
		t.Fatalf("%d receipts of %d", n, added)
	}
	for i, p := range list {
		found, ok, err := r.Find(p.Statement.ID())
		if err != nil || (ok && !sameProven(found, p)) || (!ok && i < added) || (ok && i > added) {
			t.Fatalf("receipt %d of %d: found %v, %v", i, added, ok, err)
		}
	}
}

// Evidence that could not be written as a whole is not taken for kept.
func TestEvidenceIsWhole(t *testing.T) {
	want := "a\n\nanother"
	for operation := range 5 {
		disk := journaltest.NewDisk()
		r, err := openReceiptsIn(disk.Dir("r"))
		if err != nil {
			t.Fatal(err)
		}
		disk.FailAfter(operation)
		if err := r.keepEvidence(5, []byte("a longer note\n"), []byte("another")); !errors.Is(err, journaltest.ErrFault) {
			t.Fatalf("operation %d: %v", operation, err)
		}
		if _, ok := disk.Files("r")["split-view-5.txt"]; ok && operation < 4 {
			t.Errorf("operation %d: a part of the evidence has its name", operation)
		}
		if err := r.keepEvidence(5, []byte("a\n"), []byte("another")); err != nil {
			t.Errorf("operation %d: %v", operation, err)
		}
		if kept := string(disk.Files("r")["split-view-5.txt"]); kept != want && operation < 4 {
			t.Errorf("operation %d: %q is kept", operation, kept)
		}
		closeReceipts(t, r)
	}
}
