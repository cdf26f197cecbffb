package raft_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
	"indelible/raft"
	"indelible/raft/rafttest"
)

// TestSameStatementSameIndex is P4 on one node: many callers send the same
// statements at once, each alone and in batches; each has one index.
func TestSameStatementSameIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 21)
		n := rafttest.Start(t, w, rafttest.Options{FS: vfs.NewMem()})
		all := history(t, w, 2, 30)
		n.MustAppend(t, all[:12]...)
		all = all[12:]
		var mu sync.Mutex
		at := map[entry.StatementID]map[uint64]int{}
		var callers sync.WaitGroup
		for caller := range 12 {
			size := []int{1, 7, len(all)}[caller%3]
			callers.Go(func() {
				for from := 0; from < len(all); from += size {
					these := all[from:min(from+size, len(all))]
					out, err := n.Append(t.Context(), w.Items(these...), raft.Lane(caller%2))
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for i, o := range out {
						if o.Refusal == nil {
							seen := at[these[i].ID()]
							if seen == nil {
								seen = map[uint64]int{}
								at[these[i].ID()] = seen
							}
							seen[o.Index]++
						}
					}
					mu.Unlock()
				}
			})
		}
		callers.Wait()
		for _, s := range all {
			if len(at[s.ID()]) != 1 {
				t.Errorf("a statement stands at %v", at[s.ID()])
			}
		}
		m := n.Metrics()
		if m.Entries != uint64(len(all)+12) || n.Ledger.Size() != m.Entries+1 {
			t.Errorf("%d entries counted, %d logged, %d signed", m.Entries, n.Ledger.Size(), len(all)+12)
		}
		n.Shut(t)
	})
}

// TestCallersShareCommands: what waits while commands are under way goes into
// one command, and a lone caller waits for nobody.
func TestCallersShareCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 22)
		v := newValve()
		n := rafttest.Start(t, w, rafttest.Options{FS: v.on(vfs.NewMem()), Jurisdictions: []string{}})
		all := history(t, w, 1, 100)
		n.MustAppend(t, all[:13]...)
		synctest.Wait()
		before := n.Metrics().Commands
		v.shut()
		var callers sync.WaitGroup
		for _, s := range all[13:] {
			callers.Go(func() { n.MustAppend(t, s) })
		}
		synctest.Wait()
		v.release()
		callers.Wait()
		if used := n.Metrics().Commands - before; used > 6 {
			t.Errorf("%d commands for %d callers at once", used, len(all)-13)
		}
		n.Shut(t)
	})
}

// TestFullQueue: a queue that is full says so at once; the reserved lane has its
// own; what was never proposed can be taken back, what was proposed cannot.
func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 23)
		v := newValve()
		n := rafttest.Start(t, w, rafttest.Options{
			FS: v.on(vfs.NewMem()), Jurisdictions: []string{},
			Limits: raft.Limits{OrdinaryEntries: 12, ReservedEntries: 2},
		})
		all := history(t, w, 1, 40)
		n.MustAppend(t, all[:12]...)
		rest := all[12:]
		v.shut()
		append1 := func(ctx context.Context, lane raft.Lane) error {
			s := rest[0]
			rest = rest[1:]
			_, err := n.Append(ctx, w.Items(s), lane)
			return err
		}
		proposed, giveUp := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() { first <- append1(proposed, raft.LaneOrdinary) }()
		synctest.Wait()
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				if err := append1(t.Context(), raft.LaneOrdinary); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		waiting, giveUpWaiting := context.WithCancel(t.Context())
		last := make(chan error, 1)
		go func() { last <- append1(waiting, raft.LaneOrdinary) }()
		synctest.Wait()

		var full *raft.Overloaded
		began := time.Now()
		if err := append1(t.Context(), raft.LaneOrdinary); !errors.As(err, &full) || full.RetryAfter <= 0 || time.Since(began) != 0 {
			t.Errorf("a full lane answers %v after %s", err, time.Since(began))
		}
		callers.Go(func() {
			if err := append1(t.Context(), raft.LaneReserved); err != nil {
				t.Errorf("an access entry behind a flood: %v", err)
			}
		})
		synctest.Wait()
		giveUpWaiting()
		if err := <-last; !errors.Is(err, context.Canceled) || errors.Is(err, raft.ErrOutcomeUnknown) {
			t.Errorf("taken back before it was proposed: %v", err)
		}
		giveUp()
		if err := <-first; !errors.Is(err, raft.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
			t.Errorf("given up after it was proposed: %v", err)
		}
		v.release()
		callers.Wait()
		m := n.Metrics()
		if m.Overloaded != 1 || m.Unknown != 1 {
			t.Errorf("%d overloaded, %d unknown", m.Overloaded, m.Unknown)
		}
		if held := n.Status().Groups[0]; held.Entries != 0 || held.Bytes != 0 || held.Commands != 0 {
			t.Errorf("something is held after all were answered: %+v", held)
		}
		n.Shut(t)
	})
}

func TestAppendRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 24)
		n := rafttest.Start(t, w, rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{"eu"}})
		items := w.Items(w.Staff()...)
		if out, err := n.Append(t.Context(), nil, raft.LaneOrdinary); len(out) != 0 || err != nil {
			t.Errorf("nothing appended: %v, %v", out, err)
		}
		if _, err := n.Append(t.Context(), items, 2); err == nil {
			t.Error("a lane that does not exist")
		}
		items[2].Statement = bytes.Repeat([]byte{0xd2}, entry.MaxStatement+1)
		var refusal *entry.Refusal
		if _, err := n.Append(t.Context(), items, raft.LaneOrdinary); !errors.As(err, &refusal) || refusal.Code != entry.CodeTooLarge {
			t.Errorf("a statement above the limit: %v", err)
		}
		if _, err := n.Propose(t.Context(), "mars", store.Command{Type: 1}); !errors.Is(err, raft.ErrUnknownGroup) {
			t.Errorf("a jurisdiction that is not here: %v", err)
		}
		if _, err := n.Propose(t.Context(), "eu", store.Command{Type: 1, Body: make([]byte, raft.MaxCommand)}); !errors.Is(err, raft.ErrTooLarge) {
			t.Errorf("a command above the limit: %v", err)
		}
		if _, err := n.Propose(t.Context(), "eu", store.Command{}); err == nil {
			t.Error("a command of the type this package keeps for itself")
		}
		if err := n.Barrier(t.Context(), "mars"); !errors.Is(err, raft.ErrUnknownGroup) {
			t.Errorf("a jurisdiction that is not here: %v", err)
		}
		if n.Ledger.Size() != 1 {
			t.Errorf("refused calls left %d entries", n.Ledger.Size())
		}
		n.Shut(t)
		if _, err := n.Append(t.Context(), items[:1], raft.LaneOrdinary); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("append after the end: %v", err)
		}
		if _, err := n.Tick(t.Context()); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("tick after the end: %v", err)
		}
		if err := n.Barrier(t.Context(), ""); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("barrier after the end: %v", err)
		}
		if _, err := n.Await(t.Context(), 99); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("await after the end: %v", err)
		}
	})
}

func TestTickMovesLedgerTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 25)
		n := rafttest.Start(t, w, rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{}})
		before := n.Ledger.Time()
		<-time.After(90 * time.Second)
		now, err := n.Tick(t.Context())
		if err != nil || now < before+90_000 || now != n.Ledger.Time() || n.Ledger.Size() != 1 {
			t.Errorf("ledger time went from %d to %d (%v) with %d entries", before, now, err, n.Ledger.Size())
		}
		n.Shut(t)
	})
}

// TestBarrierSeesWhatWasAcknowledged: after a barrier everything acknowledged is
// readable, and many barriers at once share few rounds.
func TestBarrierSeesWhatWasAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 26)
		n := rafttest.Start(t, w, rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{"eu"}})
		all := history(t, w, 1, 60)
		n.MustAppend(t, all[:12]...)
		var callers sync.WaitGroup
		for _, s := range all[12:] {
			callers.Go(func() {
				out := n.MustAppend(t, s)
				if err := n.Barrier(t.Context(), ""); err != nil {
					t.Error(err)
				}
				if size := n.Ledger.Size(); size <= out[0].Index {
					t.Errorf("%d entries after a barrier behind entry %d", size, out[0].Index)
				}
				if err := n.Barrier(t.Context(), "eu"); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if m := n.Metrics(); m.Barriers != uint64(2*(len(all)-12)) {
			t.Errorf("%d barriers counted", m.Barriers)
		}
		n.Shut(t)
	})
}

// TestAwait: waiters are bounded, hear of the end, and get what covers them.
func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 27)
		n := rafttest.Start(t, w, rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{}, Limits: raft.Limits{Waiters: 3}})
		answers := make(chan error, 3)
		for range 3 {
			go func() {
				_, err := n.Await(t.Context(), 1000)
				answers <- err
			}()
		}
		synctest.Wait()
		var full *raft.Overloaded
		if _, err := n.Await(t.Context(), 1000); !errors.As(err, &full) {
			t.Errorf("one waiter too many: %v", err)
		}
		n.Shut(t)
		for range 3 {
			if err := <-answers; !errors.Is(err, raft.ErrStopped) {
				t.Errorf("a waiter at the end: %v", err)
			}
		}
	})
}

// TestBarrierWaitsForTheFold: what is committed and not yet folded in here is
// waited for.
func TestBarrierWaitsForTheFold(t *testing.T) {
	w := rafttest.NewWorld(t, 28)
	n := rafttest.Start(t, w, rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{}})
	before := n.Status().Groups[0].Commit
	release := n.HoldFold()
	appended := make(chan error, 1)
	go func() {
		_, err := n.Append(t.Context(), w.Items(w.Staff()...), raft.LaneOrdinary)
		appended <- err
	}()
	for n.Status().Groups[0].Commit == before {
		runtime.Gosched()
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := n.Barrier(short, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a barrier before what is committed is readable: %v", err)
	}
	release()
	if err := errors.Join(n.Barrier(t.Context(), ""), <-appended); err != nil {
		t.Error(err)
	}
	n.Shut(t)
}

// TestLeadingNeedsATermOpening: a leader that has committed nothing in its term
// does not know what others committed before, and serves no barrier.
func TestLeadingNeedsATermOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 29)
		n := rafttest.Start(t, w, rafttest.Options{FS: vfs.NewMem(), Jurisdictions: []string{}})
		if !n.Leads("") || n.Leads("mars") {
			t.Error("a ready node does not lead, or leads what it does not have")
		}
		n.ForgetTerm()
		if err := n.Barrier(t.Context(), ""); !errors.Is(err, raft.ErrNotLeader) || n.Leads("") {
			t.Errorf("a barrier in a term that is not open: %v", err)
		}
		n.Shut(t)
	})
}

// TestStopAnswersWhatIsInFlight: a stop that is asked for lets finish what was
// taken in, and takes nothing more.
func TestStopAnswersWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 30)
		v := newValve()
		n := rafttest.Start(t, w, rafttest.Options{FS: v.on(vfs.NewMem()), Jurisdictions: []string{}})
		all := history(t, w, 1, 60)
		n.MustAppend(t, all[:12]...)
		v.shut()
		answers := make(chan error, len(all))
		for _, s := range all[12:] {
			go func() {
				_, err := n.Append(t.Context(), w.Items(s), raft.LaneOrdinary)
				answers <- err
			}()
		}
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- n.Stop() }()
		synctest.Wait()
		if _, err := n.Append(t.Context(), w.Items(all[0]), raft.LaneOrdinary); !errors.Is(err, raft.ErrStopped) {
			t.Errorf("taken in while stopping: %v", err)
		}
		v.release()
		for range all[12:] {
			if err := <-answers; err != nil {
				t.Errorf("in flight at the stop: %v", err)
			}
		}
		if err := errors.Join(<-ended, n.Close()); err != nil {
			t.Error(err)
		}
	})
}
