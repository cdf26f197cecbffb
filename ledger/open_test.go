package ledger_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
)

// TestOpenStopsAtADamagedEdge: a node that cannot trust what it would go on from
// does not start.
func TestOpenStopsAtADamagedEdge(t *testing.T) {
	w := ledgertest.NewWorld(t, 40)
	damage := func(what string, pick func(rows map[byte][]row) row, change func([]byte) []byte) {
		t.Run(what, func(t *testing.T) {
			cfg := w.Config(vfs.NewMem(), "ledger")
			l, err := ledger.Open(cfg)
			must(t, err)
			w.Apply(t, l, w.Staff()...)
			victim := pick(rowsOf(t, l.State()))
			if value := change(bytes.Clone(victim.value)); value == nil {
				must(t, l.State().Delete(victim.key, pebble.NoSync))
			} else {
				must(t, l.State().Set(victim.key, value, pebble.NoSync))
			}
			must(t, l.Close())
			l, err = ledger.Open(cfg)
			if err == nil {
				must(t, l.Close())
				t.Fatal("opened")
			}
		})
	}
	flip := func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
	gone := func([]byte) []byte { return nil }
	first := func(p byte) func(map[byte][]row) row { return func(r map[byte][]row) row { return r[p][0] } }
	last := func(p byte) func(map[byte][]row) row { return func(r map[byte][]row) row { return r[p][len(r[p])-1] } }
	damage("genesis", first('e'), flip)
	damage("genesis gone", first('e'), gone)
	damage("genesis of another time", first('e'), func(b []byte) []byte {
		time, raw, err := entry.ParseLeaf(b)
		must(t, err)
		leaf, err := entry.Leaf(time+1, raw)
		must(t, err)
		return leaf
	})
	damage("newest leaf", last('e'), flip)
	damage("newest leaf gone", last('e'), gone)
	damage("tile", last('t'), flip)
	damage("tile gone", last('t'), gone)
	damage("short tile", last('t'), func(b []byte) []byte { return b[:len(b)-32] })
	damage("root", first('m'), func(b []byte) []byte { b[20] ^= 1; return b })
	damage("newer format", first('m'), func(b []byte) []byte { b[0]++; return b })
}

// TestReadOnly: a ledger can be inspected without its genesis file, and an empty
// directory is not made into a log.
func TestReadOnly(t *testing.T) {
	w := ledgertest.NewWorld(t, 41)
	fs := vfs.NewMem()
	cfg := w.Config(fs, "ledger")
	l, err := ledger.Open(cfg)
	must(t, err)
	w.Apply(t, l, w.Staff()...)
	size := l.Size()
	must(t, l.Close())
	cfg.State.ReadOnly, cfg.Genesis = true, nil
	l, err = ledger.Open(cfg)
	must(t, err)
	if l.Size() != size || l.ID() != w.Log || len(l.Genesis().Registrars) != 2 {
		t.Errorf("size %d, log %s", l.Size(), l.ID())
	}
	must(t, l.Close())
	check := ledger.Check{Verifier: cfg.Verifier, Logger: cfg.Logger, Scratch: vfs.NewMem(), ScratchDir: "scratch"}
	var told []uint64
	check.Progress = func(done, _ uint64) { told = append(told, done) }
	r, err := ledger.FsckDir(t.Context(), cfg.State, check)
	if err != nil || !r.Sound() || r.Size != size || !slices.Contains(told, size) {
		t.Errorf("fsck: %+v, %v, told %v", r, err, told)
	}
	empty := cfg
	empty.State = state.Options{FS: vfs.NewMem(), Dir: "none", Logger: cfg.Logger, Broken: cfg.State.Broken, ReadOnly: true}
	if _, err := ledger.Open(empty); err == nil {
		t.Error("opened nothing for reading")
	}
}

// TestRootIsReadFromTheStore: a tile that changes on the disk after it was
// written makes the node refuse to name a root.
func TestRootIsReadFromTheStore(t *testing.T) {
	w := ledgertest.NewWorld(t, 42)
	l := w.Open(t, vfs.NewMem(), "ledger")
	w.Apply(t, l, w.Staff()...)
	rows := rowsOf(t, l.State())['t']
	edge := rows[len(rows)-1]
	edge.value[len(edge.value)-1] ^= 1
	must(t, l.State().Set(edge.key, edge.value, pebble.NoSync))
	if root, err := l.Root(l.Size()); err == nil {
		t.Fatalf("root %s of a damaged tile", root)
	}
}
