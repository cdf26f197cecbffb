package raft_test

import (
	"sync"
	"testing"
	"testing/synctest"

	"indelible/ledger/entry"
	"indelible/raft"
	"indelible/raft/rafttest"
)

// history signs what a small log holds: people, subjects with devices, readings.
func history(t *testing.T, w *rafttest.World, subjects, readings int) []*entry.Statement {
	t.Helper()
	all := w.Staff()
	for range subjects {
		s, setup := w.Subject("eu")
		all = append(all, setup...)
		for range readings {
			all = append(all, w.Reading(s))
		}
	}
	return all
}

// TestPowerCutWhileAppending is P1 and P3 for one node: at every sync of a life
// with concurrent appends, and at random in between, the power is cut; whatever
// is left comes up again with every acknowledged entry, nothing doubled, nothing
// published taken back, and takes the same statements again without change.
func TestPowerCutWhileAppending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 11)
		all := history(t, w, 6, 20)
		o := rafttest.Options{Jurisdictions: []string{"eu"}}
		cuts := rafttest.Sweep(t, w, o, func(n *rafttest.Node, r *rafttest.Record) {
			appendInParts(t, n, r, all)
		})
		t.Logf("%d cuts, %d statements", len(cuts), len(all))
		for i := 0; i < len(cuts); i += every {
			survives(t, w, o, cuts[i], all)
		}
	})
}

// TestPowerCutWhileTruncating is the same with snapshots and truncation all the
// time, two jurisdictions and a deep directory: what is cut from the front of
// the log is never more than the state would have after the cut.
func TestPowerCutWhileTruncating(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rafttest.NewWorld(t, 12)
		all := history(t, w, 2, 10)
		o := rafttest.Options{
			Dir: "a/b/c", Jurisdictions: []string{"eu", "us"}, Limits: raft.Limits{SnapshotBytes: 3 << 10, TrailingBytes: 1},
		}
		var truncated uint64
		cuts := rafttest.Sweep(t, w, o, func(n *rafttest.Node, r *rafttest.Record) {
			for _, s := range all {
				these := []*entry.Statement{s}
				r.Ack(these, n.MustAppend(t, s))
				if n.Ledger.Size()%5 == 0 {
					synctest.Wait() // lets the snapshot that is due be taken
				}
			}
			truncated = n.Status().Groups[0].FirstLog - 1
		})
		if truncated < 10 {
			t.Fatalf("only %d entries were truncated", truncated)
		}
		t.Logf("%d cuts, %d statements, %d entries truncated", len(cuts), len(all), truncated)
		for i := 0; i < len(cuts); i += every {
			survives(t, w, o, cuts[i], all)
		}
	})
}

// appendInParts appends statements by several callers at once. The first part
// is what the others need.
func appendInParts(t *testing.T, n *rafttest.Node, r *rafttest.Record, all []*entry.Statement) {
	t.Helper()
	const setup, part = 10, 7
	r.Ack(all[:setup], n.MustAppend(t, all[:setup]...))
	var callers sync.WaitGroup
	for from := setup; from < len(all); from += part {
		callers.Go(func() {
			these := all[from:min(from+part, len(all))]
			out, err := n.Append(t.Context(), n.World.Items(these...), raft.LaneOrdinary)
			if err != nil {
				t.Error(err)
				return
			}
			r.Ack(these, out)
		})
		if from%3 == 0 {
			if _, err := n.Await(t.Context(), n.Ledger.Size()); err != nil {
				t.Error(err)
			}
		}
	}
	callers.Wait()
}

// survives restarts on a cut and checks everything that must hold.
func survives(t *testing.T, w *rafttest.World, o rafttest.Options, c rafttest.Cut, all []*entry.Statement) {
	t.Helper()
	n, err := c.Restart(w, o)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	if err := c.Holds(t.Context(), n); err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	out, err := n.Append(t.Context(), w.Items(all...), raft.LaneOrdinary)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	at := map[entry.StatementID]uint64{}
	for i, o := range out {
		if o.Refusal == nil {
			at[all[i].ID()] = o.Index
		}
	}
	for _, a := range c.Acked {
		if index, ok := at[a.Statement.ID()]; ok && a.Outcome.Refusal == nil && index != a.Outcome.Index {
			t.Fatalf("%s: acknowledged at %d, sent again it is at %d", c.Name, a.Outcome.Index, index)
		}
	}
	if n.Ledger.Size() > uint64(len(all))+1 {
		t.Fatalf("%s: %d entries from %d statements", c.Name, n.Ledger.Size(), len(all))
	}
	n.Shut(t)
}
