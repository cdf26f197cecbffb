package raft

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	hraft "github.com/hashicorp/raft"

	"indelible/ledger/state"
)

// GlobalGroup is the name of the group that replicates the ledger.
const GlobalGroup = "global"

// JurisdictionGroup is the name of the group that replicates the vault of a
// jurisdiction. It cannot meet GlobalGroup's: a jurisdiction has no slash.
func JurisdictionGroup(jurisdiction string) string { return "vault/" + jurisdiction }

// Timing and sizes of a group (decision 0027).
const (
	heartbeatTimeout  = 2 * time.Second
	leaderLease       = time.Second
	commitTimeout     = 250 * time.Millisecond
	enqueueTimeout    = 2 * time.Second
	snapshotInterval  = 30 * time.Second
	snapshotThreshold = 1024 // entries
	maxAppendEntries  = 32   // per message, per write and per fold: 32 MiB at most

	// What stays in the log behind a snapshot, for members that lag a little.
	// A sole member has none to wait for, hence Limits.TrailingBytes.
	trailingLeast = 8
	trailingMost  = 4096
	trailingBytes = 1 << 30
)

// group is one Raft group on this node.
type group struct {
	jurisdiction string // empty for the global group
	name         string
	node         string
	log          *groupLog
	fold         *fold
	fault        *fault
	logger       *slog.Logger
	limits       Limits

	raft     atomic.Pointer[hraft.Raft] // set once by start
	notify   chan bool                  // the library reports leadership here
	won      chan struct{}              // leadership was won; holds one
	open     chan struct{}              // closed at the first TermOpen of this process
	openOnce sync.Once
	opened   func() // told of each term opened; set before start
	verifier verifier
	barriers atomic.Uint64

	proposing sync.Mutex    // commands are stamped and handed over one at a time
	stamp     func() uint64 // leader times
	commands  atomic.Uint64 // handed over
	flights   sync.WaitGroup

	snapshotAt atomic.Uint64 // logStore bytes of this group at the last snapshot
	full       chan struct{} // the log has grown by Limits.SnapshotBytes; holds one
	snapshots  atomic.Uint64
}

func newGroup(cfg Config, logs *logStore, jurisdiction string, db *state.DB, apply applier, f *fault) (*group, error) {
	s := &stamper{now: cfg.Now}
	g := &group{
		jurisdiction: jurisdiction, name: GlobalGroup, node: cfg.Name, fault: f, logger: cfg.Logger, limits: cfg.Limits, stamp: s.stamp, opened: func() {},
		notify: make(chan bool, 1), won: make(chan struct{}, 1), open: make(chan struct{}), full: make(chan struct{}, 1),
	}
	if jurisdiction != "" {
		g.name = JurisdictionGroup(jurisdiction)
	}
	var err error
	if g.log, err = logs.group(g.name); err != nil {
		return nil, err
	}
	if g.fold, err = newFold(db, apply, f, logs.watchdog); err != nil {
		return nil, err
	}
	g.fold.flushedHook = g.flushed
	g.log.position = g.fold.position
	g.log.grown = g.grew
	return g, g.check()
}

// check compares log and state before anything runs. The log must reach back
// to what the state has on disk and must not end before it; and where both know
// an index, they must agree on its term, for an index alone is no identity.
func (g *group) check() error {
	first, last := g.log.bounds()
	durable := *g.fold.flushed.Load()
	if last == 0 {
		first, last = g.log.base.index+1, g.log.base.index
	}
	switch {
	case durable.Index+1 < first:
		return fmt.Errorf("raft: the log of group %s begins at %d, its state ends at %d: entries are missing, seed this node again", g.name, first, durable.Index)
	case last < durable.Index:
		return fmt.Errorf("raft: the log of group %s ends at %d, its state is at %d: the log was lost or belongs to another state", g.name, last, durable.Index)
	case durable.Index < first || durable.Index == 0:
		return nil
	}
	var at hraft.Log
	found, err := g.log.read(durable.Index, &at)
	if err != nil {
		return fmt.Errorf("raft: group %s: entry %d: %w", g.name, durable.Index, err)
	}
	if !found || at.Term != durable.Term {
		return fmt.Errorf("raft: group %s: entry %d has term %d in the log and %d in the state", g.name, durable.Index, at.Term, durable.Term)
	}
	return nil
}

func (g *group) config() *hraft.Config {
	return &hraft.Config{
		ProtocolVersion: hraft.ProtocolVersionMax,
		// One millisecond more than meant: lowering it is what makes the library
		// look at its timer at once, see standAtOnce.
		HeartbeatTimeout:         heartbeatTimeout + time.Millisecond,
		ElectionTimeout:          heartbeatTimeout + time.Millisecond,
		LeaderLeaseTimeout:       leaderLease,
		CommitTimeout:            commitTimeout,
		MaxAppendEntries:         maxAppendEntries,
		BatchApplyCh:             true,
		TrailingLogs:             trailingMost,
		SnapshotInterval:         snapshotInterval,
		SnapshotThreshold:        snapshotThreshold,
		LocalID:                  hraft.ServerID(g.node),
		NotifyCh:                 g.notify,
		Logger:                   libraryLog{to: g.logger, name: g.name},
		NoSnapshotRestoreOnStart: true,
		NoLegacyTelemetry:        true,
	}
}

// start founds the group on this node alone if it does not exist yet, and
// starts it.
func (g *group) start() error {
	conf, store, transport := g.config(), snapshots{g.fold}, newSole(g.node)
	if g.unfounded() {
		founding := hraft.Configuration{Servers: []hraft.Server{{
			Suffrage: hraft.Voter, ID: conf.LocalID, Address: transport.LocalAddr(),
		}}}
		if err := g.log.found(founding); err != nil {
			return fmt.Errorf("raft: found group %s: %w", g.name, err)
		}
	}
	r, err := hraft.NewRaft(conf, g.fold, g.log, g.log, store, transport)
	if err != nil {
		return fmt.Errorf("raft: start group %s: %w", g.name, err)
	}
	g.raft.Store(r)
	return g.standAtOnce(r)
}

// unfounded reports whether this group has never existed here.
func (g *group) unfounded() bool {
	_, last := g.log.bounds()
	return last == 0 && g.log.base.index == 0 && g.fold.flushed.Load().Index == 0
}

// standAtOnce lets a sole voter stand for election at once instead of waiting out a
// heartbeat timeout for a leader that cannot exist.
func (g *group) standAtOnce(r *hraft.Raft) error {
	if !g.sole(r) {
		return nil
	}
	rc := r.ReloadableConfig()
	rc.HeartbeatTimeout, rc.ElectionTimeout = heartbeatTimeout, heartbeatTimeout
	if err := r.ReloadConfig(rc); err != nil {
		return fmt.Errorf("raft: group %s: %w", g.name, err)
	}
	return nil
}

func (g *group) sole(r *hraft.Raft) bool {
	for _, s := range r.GetConfiguration().Configuration().Servers {
		if s.Suffrage == hraft.Voter && s.ID != hraft.ServerID(g.node) {
			return false
		}
	}
	return true
}

// follow takes leadership news from the library for as long as the instance
// lives. It does nothing else and never calls the library: its main loop waits
// for this channel (decision 0025).
func (g *group) follow(stop <-chan struct{}) {
	for {
		select {
		case won := <-g.notify:
			if won {
				signal(g.won)
			}
		case <-stop:
			return
		}
	}
}

// signal leaves a note in a channel that holds one; a second says nothing new.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// heard waits for a note, or the closing of a channel; false means ctx ended.
func heard(ctx context.Context, ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	case <-ctx.Done():
		return false
	}
}

// pause waits for so long; false means ctx ended before.
func pause(ctx context.Context, long time.Duration) bool {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// openTerms commits a TermOpen in each term this node leads. Only then does it
// know everything former leaders committed (decision 0024).
func (g *group) openTerms(ctx context.Context) {
	for heard(ctx, g.won) {
		for ctx.Err() == nil && g.raft.Load().State() == hraft.Leader {
			if err := g.openTerm(); err == nil {
				g.opened()
				g.openOnce.Do(func() { close(g.open) })
				break
			} else {
				g.logger.LogAttrs(ctx, slog.LevelDebug, "term not opened", slog.String("group", g.name), slog.String("reason", err.Error()))
			}
		}
	}
}

func (g *group) openTerm() error {
	future, err := g.propose(commandTermOpen, nil)
	if err != nil {
		return err
	}
	_, err = g.resolve(future)
	return err
}

// grew notes that the log has so many bytes more; from time to time that calls
// for a snapshot, so that a busy log is truncated in time.
func (g *group) grew(total uint64) {
	if total-g.snapshotAt.Load() >= uint64(g.limits.SnapshotBytes) {
		signal(g.full)
	}
}

func (g *group) compact(ctx context.Context) {
	for heard(ctx, g.full) {
		err := g.raft.Load().Snapshot().Error()
		if err != nil && !errors.Is(err, hraft.ErrNothingNewToSnapshot) && ctx.Err() == nil {
			g.logger.LogAttrs(ctx, slog.LevelWarn, "no snapshot taken", slog.String("group", g.name), slog.String("reason", err.Error()))
		}
	}
}

// flushed runs when state was made durable and before the library truncates: it
// fits the number of entries kept into the bytes allowed.
func (g *group) flushed() error {
	g.snapshots.Add(1)
	g.snapshotAt.Store(g.log.written.Load())
	r := g.raft.Load()
	if r == nil {
		return nil
	}
	budget := uint64(trailingBytes)
	if g.sole(r) {
		budget = uint64(g.limits.TrailingBytes)
	}
	rc := r.ReloadableConfig()
	rc.TrailingLogs = min(trailingMost, max(trailingLeast, g.log.trailing(budget)))
	return r.ReloadConfig(rc)
}

// leader is the name of the leading node, empty while there is none.
func (g *group) leader() string {
	r := g.raft.Load()
	if r == nil {
		return ""
	}
	_, id := r.LeaderWithID()
	return string(id)
}

// leading returns the library's instance if this node leads and has committed
// in its term, with that term.
func (g *group) leading() (*hraft.Raft, uint64, error) {
	r := g.raft.Load()
	if r == nil || r.State() != hraft.Leader {
		return nil, 0, &NotLeaderError{Leader: g.leader()}
	}
	term := r.CurrentTerm()
	if g.fold.opened.Load() != term {
		return nil, 0, &NotLeaderError{}
	}
	return r, term, nil
}
