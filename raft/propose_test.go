package raft

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"indelible/ledger/vault/store"
)

// TestRoomIsBounded: records leave room for an erasure, and what is in flight
// counts until it is answered, whoever has given up waiting for it.
func TestRoomIsBounded(t *testing.T) {
	r := room{limits: Limits{VaultCommands: 16, VaultBytes: 1600}, rate: rate{rand: rand.Reader}}
	record := store.Command{Type: store.CommandPutRecords, Body: make([]byte, 10)}
	destroy := store.Command{Type: store.CommandDestroyRoot, Body: make([]byte, 10)}
	full := func(c store.Command) {
		t.Helper()
		var o *Overloaded
		if err := r.enter(c); !errors.As(err, &o) || o.RetryAfter < retryLeast {
			t.Fatalf("a full room answers %v", err)
		}
	}
	enter := func(c store.Command, times int) {
		t.Helper()
		for range times {
			if err := r.enter(c); err != nil {
				t.Fatal(err)
			}
		}
	}
	enter(record, 14)
	full(record)
	enter(destroy, 2)
	full(destroy)
	r.leave(record, time.Millisecond)
	full(record)
	enter(destroy, 1)
	for range 13 {
		r.leave(record, time.Millisecond)
	}
	for range 3 {
		r.leave(destroy, time.Millisecond)
	}
	if commands, bytes := r.held(); commands != 0 || bytes != 0 {
		t.Fatalf("%d commands and %d bytes are held", commands, bytes)
	}
	enter(store.Command{Type: store.CommandPutRecords, Body: make([]byte, 1400)}, 1)
	full(record)
	enter(destroy, 1)
}

// TestStampsNeverGoBack: leader times are in the order of the log, whatever the
// clock does, and never before 1970.
func TestStampsNeverGoBack(t *testing.T) {
	at := time.UnixMilli(-5)
	s := stamper{now: func() time.Time { return at }}
	var last uint64
	for _, ms := range []int64{-5, 0, 100, 99, 50, 101, 101, 7} {
		at = time.UnixMilli(ms)
		now := s.stamp()
		if now < last || ms > 0 && now < uint64(ms) {
			t.Fatalf("at %d ms the stamp is %d after %d", ms, now, last)
		}
		last = now
	}
	if last != 101 {
		t.Fatalf("the last stamp is %d", last)
	}
}
