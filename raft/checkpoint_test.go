package raft

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/mldsa"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/ledgertest"
	"indelible/proof"
)

// press is a publisher over a ledger of its own, without groups: it leads.
type press struct {
	*publisher
	world  *ledgertest.World
	ledger *ledger.Ledger
	store  *logStore
	now    time.Time
}

func pressOn(t *testing.T, fs vfs.FS) *press {
	t.Helper()
	key, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), make([]byte, mldsa.PrivateKeySize))
	if err != nil {
		t.Fatal(err)
	}
	w := ledgertest.NewWorldOf(t, 5, ledgertest.Spec{Nodes: []ledgertest.NodeSpec{{MLDSAKey: key.PublicKey().Bytes()}}})
	p := &press{world: w, ledger: w.Open(t, fs, "ledger"), store: logOn(t, fs), now: time.UnixMilli(int64(w.Now))}
	cfg := Config{
		Name: "node-1", Dir: "node", FS: fs, LogKey: w.LogKey, CosignerKey: w.Nodes[0].Cosigner, MLDSAKey: key,
		Now: func() time.Time { return p.now }, Rand: rand.Reader, Logger: slog.New(slog.DiscardHandler), Limits: Limits{}.withDefaults(),
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	p.publisher, err = newPublisher(cfg, p.ledger, p.store, p.store.fault)
	if err != nil {
		t.Fatal(err)
	}
	p.leads = func() bool { return true }
	return p
}

// grow appends people.
func (p *press) grow(t *testing.T) {
	t.Helper()
	p.world.Apply(t, p.ledger, p.world.Staff()...)
}

func TestFirstPublicationIsGenesisAlone(t *testing.T) {
	p := pressOn(t, vfs.NewMem())
	p.grow(t)
	if err := p.restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := p.last.Load().Checkpoint; c.Size != 1 || c.Origin != p.world.Body.Origin {
		t.Fatalf("published %+v first", c)
	}
}

func TestPublishedIsOnDiskAndVerifies(t *testing.T) {
	fs := vfs.NewCrashableMem()
	p := pressOn(t, fs)
	if err := errors.Join(p.recognise(), p.restore(t.Context())); err != nil {
		t.Fatal(err)
	}
	p.grow(t)
	if err := p.publish(t.Context(), p.ledger.Size()); err != nil {
		t.Fatal(err)
	}
	if err := p.publishPQ(t.Context()); err != nil {
		t.Fatal(err)
	}
	nodes := []proof.PolicyNode{{Name: "node-1", Ed25519: p.keys.cosigner, MLDSA: p.keys.mldsa}}
	left := logOn(t, fs.CrashClone(vfs.CrashCloneCfg{}))
	for row, pq := range map[string]bool{rowLatest: false, rowPQ: true} {
		shown := p.last.Load()
		if pq {
			shown = p.lastPQ.Load()
		}
		policy, err := proof.MajorityPolicy(p.world.Log, p.origin, p.keys.log, nodes, pq)
		if err != nil {
			t.Fatal(err)
		}
		v, err := policy.VerifyCheckpoint(shown.Note)
		if err != nil || v.Checkpoint.Size != p.ledger.Size() {
			t.Fatalf("%s: size %d, %v", row, v.Checkpoint.Size, err)
		}
		stored, err := left.loadPublished(row)
		if err != nil || stored == nil || !bytes.Equal(stored.Note, shown.Note) || !stored.At.Equal(shown.At) || stored.Checkpoint != shown.Checkpoint {
			t.Fatalf("%s: on disk is %+v, %v", row, stored, err)
		}
	}
}

// TestRestoreRefuses: a node that finds anything but the log it published stops.
func TestRestoreRefuses(t *testing.T) {
	p := pressOn(t, vfs.NewMem())
	p.grow(t)
	if err := p.restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	root, err := p.ledger.Root(3)
	if err != nil {
		t.Fatal(err)
	}
	other := root
	other[7] ^= 1
	for _, c := range []struct {
		name string
		c    proof.Checkpoint
		text string
	}{
		{"entries are lost", proof.Checkpoint{Origin: p.origin, Size: p.ledger.Size() + 1, Root: root}, "entries are lost"},
		{"another root", proof.Checkpoint{Origin: p.origin, Size: 3, Root: other}, "was published as"},
		{"another log", proof.Checkpoint{Origin: "log.example/other", Size: 3, Root: root}, "other"},
		{"sound", proof.Checkpoint{Origin: p.origin, Size: 3, Root: root}, ""},
	} {
		for _, row := range []string{rowLatest, rowPQ} {
			p.put(t, rowLatest, proof.Checkpoint{Origin: p.origin, Size: 3, Root: root})
			p.put(t, row, c.c)
			p.last.Store(nil)
			err = p.restore(t.Context())
			if c.text == "" && (err != nil || p.last.Load().Checkpoint != c.c) {
				t.Errorf("%s: %v", c.name, err)
			}
			if c.text != "" && (err == nil || !strings.Contains(err.Error(), c.text) || p.last.Load() != nil) {
				t.Errorf("%s in row %s: %v", c.name, row, err)
			}
			if err := p.store.db.Delete(nameKey(nodeGroup, kindCheckpoint, row), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := p.store.db.Delete(nameKey(nodeGroup, kindCheckpoint, rowLatest), nil); err != nil {
		t.Fatal(err)
	}
	p.put(t, rowPQ, proof.Checkpoint{Origin: p.origin, Size: 3, Root: root})
	if err := p.restore(t.Context()); !errors.Is(err, errCheckpointRow) {
		t.Errorf("the newest row is gone: %v", err)
	}
}

// put writes a row as if a checkpoint had been published; any signature will do.
func (p *press) put(t *testing.T, row string, c proof.Checkpoint) {
	t.Helper()
	line, err := p.publisher.log.Sign(proof.Checkpoint{Origin: p.origin, Size: c.Size, Root: c.Root})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.store.storePublished(row, &Published{Checkpoint: c, Note: proof.SignNote(c, line), At: p.now}); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedCheckpointRow(t *testing.T) {
	p := pressOn(t, vfs.NewMem())
	if err := p.restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	sound := p.last.Load().encode()
	for name, row := range map[string][]byte{
		"empty": {}, "version 2": append([]byte{2}, sound[1:]...), "no note": sound[:checkpointHeader],
		"note cut short": sound[:len(sound)-70], "time beyond reason": append([]byte{1, 0xff}, sound[2:]...),
	} {
		if got, err := decodePublished(row); !errors.Is(err, errCheckpointRow) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestClockDecides: with a clock that cannot be trusted nothing is signed.
func TestClockDecides(t *testing.T) {
	p := pressOn(t, vfs.NewMem())
	p.grow(t)
	base := p.now
	for _, c := range []struct {
		off time.Duration
		ok  bool
	}{{0, true}, {-ClockTolerance, true}, {-ClockTolerance - time.Millisecond, false}, {24 * time.Hour, true}} {
		p.now = base.Add(c.off)
		_, err := p.self.recompute(2, uint64(p.now.UnixMilli()))
		if c.ok != (err == nil) || !c.ok && !errors.Is(err, errClock) {
			t.Errorf("clock %s from ledger time: %v", c.off, err)
		}
	}
	p.now = base
	for _, c := range []struct {
		leader time.Duration
		ok     bool
	}{{ClockTolerance, true}, {ClockTolerance + time.Millisecond, false}, {-ClockTolerance, true}, {-ClockTolerance - time.Millisecond, false}} {
		_, err := p.self.recompute(2, uint64(base.Add(c.leader).UnixMilli()))
		if c.ok != (err == nil) {
			t.Errorf("leader's clock %s from ours: %v", c.leader, err)
		}
	}
}

func TestVouchingIsAboutTheOwnStore(t *testing.T) {
	p := pressOn(t, vfs.NewMem())
	p.grow(t)
	at := uint64(p.now.UnixMilli())
	root, err := p.ledger.Root(4)
	if err != nil {
		t.Fatal(err)
	}
	good := claim{Checkpoint: proof.Checkpoint{Origin: p.origin, Size: 4, Root: root}, LeaderTime: at}
	if lines, err := p.self.vouch(t.Context(), good); err != nil || len(lines) != 1 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	forged := good
	forged.Checkpoint.Root[0] ^= 1
	if _, err := p.self.vouch(t.Context(), forged); !errors.Is(err, errDiverged) {
		t.Fatalf("vouched for another root: %v", err)
	}
	ahead := good
	ahead.Checkpoint.Size = p.ledger.Size() + 1
	if _, err := p.self.vouch(t.Context(), ahead); !errors.Is(err, errAhead) {
		t.Fatalf("vouched for entries it does not have: %v", err)
	}
}

// TestPublicationNeverGoesBack: whatever is asked, what is published only grows
// and stays consistent.
func TestPublicationNeverGoesBack(t *testing.T) {
	p := pressOn(t, vfs.NewMem())
	p.grow(t)
	if err := p.publish(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	before := p.last.Load()
	if err := p.publish(t.Context(), 5); err == nil {
		t.Fatal("published a smaller size")
	}
	// As if what was published had been another history.
	lie := *before
	lie.Checkpoint.Root[3] ^= 1
	p.last.Store(&lie)
	if err := p.publish(t.Context(), 8); err == nil || !strings.Contains(err.Error(), "carry on") {
		t.Fatalf("published a fork: %v", err)
	}
	if stored, err := p.store.loadPublished(rowLatest); err != nil || stored.Checkpoint != before.Checkpoint {
		t.Fatalf("the row went to %+v, %v", stored, err)
	}
}

// TestMajority: with others to ask, a majority of all decides, this node's own
// vote among them.
func TestMajority(t *testing.T) {
	yes := func(line string) func(context.Context, claim) ([]string, error) {
		return func(context.Context, claim) ([]string, error) { return []string{line}, nil }
	}
	no := func(context.Context, claim) ([]string, error) { return nil, errDiverged }
	silent := func(ctx context.Context, _ claim) ([]string, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	type vouch = func(context.Context, claim) ([]string, error)
	for _, c := range []struct {
		name  string
		peers []vouch
		ok    bool
		lines int
	}{
		{"alone", nil, true, 0},
		{"two, both", []vouch{yes("b")}, true, 1},
		{"two, one", []vouch{no}, false, 0},
		{"three, all", []vouch{yes("b"), yes("c")}, true, 1},
		{"three, one silent", []vouch{silent, yes("c")}, true, 1},
		{"three, one refuses", []vouch{no, yes("c")}, true, 1},
		{"three, alone", []vouch{no, no}, false, 0},
		{"five, three", []vouch{no, no, yes("d"), yes("e")}, true, 2},
		{"five, two", []vouch{no, no, no, yes("e")}, false, 0},
	} {
		p := pressOn(t, vfs.NewMem())
		for i, v := range c.peers {
			p.peers = append(p.peers, member{name: string(rune('b' + i)), vouch: v})
		}
		lines, err := p.poll(t.Context(), claim{})
		if c.ok != (err == nil) || len(lines) != c.lines {
			t.Errorf("%s: %d lines, %v", c.name, len(lines), err)
		}
		if !c.ok && !(errors.Is(err, errNoMajority) && errors.Is(err, errDiverged)) {
			t.Errorf("%s: %v does not say who refused and why", c.name, err)
		}
	}
	p := pressOn(t, vfs.NewMem())
	p.peers = []member{{"b", silent}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.poll(ctx, claim{}); !errors.Is(err, context.Canceled) {
		t.Errorf("asked on after the end: %v", err)
	}
}

// TestStrangers: a node whose keys are not those in the log does not sign.
func TestStrangers(t *testing.T) {
	p := pressOn(t, vfs.NewMem())
	if err := p.recognise(); err != nil {
		t.Fatal(err)
	}
	sound := p.keys
	for name, change := range map[string]func(){
		"log key":      func() { p.keys.log = sound.cosigner },
		"cosigner key": func() { p.keys.cosigner = sound.log },
		"ML-DSA key":   func() { p.keys.mldsa = slices.Concat(sound.mldsa[:9], []byte{0}, sound.mldsa[10:]) },
		"name":         func() { p.self.name = "node-2" },
	} {
		p.keys, p.self.name = sound, "node-1"
		change()
		if err := p.recognise(); !errors.Is(err, errStranger) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}
