package raft_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/raft"
	"indelible/raft/rafttest"
)

// BenchmarkAppend measures Append and Await together, on a real disk: entries
// per second, and the median and 99th percentile of one call. Statements are
// signed beforehand; every signature is verified when its entry is folded in.
func BenchmarkAppend(b *testing.B) {
	for _, batch := range []int{1, 256} {
		for _, callers := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("batch=%d/callers=%d", batch, callers), func(b *testing.B) {
				benchAppend(b, batch, callers)
			})
		}
	}
}

func benchAppend(b *testing.B, batch, callers int) {
	w := rafttest.NewWorld(b, 1)
	cache := pebble.NewCache(128 << 20)
	defer cache.Unref()
	n := rafttest.Start(b, w, rafttest.Options{FS: vfs.Default, Dir: b.TempDir(), Jurisdictions: []string{}, MemTableBytes: 32 << 20, Cache: cache})
	items := signed(b, w, n, b.N*batch)
	var next atomic.Int64
	took := make([]time.Duration, b.N)
	var work sync.WaitGroup
	b.ResetTimer()
	for range callers {
		work.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				began := time.Now()
				appendOnce(b, n, items[i*int64(batch):(i+1)*int64(batch)])
				took[i] = time.Since(began)
			}
		})
	}
	work.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(took[b.N/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(0, "ns/op")
	m := n.Metrics()
	b.ReportMetric(float64(m.Entries)/float64(m.Commands), "entries/command")
	n.Shut(b)
}

func appendOnce(b *testing.B, n *rafttest.Node, items []ledger.Item) {
	out, err := n.Append(b.Context(), items, raft.LaneOrdinary)
	if err == nil {
		_, err = n.Await(b.Context(), out[len(out)-1].Index+1)
	}
	if err != nil || out[0].Refusal != nil {
		b.Errorf("%v, %v", err, out)
	}
}

// signed makes readings of many devices.
func signed(b *testing.B, w *rafttest.World, n *rafttest.Node, count int) []ledger.Item {
	const devices = 64
	n.MustAppend(b, w.Staff()...)
	var stmts []*entry.Statement
	for range devices {
		s, setup := w.Subject("eu")
		n.MustAppend(b, setup...)
		for range count/devices + 1 {
			stmts = append(stmts, w.Reading(s))
		}
	}
	return w.Items(stmts[:count]...)
}
