package ledger_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
	"indelible/proof"
)

// leafRow is the row of an entry.
func leafRow(t *testing.T, l *ledger.Ledger, index uint64) row {
	t.Helper()
	return rowsOf(t, l.State())['e'][index]
}

// TestDamagedEntryStopsTheNode: an entry that parsed when it was logged and does
// not any more is no reason to refuse what another statement says about it.
func TestDamagedEntryStopsTheNode(t *testing.T) {
	s := tell(t, 51)
	one, parts := s.subjects[0], s.Hash()
	id := *one.Device.Prev
	index, ok, err := s.l.Find(id)
	if !ok || err != nil {
		t.Fatalf("the newest reading: %t, %v", ok, err)
	}
	victim := leafRow(t, s.l, index)
	must(t, s.l.State().Set(victim.key, victim.value[:len(victim.value)-9], pebble.NoSync))
	correction := s.Sign(s.Service, entry.Draft{
		Kind: entry.KindCorrection, Sub: entry.SubOfHandle(one.Handle), Jurisdiction: "eu", Parts: &parts,
		Body: &entry.Correction{Corrects: id},
	})
	cmd := s.Command(s.l.State().Applied().Index+1, s.Item(correction))
	for range 2 { // every later call fails alike
		if out, err := s.l.Apply([]state.Command{cmd}); err == nil {
			t.Fatalf("judged beside a damaged entry: %+v", out[0][0])
		}
	}
}

// TestMissingEntriesAreNotPassedOver: neither a bundle nor a follower gets a log
// with a hole, or one that ends early.
func TestMissingEntriesAreNotPassedOver(t *testing.T) {
	for name, back := range map[string]uint64{"in the middle": 3, "at the end": 1} {
		t.Run(name, func(t *testing.T) {
			w := ledgertest.NewWorld(t, 52)
			l := w.Open(t, vfs.NewMem(), "ledger")
			w.Apply(t, l, w.Staff()...)
			size := l.Size()
			must(t, l.State().Delete(leafRow(t, l, size-back).key, pebble.NoSync))
			for width := size - back + 1; width <= size; width++ {
				if b, err := l.Tile(proof.Tile{Level: proof.EntriesLevel, Index: 0, Width: int(width)}, size); err == nil {
					t.Errorf("a bundle of %d entries, without entry %d: %d bytes", width, size-back, len(b))
				}
			}
			read := uint64(0)
			for _, err := range l.Follow(t.Context(), 0) {
				if err != nil {
					break
				}
				if read++; read > size-back {
					t.Fatalf("followed past entry %d, which is missing", size-back)
				}
			}
		})
	}
}

// TestReplayedCommandsAreSkipped: what the database has reached is not applied
// again, in whatever company it comes.
func TestReplayedCommandsAreSkipped(t *testing.T) {
	w := ledgertest.NewWorld(t, 53)
	l := w.Open(t, vfs.NewMem(), "ledger")
	staff := w.Staff()
	first := w.Command(7, w.Items(staff[:2]...)...)
	_, err := l.Apply([]state.Command{first})
	must(t, err)
	before := dump(t, l.State())
	_, digest := l.StateHash()
	w.Now += hour
	again := w.Command(7, w.Items(staff[:2]...)...) // as if it had another time
	out, err := l.Apply([]state.Command{again})
	if err != nil || out[0] != nil || dump(t, l.State()) != before {
		t.Errorf("replayed alone: %+v, %v", out, err)
	}
	out, err = l.Apply([]state.Command{again, w.Command(8, w.Items(staff[2:4]...)...)})
	if err != nil || out[0] != nil || len(out[1]) != 2 || out[1][0].Refusal != nil || out[1][0].Duplicate {
		t.Errorf("replayed before a new one: %+v, %v", out, err)
	}
	if size, now := l.StateHash(); now == digest || now == (proof.Hash{}) || size != l.Size() {
		t.Errorf("the state hash is %s at size %d after two more entries", now, size)
	}
}

// loud counts what is logged as an error.
type loud struct{ errors *int }

func (h loud) Enabled(context.Context, slog.Level) bool { return true }
func (h loud) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h loud) WithGroup(string) slog.Handler            { return h }
func (h loud) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		*h.errors++
	}
	return nil
}

// TestAlarm: a statement over a history that is not ours is the sign of a fork,
// said aloud when it is ordered and not when somebody merely asks. Asked of a
// node that lags behind its client, it is no sign of anything.
func TestAlarm(t *testing.T) {
	w := ledgertest.NewWorld(t, 54)
	cfg, said := w.Config(vfs.NewMem(), "ledger"), 0
	cfg.Logger = slog.New(loud{&said})
	l, err := ledger.Open(cfg)
	must(t, err)
	over := func(size uint64) *entry.Statement {
		return w.Sign(w.Registrars[0], entry.Draft{
			Kind: entry.KindCA, Seen: &entry.Seen{Size: size}, Body: &entry.CAChange{Action: entry.CAActivate, Key: w.Key().SPKI()},
		})
	}
	out, err := l.Precheck(w.Now, []*entry.Statement{over(1), over(2)}, nil)
	must(t, err)
	if out[0].Refusal == nil || out[0].Refusal.Code != entry.CodeSeenMismatch || out[1].Refusal != nil || said != 0 {
		t.Errorf("asked: %+v, said %d times", out, said)
	}
	w.Refused(t, l, over(1), entry.CodeSeenMismatch)
	w.Refused(t, l, over(2), entry.CodeSeenMismatch)
	if said != 2 {
		t.Errorf("ordered two statements over other histories, and said so %d times", said)
	}
	must(t, l.Close())
}

// TestFsckFindsWhatIsAdded: a row that follows from no entry, a time that went
// back, and the first fault of many.
func TestFsckFindsWhatIsAdded(t *testing.T) {
	s := tell(t, 55)
	rows := rowsOf(t, s.l.State())
	check := func(what string, want uint64, change func(b *pebble.Batch)) {
		t.Helper()
		b := s.l.State().NewIndexedBatch()
		defer closing(t, b)
		change(b)
		if first, bad := fsck(t, b).FirstBad(); !bad || first != want {
			t.Errorf("%s: laid to entry %d (%t), want %d", what, first, bad, want)
		}
	}
	for _, prefix := range []byte{'A', 'H', 'K', 'k'} {
		key := bytes.Clone(rows[prefix][0].key)
		binary.BigEndian.PutUint64(key[len(key)-8:], 77)
		if slices.ContainsFunc(rows[prefix], func(r row) bool { return bytes.Equal(r.key, key) }) {
			continue // this entry has that row already
		}
		check("a row added to "+ledger.RowNames()[prefix], 77, func(b *pebble.Batch) { must(t, b.Set(key, nil, nil)) })
	}
	check("ledger time back", s.l.Size()-1, func(b *pebble.Batch) {
		must(t, b.Set([]byte{'m'}, earlier(rows['m'][0].value), nil))
	})
	check("the first of many", 20, func(b *pebble.Batch) {
		for _, r := range rows['s'] {
			if index, _ := binary.Uvarint(r.value); index > 100 || index == 20 {
				must(t, b.Delete(r.key, nil))
			}
		}
	})
	check("a later row of an earlier entry", 40, func(b *pebble.Batch) {
		for _, r := range rows['s'] {
			if index, _ := binary.Uvarint(r.value); index > 100 {
				must(t, b.Delete(r.key, nil))
			}
		}
		for _, r := range rows['u'] {
			if index, _ := binary.Uvarint(r.value); index == 40 {
				must(t, b.Delete(r.key, nil))
			}
		}
	})
}

// TestFsckLaysFaultsWhereTheyBelong: rows that are replaced in time name the
// entry that last changed them, tiles the entry under the hash.
func TestFsckLaysFaultsWhereTheyBelong(t *testing.T) {
	s := tell(t, 57)
	rows := rowsOf(t, s.l.State())
	size, three := s.l.Size(), s.subjects[2].Device.Key.ID()
	revoked, _, err := s.l.Author(three)
	must(t, err)
	enrolled, err := s.l.ByAuthor(three, 0, 1)
	must(t, err)
	tile := rows['t'][0]
	flipped := bytes.Clone(tile.value)
	flipped[7*proof.HashSize] ^= 1
	edge := rows['t'][0]
	for _, r := range rows['t'] {
		if r.key[1] == 0 {
			edge = r // the last of level 0
		}
	}
	node, record := rows['n'][len(rows['n'])-1], uint64(0)
	for i := range size {
		st, _, err := s.l.Statement(i)
		must(t, err)
		if change, ok := st.Body.(*entry.NodeChange); ok && change.Node.Name == string(node.key[1:]) {
			record = i
		}
	}
	no, _ := binary.Uvarint(authorRow(rows['a'], three)) // the number by which its other rows go
	var run row
	for _, r := range rows['d'] {
		if binary.BigEndian.Uint64(r.key[1:]) == no {
			run = r
		}
	}
	for what, c := range map[string]struct {
		key, value []byte
		want       uint64
	}{
		"an unreadable meta row":  {[]byte{'m'}, []byte{0xff}, size - 1},
		"a tile":                  {tile.key, flipped, 7},
		"a tile that is too long": {edge.key, append(bytes.Clone(edge.value), tile.value[:proof.HashSize]...), size - 1},
		"a tile of no tree":       {[]byte{'t', 0}, tile.value, size},
		"an author":               {append([]byte{'a'}, three[:]...), nil, revoked.Changed},
		"a node":                  {node.key, nil, record},
		"a run":                   {run.key, nil, enrolled[0]},
	} {
		b := s.l.State().NewIndexedBatch()
		if c.value == nil {
			must(t, b.Delete(c.key, nil))
		} else {
			must(t, b.Set(c.key, c.value, nil))
		}
		if first, bad := fsck(t, b).FirstBad(); !bad || first != c.want {
			t.Errorf("%s: laid to entry %d (%t), want %d", what, first, bad, c.want)
		}
		closing(t, b)
	}
}

func authorRow(rows []row, id entry.AuthorID) []byte {
	i := slices.IndexFunc(rows, func(r row) bool { return bytes.Equal(r.key[1:], id[:]) })
	return rows[i].value
}

// earlier is a meta row with a ledger time one millisecond before.
func earlier(meta []byte) []byte {
	at := 0
	for range 2 { // version and size
		_, n := binary.Uvarint(meta[at:])
		at += n
	}
	time, n := binary.Uvarint(meta[at:])
	return append(binary.AppendUvarint(bytes.Clone(meta[:at]), time-1), meta[at+n:]...)
}

// TestFsckLeavesNoTrace: a directory that is checked is not changed.
func TestFsckLeavesNoTrace(t *testing.T) {
	w := ledgertest.NewWorld(t, 56)
	fs := vfs.NewMem()
	cfg := w.Config(fs, "ledger")
	l, err := ledger.Open(cfg)
	must(t, err)
	w.Apply(t, l, w.Staff()...)
	must(t, l.Close())
	names := func() []string {
		list, err := fs.List("ledger")
		must(t, err)
		slices.Sort(list)
		return list
	}
	before := names()
	r, err := ledger.FsckDir(t.Context(), cfg.State, ledger.Check{Verifier: verifier, Logger: ledgertest.Quiet()})
	if err != nil || !r.Sound() || r.Root == (proof.Hash{}) {
		t.Fatalf("%+v, %v", r, err)
	}
	if after := names(); !slices.Equal(before, after) {
		t.Errorf("the directory held %v and now %v", before, after)
	}
}
