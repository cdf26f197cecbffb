package ledger_test

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
)

// benchDevices is how many devices take turns.
const benchDevices = 64

// BenchmarkApply measures one entry of an append, in commands of 1 and of 256
// readings, each Apply with as many commands as Raft would hand over.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1, 256} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) { benchApply(b, size) })
	}
}

func benchApply(b *testing.B, size int) {
	w := ledgertest.NewWorld(b, 1)
	l := w.Open(b, vfs.Default, b.TempDir())
	cmds := benchCommands(b, w, l, b.N, size)
	before := onDisk(b, l)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range cmds {
		if _, err := l.Apply(cmds[i : i+1]); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if l.Size() < uint64(b.N) {
		b.Fatalf("%d entries after %d", l.Size(), b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	if b.N > 1000 {
		leaf, err := l.Leaf(l.Size() - 1)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(onDisk(b, l)-before)/float64(b.N), "disk-B/entry")
		b.ReportMetric(float64(len(leaf)), "leaf-B")
	}
}

// benchCommands signs n readings, outside the time measured.
func benchCommands(b *testing.B, w *ledgertest.World, l *ledger.Ledger, n, size int) []state.Command {
	subjects := make([]*ledgertest.Subject, benchDevices)
	for i := range subjects {
		s, setup := w.Subject("eu")
		w.Apply(b, l, setup...)
		subjects[i] = s
	}
	var cmds []state.Command
	next := l.State().Applied().Index + 1
	for done := 0; done < n; done += size {
		var items []ledger.Item
		for i := range min(size, n-done) {
			items = append(items, w.Item(w.Reading(subjects[(done+i)%benchDevices])))
		}
		cmds = append(cmds, w.Command(next, items...))
		next++
	}
	return cmds
}

// onDisk is the size of the tables after everything was flushed and compacted.
func onDisk(b *testing.B, l *ledger.Ledger) uint64 {
	b.Helper()
	if _, err := l.State().Durable(); err != nil {
		b.Fatal(err)
	}
	if err := l.State().Compact(b.Context(), []byte{0}, []byte{255}, true); err != nil {
		b.Fatal(err)
	}
	m := l.State().Metrics()
	return uint64(m.Total().TablesSize)
}
