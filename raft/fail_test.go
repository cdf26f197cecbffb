package raft

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestNothingIsSignedAfterAFault: between the report that a database is damaged
// and the end of the node lies the time a stop takes. What is read in it may be
// wrong, so it must not be signed, with or without ML-DSA-44.
func TestNothingIsSignedAfterAFault(t *testing.T) {
	p := pressOn(t, vfs.NewMem())
	p.grow(t)
	if err := p.publish(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	reason := errors.New("a block does not match its checksum")
	p.publisher.fault.fail("storage", reason)
	before := p.last.Load()
	if err := p.publish(t.Context(), 6); !errors.Is(err, reason) {
		t.Errorf("publish: %v, want %v", err, reason)
	}
	if err := p.publishPQ(t.Context()); !errors.Is(err, reason) {
		t.Errorf("publish with ML-DSA-44: %v, want %v", err, reason)
	}
	if p.last.Load() != before || p.lastPQ.Load() != nil {
		t.Error("a checkpoint is shown that was signed after the fault")
	}
	if row, err := p.store.loadPublished(rowLatest); err != nil || row.Checkpoint != before.Checkpoint {
		t.Errorf("the row went to %+v, %v", row, err)
	}
}
