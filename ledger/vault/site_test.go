package vault

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/state"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
	"indelible/proof"
)

const euGroup = "eu"

// site is one node in a process: a real ledger and a real store behind one
// sequencer, which keeps both Raft logs in a file and syncs it before it applies.
// It crashes by being left behind for an image of its file system.
type site struct {
	tb     testing.TB
	world  *ledgertest.World
	fs     vfs.FS
	random *vaulttest.Source

	mu     sync.Mutex // the sequencer
	log    vfs.File
	ledger *ledger.Ledger
	store  *store.Store
	index  map[byte]uint64 // newest index of each group
	policy *proof.Policy

	keyring Provider
	vault   *Vault

	tap     func(Command)                  // hears of every store.Proposal before it is made
	dead    atomic.Bool                    // the power was cut: nobody hears any more; set by whoever syncs
	propose func(c Command) (fault string) // "lost" before, "unknown" after; may be nil

	two        bool // both nodes of the world hold the vault
	otherSigns bool // access entries are signed by the second node of the world
}

const (
	toLedger = 'g'
	toVault  = 'v'
)

var errLost = errors.New("test: the store.Proposal was lost or its outcome is unknown")

// spec is the world of these tests.
func spec(grace, clinical, identity, audit uint64) ledgertest.Spec {
	return ledgertest.Spec{Jurisdictions: []entry.JurisdictionRule{
		{Name: euGroup, Regime: entry.RegimeGDPR, Grace: grace, FloorClinical: clinical, FloorIdentity: identity, FloorAudit: audit},
		{Name: "us", Regime: entry.RegimeHIPAA, Grace: grace},
	}}
}

// newSite founds a log with staff and opens a site on fs.
func newSite(tb testing.TB, seed uint64, fs vfs.FS, s ledgertest.Spec) *site {
	tb.Helper()
	tb.Logf("seed %d", seed)
	w := ledgertest.NewWorldOf(tb, seed, s)
	at := openSite(tb, w, fs, vaulttest.NewSource(seed))
	at.mustAppend(w.Staff()...)
	return at
}

// openSite starts a node on what fs holds.
func openSite(tb testing.TB, w *ledgertest.World, fs vfs.FS, random *vaulttest.Source) *site {
	tb.Helper()
	s := &site{tb: tb, world: w, fs: fs, random: random, index: make(map[byte]uint64)}
	s.policy = w.Policy(tb)
	var err error
	if s.ledger, err = ledger.Open(w.Config(fs, "ledger")); err != nil {
		tb.Fatal(err)
	}
	if s.store, err = store.Open(store.Config{
		State: w.Options(fs, "vault"), Jurisdiction: euGroup, Genesis: w.Body, Policy: s.policy,
	}); err != nil {
		tb.Fatal(err)
	}
	s.replay()
	if s.keyring, err = NewKeyring(fs, "keyring", random); err != nil {
		tb.Fatal(err)
	}
	s.vault = s.newVault(s.keyring)
	return s
}

func (s *site) newVault(p Provider) *Vault { return s.newVaultOf(0, p) }

func (s *site) newVaultOf(which int, p Provider) *Vault {
	v, err := New(Config{
		Author: s.world.Nodes[which].Author.Pub, Log: s.world.Log, Now: s.clock, Rand: s.random, Logger: ledgertest.Quiet(),
	}, s.store, p, s.envOf(which))
	if err != nil {
		s.tb.Fatal(err)
	}
	return v
}

func (s *site) clock() time.Time { return time.UnixMilli(int64(s.world.Now)) }

// close stops the node in order.
func (s *site) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.store.Close(), s.ledger.Close(), s.log.Close()); err != nil {
		s.tb.Fatal(err)
	}
}

// replay reads the log file, drops a torn tail, and applies what the databases
// have not kept.
func (s *site) replay() {
	var kept []byte
	if f, err := s.fs.Open("raft.log"); err == nil {
		if kept, err = io.ReadAll(f); err != nil {
			s.tb.Fatal(err)
		}
		if err := f.Close(); err != nil {
			s.tb.Fatal(err)
		}
	}
	whole := 0
	for {
		group, cmd, rest, ok := parseFrame(kept[whole:])
		if !ok {
			break
		}
		s.index[group] = cmd.Index
		s.apply(group, cmd)
		whole = len(kept) - len(rest)
	}
	s.rewrite(kept[:whole])
}

// rewrite puts the log into a new file, as if the tail had been truncated.
func (s *site) rewrite(kept []byte) {
	f, err := s.fs.Create("raft.new", vfs.WriteCategoryUnspecified)
	if err != nil {
		s.tb.Fatal(err)
	}
	if _, err := f.Write(kept); err != nil {
		s.tb.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		s.tb.Fatal(err)
	}
	if err := s.fs.Rename("raft.new", "raft.log"); err != nil {
		s.tb.Fatal(err)
	}
	d, err := s.fs.OpenDir("")
	if err != nil {
		s.tb.Fatal(err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		s.tb.Fatal(err)
	}
	s.log = f
}

// frame: length4 group1 index8 time8 type2 body, then the length again.
func frame(group byte, c state.Command) []byte {
	n := uint32(1 + 8 + 8 + 2 + len(c.Body))
	b := append(binary.BigEndian.AppendUint32(nil, n), group)
	b = binary.BigEndian.AppendUint64(b, c.Index)
	b = binary.BigEndian.AppendUint64(b, c.Time)
	b = binary.BigEndian.AppendUint16(b, c.Type)
	return binary.BigEndian.AppendUint32(append(b, c.Body...), n)
}

func parseFrame(b []byte) (group byte, c state.Command, rest []byte, ok bool) {
	if len(b) < 4 {
		return 0, c, nil, false
	}
	n := int(binary.BigEndian.Uint32(b))
	if n < 19 || len(b) < 4+n+4 || int(binary.BigEndian.Uint32(b[4+n:])) != n {
		return 0, c, nil, false
	}
	body := b[4 : 4+n : 4+n]
	c = state.Command{
		Index: binary.BigEndian.Uint64(body[1:]), Term: 1, Time: binary.BigEndian.Uint64(body[9:]),
		Type: binary.BigEndian.Uint16(body[17:]), Body: body[19:],
	}
	return body[0], c, b[4+n+4:], true
}

// sequence commits one command: durable in the log, then applied.
func (s *site) sequence(group byte, typ uint16, body []byte) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index[group]++
	c := state.Command{Index: s.index[group], Term: 1, Time: s.world.Now, Type: typ, Body: body}
	if _, err := s.log.Write(frame(group, c)); err != nil {
		s.tb.Fatal(err)
	}
	if err := s.log.Sync(); err != nil {
		s.tb.Fatal(err)
	}
	return s.apply(group, c)
}

func (s *site) apply(group byte, c state.Command) any {
	if group == toLedger {
		out, err := s.ledger.Apply([]state.Command{c})
		if err != nil {
			s.tb.Fatal(err)
		}
		return out[0]
	}
	out, err := s.store.Apply([]state.Command{c})
	if err != nil {
		s.tb.Fatal(err)
	}
	return out[0]
}

// proposeCommand is Env.Propose, with faults.
func (s *site) proposeCommand(ctx context.Context, c Command) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if s.tap != nil && !s.dead.Load() {
		s.tap(c)
	}
	fault := ""
	if s.propose != nil {
		fault = s.propose(c)
	}
	if fault == "lost" {
		return Result{}, errLost
	}
	result := s.sequence(toVault, c.Type, c.Body).(Result)
	if fault == "unknown" {
		return Result{}, errLost
	}
	return result, nil
}

// append orders statements.
func (s *site) append(items ...ledger.Item) []ledger.Outcome {
	body, err := ledger.EncodeAppend(items)
	if err != nil {
		s.tb.Fatal(err)
	}
	return s.sequence(toLedger, ledger.CommandAppend, body).([]ledger.Outcome)
}

// mustAppend orders statements of which none may be refused.
func (s *site) mustAppend(stmts ...*entry.Statement) {
	s.tb.Helper()
	for i, o := range s.append(s.world.Items(stmts...)...) {
		if o.Refusal != nil {
			s.tb.Fatalf("statement %d (%s): %v", i, stmts[i].Kind, error(o.Refusal))
		}
	}
}

// receipt proves an entry as of now.
func (s *site) receipt(id entry.StatementID) *proof.Receipt {
	s.tb.Helper()
	index, ok, err := s.ledger.Find(id)
	if err != nil || !ok {
		s.tb.Fatalf("receipt of a statement that is not logged (%v)", err)
	}
	_, ledgerTime, err := s.ledger.Statement(index)
	if err != nil {
		s.tb.Fatal(err)
	}
	size := s.ledger.Size()
	path, err := s.ledger.Inclusion(index, size)
	if err != nil {
		s.tb.Fatal(err)
	}
	return &proof.Receipt{Index: index, LedgerTime: ledgerTime, Path: path, Checkpoint: s.checkpoint(size)}
}

func (s *site) checkpoint(size uint64) []byte {
	root, err := s.ledger.Root(size)
	if err != nil {
		s.tb.Fatal(err)
	}
	c := proof.Checkpoint{Origin: s.world.Body.Origin, Size: size, Root: root}
	signer, err := proof.NewLogSigner(c.Origin, s.world.LogKey)
	if err != nil {
		s.tb.Fatal(err)
	}
	cosigner, err := proof.NewCosigner(s.world.Nodes[0].Record.Name, s.world.Nodes[0].Cosigner)
	if err != nil {
		s.tb.Fatal(err)
	}
	first, err := signer.Sign(c)
	if err != nil {
		s.tb.Fatal(err)
	}
	second, err := cosigner.Cosign(c, s.world.Now/1000)
	if err != nil {
		s.tb.Fatal(err)
	}
	return proof.SignNote(c, first, second)
}
