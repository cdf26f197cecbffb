package raft

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	hraft "github.com/hashicorp/raft"

	"indelible/raft/rafttest/powercut"
)

// logOn opens a log store on a file system and closes it with the test.
func logOn(t *testing.T, fs vfs.FS) *logStore {
	t.Helper()
	cfg := Config{Dir: "node", FS: fs, Logger: slog.New(slog.DiscardHandler), LogKey: ed25519.PrivateKey{}, Limits: Limits{}.withDefaults()}
	s, err := openLogStore(cfg, newFault())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func groupOn(t *testing.T, s *logStore, name string) *groupLog {
	t.Helper()
	g, err := s.group(name)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func entries(from, to uint64, term uint64) []*hraft.Log {
	var logs []*hraft.Log
	for i := from; i <= to; i++ {
		logs = append(logs, &hraft.Log{
			Index: i, Term: term, Type: hraft.LogCommand, Data: fmt.Appendf(nil, "entry %d of term %d", i, term),
			AppendedAt: time.Unix(1_700_000_000, int64(i)),
		})
	}
	return logs
}

func mustStore(t *testing.T, g *groupLog, logs []*hraft.Log) {
	t.Helper()
	if err := g.StoreLogs(logs); err != nil {
		t.Fatal(err)
	}
}

// holds checks that the log is exactly the entries from…to, each of its term.
func holds(t *testing.T, g *groupLog, from, to uint64, term func(uint64) uint64) {
	t.Helper()
	first, err1 := g.FirstIndex()
	last, err2 := g.LastIndex()
	if err1 != nil || err2 != nil || first != from || last != to {
		t.Fatalf("bounds are %d to %d (%v, %v), want %d to %d", first, last, err1, err2, from, to)
	}
	for i := from; i <= to && i > 0; i++ {
		var l hraft.Log
		if err := g.GetLog(i, &l); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		want := entries(i, i, term(i))[0]
		if l.Index != i || l.Term != want.Term || l.Type != want.Type || !bytes.Equal(l.Data, want.Data) || !l.AppendedAt.Equal(want.AppendedAt) {
			t.Fatalf("entry %d is %+v, want %+v", i, l, *want)
		}
	}
	for _, i := range []uint64{from - 1, to + 1} {
		if err := g.GetLog(i, new(hraft.Log)); err != hraft.ErrLogNotFound {
			t.Fatalf("entry %d outside: %v", i, err)
		}
	}
}

func always(term uint64) func(uint64) uint64 { return func(uint64) uint64 { return term } }

func TestLogStoreContract(t *testing.T) {
	g := groupOn(t, logOn(t, vfs.NewMem()), GlobalGroup)
	holds(t, g, 0, 0, always(1))
	if !g.IsMonotonic() {
		t.Fatal("the log claims that it may have holes")
	}
	mustStore(t, g, entries(1, 5, 1))
	mustStore(t, g, nil)
	mustStore(t, g, entries(6, 6, 2))
	holds(t, g, 1, 6, func(i uint64) uint64 { return 1 + i/6 })

	extended := &hraft.Log{Index: 7, Term: 2, Type: hraft.LogConfiguration, Data: []byte("d"), Extensions: []byte("ext")}
	mustStore(t, g, []*hraft.Log{extended})
	var l hraft.Log
	for range 2 { // from memory, then from disk
		if err := g.GetLog(7, &l); err != nil || string(l.Data) != "d" || string(l.Extensions) != "ext" || !l.AppendedAt.IsZero() || l.Type != hraft.LogConfiguration {
			t.Fatalf("entry 7 is %+v, %v", l, err)
		}
		g.cached = tail{}
	}
}

func TestLogStoreRefusesHoles(t *testing.T) {
	for name, logs := range map[string][]*hraft.Log{
		"a gap":          entries(7, 8, 1),
		"an overlap":     entries(5, 6, 1),
		"a gap inside":   {entries(6, 6, 1)[0], entries(8, 8, 1)[0]},
		"a repeat":       {entries(6, 6, 1)[0], entries(6, 6, 1)[0]},
		"index 0 at end": {entries(6, 6, 1)[0], {}},
	} {
		g := groupOn(t, logOn(t, vfs.NewMem()), GlobalGroup)
		mustStore(t, g, entries(1, 5, 1))
		if err := g.StoreLogs(logs); !errors.Is(err, errHole) {
			t.Errorf("%s: %v", name, err)
		}
		if err := g.store.fault.err(); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: the node goes on: %v", name, err)
		}
		holds(t, g, 1, 5, always(1))
	}
}

func TestTruncationGate(t *testing.T) {
	type bounds struct{ first, last uint64 }
	for _, c := range []struct {
		name             string
		durable, applied uint64
		from, to         uint64
		want             bounds
		err              error
	}{
		{"compaction within what is durable", 8, 10, 1, 5, bounds{6, 12}, nil},
		{"compaction up to what is durable", 8, 10, 1, 8, bounds{9, 12}, nil},
		{"compaction past what is durable is clamped", 8, 10, 1, 11, bounds{9, 12}, nil},
		{"removal of everything is clamped", 8, 10, 1, 12, bounds{9, 12}, nil},
		{"nothing durable: nothing goes", 0, 10, 1, 5, bounds{1, 12}, nil},
		{"everything durable: the newest stays", 12, 12, 1, 12, bounds{12, 12}, nil},
		{"conflict at the end", 8, 10, 11, 12, bounds{1, 10}, nil},
		{"conflict, end beyond the log", 8, 10, 11, 40, bounds{1, 10}, nil},
		{"conflict below what is applied", 8, 10, 10, 12, bounds{1, 12}, errFolded},
		{"conflict below what is durable", 8, 10, 7, 12, bounds{1, 12}, errHole},
		{"removal of everything, nothing durable", 0, 10, 1, 12, bounds{1, 12}, errFolded},
		{"the middle", 8, 10, 5, 6, bounds{1, 12}, errHole},
		{"outside", 8, 10, 13, 20, bounds{1, 12}, nil},
		{"nothing", 8, 10, 5, 4, bounds{1, 12}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := vfs.NewMem()
			s := logOn(t, fs)
			g := groupOn(t, s, GlobalGroup)
			mustStore(t, g, entries(1, 12, 3))
			g.position = func() (uint64, uint64) { return c.durable, c.applied }
			if err := g.DeleteRange(c.from, c.to); !errors.Is(err, c.err) {
				t.Fatalf("deleted %d to %d: %v, want %v", c.from, c.to, err, c.err)
			}
			if broken := s.fault.err() != nil; broken != (c.err != nil) {
				t.Fatalf("broken: %v", s.fault.err())
			}
			holds(t, g, c.want.first, c.want.last, always(3))
			g.cached = tail{}
			holds(t, g, c.want.first, c.want.last, always(3))
			if g.first > 0 && uint64(len(g.sizes)) != g.last-g.first+1 {
				t.Fatalf("%d sizes for %d to %d", len(g.sizes), g.first, g.last)
			}
		})
	}
}

func TestConflictIsOverwritten(t *testing.T) {
	g := groupOn(t, logOn(t, vfs.NewMem()), GlobalGroup)
	mustStore(t, g, entries(1, 9, 1))
	if err := g.DeleteRange(6, 9); err != nil {
		t.Fatal(err)
	}
	mustStore(t, g, entries(6, 8, 2))
	want := func(i uint64) uint64 {
		if i < 6 {
			return 1
		}
		return 2
	}
	holds(t, g, 1, 8, want)
	g.cached = tail{}
	holds(t, g, 1, 8, want)
}

func TestLogSurvivesReopening(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := logOn(t, fs)
	a, b := groupOn(t, s, GlobalGroup), groupOn(t, s, JurisdictionGroup("eu"))
	mustStore(t, a, entries(1, 20, 1))
	mustStore(t, b, entries(1, 3, 4))
	a.position = func() (uint64, uint64) { return 15, 20 }
	if err := a.DeleteRange(1, 10); err != nil {
		t.Fatal(err)
	}
	if err := a.SetUint64([]byte("CurrentTerm"), 7); err != nil {
		t.Fatal(err)
	}

	s = logOn(t, fs.CrashClone(vfs.CrashCloneCfg{}))
	again := groupOn(t, s, JurisdictionGroup("eu"))
	holds(t, again, 1, 3, always(4))
	a = groupOn(t, s, GlobalGroup)
	holds(t, a, 11, 20, always(1))
	if term, err := a.GetUint64([]byte("CurrentTerm")); err != nil || term != 7 {
		t.Fatalf("term %d, %v", term, err)
	}
	if a.number == again.number || groupOn(t, s, JurisdictionGroup("us")).number <= max(a.number, again.number) {
		t.Fatal("group numbers are not distinct")
	}
	if a.base != (base{generation: 1}) {
		t.Fatalf("base %+v", a.base)
	}
}

func TestLogsOfGroupsAreApart(t *testing.T) {
	s := logOn(t, vfs.NewMem())
	var logs []*groupLog
	for i := range 5 {
		g := groupOn(t, s, fmt.Sprintf("group %d", i))
		mustStore(t, g, entries(1, uint64(10+i), uint64(i+1)))
		if err := g.SetUint64([]byte("CurrentTerm"), uint64(i+1)); err != nil {
			t.Fatal(err)
		}
		logs = append(logs, g)
	}
	logs[2].position = func() (uint64, uint64) { return 99, 99 }
	if err := logs[2].DeleteRange(1, 12); err != nil {
		t.Fatal(err)
	}
	for i, g := range logs {
		if term, err := g.GetUint64([]byte("CurrentTerm")); err != nil || term != uint64(i+1) {
			t.Fatalf("group %d: term %d, %v", i, term, err)
		}
		g.cached = tail{}
		if i == 2 {
			holds(t, g, 12, 12, always(3))
			continue
		}
		holds(t, g, 1, uint64(10+i), always(uint64(i+1)))
	}
}

func TestStableStoreContract(t *testing.T) {
	g := groupOn(t, logOn(t, vfs.NewMem()), GlobalGroup)
	if _, err := g.Get([]byte("CurrentTerm")); err == nil || err.Error() != "not found" {
		t.Fatalf("a miss is %v: the library compares the text", err)
	}
	if _, err := g.GetUint64([]byte("CurrentTerm")); err == nil || err.Error() != "not found" {
		t.Fatalf("a miss is %v: the library compares the text", err)
	}
	exists, err := hraft.HasExistingState(g, g, hraft.NewInmemSnapshotStore())
	if err != nil || exists {
		t.Fatalf("an empty store has state: %v, %v", exists, err)
	}
	if err := g.Set([]byte("k"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	if v, err := g.Get([]byte("k")); err != nil || string(v) != "v" {
		t.Fatalf("%q, %v", v, err)
	}
	writes := g.store.writes.Load()
	if err := g.SetUint64([]byte("CurrentTerm"), 3); err != nil {
		t.Fatal(err)
	}
	if err := g.SetUint64([]byte("CurrentTerm"), 3); err != nil {
		t.Fatal(err)
	}
	if n := g.store.writes.Load() - writes; n != 1 {
		t.Fatalf("%d writes for a term set twice to the same", n)
	}
}

// TestVoteIsAtomic cuts the power at every sync of a vote: whatever is left is a
// term with the candidate voted for in it, never with another's.
func TestVoteIsAtomic(t *testing.T) {
	fs := vfs.NewCrashableMem()
	var images []*vfs.MemFS
	watched := powercut.New(fs, func() { images = append(images, fs.CrashClone(vfs.CrashCloneCfg{})) })
	g := groupOn(t, logOn(t, watched), GlobalGroup)
	votes := map[uint64]string{}
	for term := uint64(1); term <= 6; term++ {
		candidate := fmt.Sprintf("node %d", term%3)
		votes[term] = candidate
		// As the library does, with an image of the gap between the two.
		if err := g.SetUint64([]byte(stableVoteTerm), term); err != nil {
			t.Fatal(err)
		}
		images = append(images, fs.CrashClone(vfs.CrashCloneCfg{}))
		if err := g.Set([]byte(stableVoteCandidate), []byte(candidate)); err != nil {
			t.Fatal(err)
		}
		images = append(images, fs.CrashClone(vfs.CrashCloneCfg{}))
	}
	if len(images) < 18 {
		t.Fatalf("only %d images", len(images))
	}
	newest := uint64(0)
	for i, image := range images {
		left := groupOn(t, logOn(t, image), GlobalGroup)
		term, err := left.GetUint64([]byte(stableVoteTerm))
		candidate, err2 := left.Get([]byte(stableVoteCandidate))
		if err != nil && err2 != nil && newest == 0 {
			continue
		}
		if err != nil || err2 != nil || votes[term] != string(candidate) || term < newest {
			t.Fatalf("image %d: term %d (%v) with candidate %q (%v), after term %d", i, term, err, candidate, err2, newest)
		}
		newest = term
	}
	if newest != 6 {
		t.Fatalf("the last image has term %d", newest)
	}
}

func TestDamagedRowsAreRefused(t *testing.T) {
	s := logOn(t, vfs.NewMem())
	g := groupOn(t, s, GlobalGroup)
	var row bytes.Buffer
	row.Write(make([]byte, entryHeader))
	for name, raw := range map[string][]byte{
		"empty": nil, "short": make([]byte, entryHeader-1), "version 0": make([]byte, entryHeader),
		"extensions beyond the end": append([]byte{1}, bytes.Repeat([]byte{0xff}, entryHeader)...),
	} {
		if err := decodeEntry(raw, 1, new(hraft.Log)); !errors.Is(err, errLogRow) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := decodeBase([]byte{2}); !errors.Is(err, errLogRow) {
		t.Errorf("base: %v", err)
	}
	// An entry that cannot be read ends the asking goroutine and the node.
	if err := s.db.Set(entryKey(g.number, 1), []byte("damaged"), nil); err != nil {
		t.Fatal(err)
	}
	returned := make(chan bool)
	go func() {
		defer close(returned)
		err := g.GetLog(1, new(hraft.Log))
		returned <- err == nil
	}()
	if back, ok := <-returned; ok {
		t.Fatalf("a damaged entry was answered (%v)", back)
	}
	if err := s.fault.err(); err == nil || !strings.Contains(err.Error(), "read the Raft log") {
		t.Fatalf("the node goes on: %v", err)
	}
}

func TestTailIsBoundedInBytes(t *testing.T) {
	var c tail
	const size = 1 << 20
	for i := uint64(1); i <= 20; i++ {
		c.push(&hraft.Log{Index: i}, size)
	}
	if c.bytes != tailBytes || c.get(20) == nil || c.get(12) != nil || c.get(13) == nil || c.get(21) != nil {
		t.Fatalf("%d bytes, first %d, %d entries", c.bytes, c.first, len(c.logs))
	}
	c.forget(18, 20)
	c.forget(1, 14)
	if c.get(14) != nil || c.get(15) == nil || c.get(17) == nil || c.get(18) != nil || c.bytes != 3*size {
		t.Fatalf("%d bytes, first %d, %d entries", c.bytes, c.first, len(c.logs))
	}
	c.push(&hraft.Log{Index: 18}, tailBytes+1)
	if c.get(18) != nil || c.bytes != 0 {
		t.Fatalf("an entry larger than the cache is kept: %d bytes", c.bytes)
	}
}
