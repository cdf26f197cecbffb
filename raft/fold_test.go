package raft

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	hraft "github.com/hashicorp/raft"

	"indelible/ledger/state"
)

// tally is a state machine that keeps the bodies it was given, in order.
type tally struct {
	db    *state.DB
	seen  []string
	fails uint16 // a type it does not know
}

var errTally = errors.New("a command nobody knows")

func (c *tally) apply(cmds []state.Command) ([]any, error) {
	b := c.db.NewBatch()
	results := make([]any, len(cmds))
	for i, cmd := range cmds {
		if cmd.Type == c.fails {
			return nil, errors.Join(errTally, b.Close())
		}
		results[i] = fmt.Sprintf("%d:%s", cmd.Time, cmd.Body)
		c.seen = append(c.seen, string(cmd.Body))
		if err := b.Set(cmd.Body, []byte{1}, nil); err != nil {
			return nil, errors.Join(err, b.Close())
		}
	}
	last := cmds[len(cmds)-1]
	return results, errors.Join(c.db.Commit(b, state.Applied{Index: last.Index, Term: last.Term}), b.Close())
}

func stateOn(t *testing.T, fs vfs.FS) *state.DB {
	t.Helper()
	db, err := state.Open(state.Options{FS: fs, Dir: "state", Logger: slog.New(slog.DiscardHandler), Broken: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func foldOn(t *testing.T, fs vfs.FS) (*fold, *tally) {
	t.Helper()
	c, fault := &tally{db: stateOn(t, fs), fails: 999}, newFault()
	f, err := newFold(c.db, c.apply, fault, watchdog{fault, time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return f, c
}

func commandLog(index uint64, kind uint16, body string) *hraft.Log {
	raw, err := envelope{kind: kind, time: 1000 + index, body: []byte(body)}.encode()
	if err != nil {
		panic(err)
	}
	return &hraft.Log{Index: index, Term: 3, Type: hraft.LogCommand, Data: raw}
}

var membership = hraft.Configuration{Servers: []hraft.Server{{ID: "n1", Address: "n1"}}}

func configLog(index uint64) *hraft.Log {
	return &hraft.Log{Index: index, Term: 3, Type: hraft.LogConfiguration, Data: hraft.EncodeConfiguration(membership)}
}

func TestFoldTranslates(t *testing.T) {
	f, c := foldOn(t, vfs.NewMem())
	out := f.ApplyBatch([]*hraft.Log{
		configLog(1), commandLog(3, commandTermOpen, ""), commandLog(4, 1, "a"), commandLog(5, 2, "b"), configLog(6), commandLog(7, 1, "c"),
	})
	want := []any{nil, nil, "1004:a", "1005:b", nil, "1007:c"}
	for i := range want {
		if out[i] != want[i] {
			t.Fatalf("result %d is %v, want %v", i, out[i], want[i])
		}
	}
	if strings.Join(c.seen, "") != "abc" {
		t.Fatalf("the state machine saw %q", c.seen)
	}
	at := f.db.Applied()
	if at.Index != 7 || at.Term != 3 || at.ConfigIndex != 6 || f.opened.Load() != 3 || f.folded.Load() != 3 {
		t.Fatalf("position %+v, opened %d, folded %d", at, f.opened.Load(), f.folded.Load())
	}
	if _, applied := f.position(); applied != 7 {
		t.Fatalf("the watermark is %d", applied)
	}
}

// TestFoldIgnoresBatches: where a batch begins and ends has no effect.
func TestFoldIgnoresBatches(t *testing.T) {
	logs := []*hraft.Log{configLog(1), commandLog(2, commandTermOpen, "")}
	for i := uint64(3); i < 12; i++ {
		logs = append(logs, commandLog(i, 1, fmt.Sprint(i)))
	}
	logs = append(logs, configLog(12), commandLog(13, 1, "end"))
	var first string
	for size := 1; size <= len(logs); size++ {
		f, c := foldOn(t, vfs.NewMem())
		var results []any
		for rest := logs; len(rest) > 0; {
			n := min(size, len(rest))
			results = append(results, f.ApplyBatch(rest[:n])...)
			rest = rest[n:]
		}
		got := fmt.Sprint(results, c.seen, f.db.Applied())
		if first == "" {
			first = got
		}
		if got != first {
			t.Fatalf("in batches of %d:\n%s\nin batches of 1:\n%s", size, got, first)
		}
	}
}

// TestFoldStopsTheNode: what cannot be folded in stops the node, nothing behind
// it is folded in, and the position stays.
func TestFoldStopsTheNode(t *testing.T) {
	newer := commandLog(4, 1, "newer")
	newer.Data[1] = 2
	short := commandLog(4, 1, "")
	short.Data = short.Data[:5]
	for name, bad := range map[string]*hraft.Log{
		"unknown version": newer, "unknown type": commandLog(4, 999, "x"), "cut short": short, "empty": {Index: 4, Term: 3},
	} {
		f, c := foldOn(t, vfs.NewMem())
		out := f.ApplyBatch([]*hraft.Log{commandLog(2, commandTermOpen, ""), commandLog(3, commandTermOpen, ""), bad, commandLog(5, 1, "behind")})
		if out[2] != errNotFolded || out[3] != errNotFolded {
			t.Errorf("%s: results %v", name, out)
		}
		if err := f.fault.err(); !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "fold in a committed command") {
			t.Errorf("%s: the node goes on: %v", name, err)
		}
		if later := f.ApplyBatch([]*hraft.Log{commandLog(6, 1, "later")}); later[0] != errNotFolded || len(c.seen) != 0 || f.db.Applied().Index != 3 {
			t.Errorf("%s: folded in behind the stop: %v, %v, %+v", name, later, c.seen, f.db.Applied())
		}
	}
}

func TestRestoreIsUnreachable(t *testing.T) {
	f, _ := foldOn(t, vfs.NewMem())
	if err := f.Restore(noBody{}); !errors.Is(err, errRestore) || f.fault.err() == nil {
		t.Fatalf("restored: %v, %v", err, f.fault.err())
	}
}

type noBody struct{}

func (noBody) Read([]byte) (int, error) { return 0, errors.New("read") }
func (noBody) Close() error             { return nil }

func TestSnapshotIsTheStateItself(t *testing.T) {
	fs := vfs.NewCrashableMem()
	f, _ := foldOn(t, fs)
	store := snapshots{f}
	if list, err := store.List(); err != nil || len(list) != 0 {
		t.Fatalf("an empty state lists %v, %v", list, err)
	}
	f.ApplyBatch([]*hraft.Log{configLog(1), commandLog(3, 1, "a")})
	if list, err := store.List(); err != nil || len(list) != 0 {
		t.Fatalf("what is not durable is listed: %v, %v", list, err)
	}
	taken, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	f.ApplyBatch([]*hraft.Log{commandLog(4, 1, "b")})
	// The library is one barrier ahead of the state machine.
	s, err := store.Create(1, 5, 3, membership, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := taken.Persist(s); err != nil {
		t.Fatal(err)
	}
	taken.Release()
	if n, err := s.Write([]byte("x")); n != 0 || !errors.Is(err, errNoBody) {
		t.Fatalf("wrote %d, %v", n, err)
	}
	list, err := store.List()
	if err != nil || len(list) != 1 || list[0].Index != 5 || list[0].Term != 3 || list[0].ConfigurationIndex != 1 || len(list[0].Configuration.Servers) != 1 {
		t.Fatalf("listed %+v, %v", list, err)
	}
	if meta, body, err := store.Open(list[0].ID); err != nil || meta.Index != 5 || body.Close() != nil {
		t.Fatalf("opened %+v, %v", meta, err)
	}
	if _, _, err := store.Open("1-1"); err == nil {
		t.Fatal("opened a snapshot that never was")
	}
	if durable, applied := f.position(); durable != 5 || applied != 5 {
		t.Fatalf("durable %d, applied %d", durable, applied)
	}
	// A power cut leaves exactly that.
	left := stateOn(t, fs.CrashClone(vfs.CrashCloneCfg{}))
	if at := left.Applied(); at.Index != 5 || at.Term != 3 || at.ConfigIndex != 1 {
		t.Fatalf("the cut left %+v", at)
	}
	for _, key := range []string{"a", "b"} {
		if _, closer, err := left.Get([]byte(key)); err != nil {
			t.Fatalf("the cut took %s: %v", key, errors.Join(err, pebble.ErrNotFound))
		} else if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSnapshotNeverGoesBack(t *testing.T) {
	f, _ := foldOn(t, vfs.NewMem())
	f.ApplyBatch([]*hraft.Log{configLog(1), commandLog(3, 1, "a"), configLog(4), commandLog(5, 1, "b")})
	s, err := snapshots{f}.Create(1, 3, 3, membership, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := (persisted{f}).Persist(s); err != nil {
		t.Fatal(err)
	}
	if at := f.db.Applied(); at.Index != 5 || at.ConfigIndex != 4 {
		t.Fatalf("an older snapshot moved the position to %+v", at)
	}
	if err := (persisted{f}).Persist(foreignSink{s}); err == nil {
		t.Fatal("persisted into another store's sink")
	}
}

type foreignSink struct{ hraft.SnapshotSink }

func TestDamagedMembershipIsAnError(t *testing.T) {
	for _, raw := range [][]byte{nil, {0xc1}, []byte("garbage")} {
		if c, err := decodeConfiguration(raw); err == nil && len(c.Servers) > 0 {
			t.Errorf("%x read as %+v", raw, c)
		}
	}
	if _, err := decodeConfiguration(nil); err == nil {
		t.Error("no membership was read as one")
	}
}
