package raft

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// Node orders and replicates for one process: the global group and one group
// per jurisdiction it is placed in. All methods are safe for concurrent use;
// Run is called once, Close after it.
type Node struct {
	cfg      Config
	ledger   *ledger.Ledger
	fault    *fault
	logs     *logStore
	global   *group
	vaults   map[string]*vaultGroup
	appender *appender
	pub      *publisher

	ready    chan struct{} // closed when all groups are led and a checkpoint is published
	stopping chan struct{} // closed when nothing new is taken in

	overloaded atomic.Uint64
	unknown    atomic.Uint64

	mu      sync.Mutex
	ran     bool              // guarded by mu: Run was called
	running bool              // guarded by mu: calls are taken in
	left    []<-chan struct{} // guarded by mu: what Run left behind, each closed when it ends after all
	calls   sync.WaitGroup    // grows only while running
}

// Open opens the Raft log and compares it with the state databases. It starts
// nothing. The vault stores are those of the jurisdictions in cfg.Placement.
func Open(cfg Config, l *ledger.Ledger, vaults map[string]*store.Store) (*Node, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	placed := slices.Compact(slices.Sorted(slices.Values(cfg.Placement)))
	if !slices.Equal(slices.Sorted(maps.Keys(vaults)), placed) {
		return nil, errors.New("raft: the vault stores are not those of Placement")
	}
	n := &Node{
		cfg: cfg, ledger: l, fault: newFault(), vaults: map[string]*vaultGroup{},
		ready: make(chan struct{}), stopping: make(chan struct{}),
	}
	var err error
	if n.logs, err = openLogStore(cfg, n.fault); err != nil {
		return nil, err
	}
	if err := n.fault.shield(func() error { return n.assemble(vaults) }); err != nil {
		if n.fault.err() != nil {
			return nil, err // the log cannot be closed any more
		}
		return nil, errors.Join(err, n.logs.close())
	}
	return n, nil
}

func (n *Node) assemble(vaults map[string]*store.Store) (err error) {
	if n.pub, err = newPublisher(n.cfg, n.ledger, n.logs, n.fault); err != nil {
		return err
	}
	n.global, err = newGroup(n.cfg, n.logs, "", n.ledger.State(), folding(n.ledger.Apply, func() { signal(n.pub.news) }), n.fault)
	if err != nil {
		return err
	}
	n.pub.leads = func() bool { return n.Leads("") }
	n.global.opened = n.pub.wake
	n.appender = &appender{group: n.global, lanes: newLanes(n.cfg.Limits, n.cfg.Rand), fault: n.fault}
	for jurisdiction, store := range vaults {
		g, err := newGroup(n.cfg, n.logs, jurisdiction, store.State(), folding(store.Apply, func() {}), n.fault)
		if err != nil {
			return err
		}
		n.vaults[jurisdiction] = &vaultGroup{group: g, room: room{limits: n.cfg.Limits, rate: rate{rand: n.cfg.Rand}}}
	}
	return nil
}

// Fail stops the node because something beneath it can no longer be trusted,
// for instance a state database that reports corruption (state.Options.Broken).
// From its return on no call is taken in and nothing more is signed. Run returns
// the first such reason.
func (n *Node) Fail(reason error) { n.fault.fail("storage", reason) }

// Ready is closed once every group has a leader that has committed in its term,
// what was published before is confirmed, and a checkpoint is published.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// enter counts a call in, or refuses it because the node does not run.
func (n *Node) enter() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running || n.fault.err() != nil {
		return ErrStopped
	}
	n.calls.Add(1)
	return nil
}

// Append puts statements into the global log, in their order, and returns what
// became of each: an index, or the refusal by which every node judged it. The
// statements of one call may stand in several commands.
//
// An error concerns the call as a whole. Nothing was proposed if it is
// *Overloaded, ErrNotLeader, ErrStopped, ErrTooLarge or an *entry.Refusal; with
// ErrOutcomeUnknown some may have taken effect, and the same bytes may be sent
// again.
func (n *Node) Append(ctx context.Context, items []ledger.Item, lane Lane) ([]ledger.Outcome, error) {
	c := &call{items: items, lane: lane, pending: len(items), done: make(chan struct{})}
	for i := range items {
		if len(items[i].Statement) > entry.MaxStatement {
			return nil, entry.Refuse(entry.CodeTooLarge, "statement %d has %d bytes, at most %d are allowed", i, len(items[i].Statement), entry.MaxStatement)
		}
		c.bytes += items[i].Size()
	}
	if len(items) == 0 {
		return nil, nil
	}
	if lane >= laneCount {
		return nil, fmt.Errorf("raft: lane %d does not exist", lane)
	}
	if err := n.enter(); err != nil {
		return nil, err
	}
	defer n.calls.Done()
	c.out = make([]ledger.Outcome, len(items))
	out, err := n.await(ctx, c)
	n.note(err)
	return out, err
}

func (n *Node) await(ctx context.Context, c *call) ([]ledger.Outcome, error) {
	if err := n.appender.lanes.put(c); err != nil {
		return nil, err
	}
	var reason error
	select {
	case <-c.done:
		return c.result()
	case <-ctx.Done():
		reason = ctx.Err()
	case <-n.fault.over:
		reason = ErrStopped
	}
	if n.appender.lanes.withdraw(c) {
		return nil, reason
	}
	return nil, fmt.Errorf("%w: %w", ErrOutcomeUnknown, reason)
}

func (n *Node) note(err error) {
	var full *Overloaded
	switch {
	case err == nil:
	case errors.As(err, &full):
		n.overloaded.Add(1)
	case errors.Is(err, ErrOutcomeUnknown):
		n.unknown.Add(1)
	}
}

// Tick moves ledger time to now without an entry and returns it, Unix
// milliseconds.
func (n *Node) Tick(ctx context.Context) (uint64, error) {
	if err := n.enter(); err != nil {
		return 0, err
	}
	defer n.calls.Done()
	_, err := n.global.commit(ctx, ledger.CommandAppend, nil, func() {})
	n.note(err)
	if err != nil {
		return 0, err
	}
	return n.ledger.Time(), nil
}

// Propose commits one command to the group of a jurisdiction and returns what
// the vault's Apply answered. For its errors see Append, and ErrUnknownGroup.
func (n *Node) Propose(ctx context.Context, jurisdiction string, c store.Command) (store.Result, error) {
	g, ok := n.vaults[jurisdiction]
	if !ok {
		return store.Result{}, ErrUnknownGroup
	}
	if err := n.enter(); err != nil {
		return store.Result{}, err
	}
	defer n.calls.Done()
	result, err := g.submit(ctx, c)
	n.note(err)
	return result, err
}

// Barrier returns once everything acknowledged before the call, on whatever
// node, is folded in here: reads that follow are linearizable. The empty
// jurisdiction means the global group.
func (n *Node) Barrier(ctx context.Context, jurisdiction string) error {
	g, err := n.groupOf(jurisdiction)
	if err != nil {
		return err
	}
	if err := n.enter(); err != nil {
		return err
	}
	defer n.calls.Done()
	return g.barrier(ctx, n.stopping)
}

// Leads reports whether this node leads the group and has committed in its
// term. It may be deposed the next moment; only what commits counts.
func (n *Node) Leads(jurisdiction string) bool {
	g, err := n.groupOf(jurisdiction)
	if err != nil {
		return false
	}
	_, _, err = g.leading()
	return err == nil
}

func (n *Node) groupOf(jurisdiction string) (*group, error) {
	if jurisdiction == "" {
		return n.global, nil
	}
	g, ok := n.vaults[jurisdiction]
	if !ok {
		return nil, ErrUnknownGroup
	}
	return g.group, nil
}

// Published is the newest published checkpoint, nil before the node is ready.
// Its cosignatures are Ed25519 ones.
func (n *Node) Published() *Published { return n.pub.last.Load() }

// PublishedPQ is the newest published checkpoint that also has ML-DSA-44
// cosignatures, nil before the first.
func (n *Node) PublishedPQ() *Published { return n.pub.lastPQ.Load() }

// Await returns the newest published checkpoint as soon as it covers so many
// entries.
func (n *Node) Await(ctx context.Context, size uint64) (*Published, error) {
	p, err := n.pub.await(ctx, size, n.stopping)
	n.note(err)
	return p, err
}
