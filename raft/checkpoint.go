package raft

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"indelible/ledger"
	"indelible/proof"
)

// retryVotes is how soon members are asked again after a majority was missing.
const retryVotes = 250 * time.Millisecond

// errNoMajority means that too few members vouched; what is published stays.
var errNoMajority = errors.New("raft: no majority of members vouched for the checkpoint")

// publisher signs and publishes checkpoints of the global group's log while
// this node leads it (DESIGN §5). One publication runs at a time and the
// next begins when the last is done, so under load each covers more entries.
type publisher struct {
	ledger *ledger.Ledger
	rows   *logStore
	origin string
	log    *proof.LogSigner
	keys   publicKeys
	self   voucher
	peers  []member // the other members
	now    func() time.Time
	fault  *fault
	logger *slog.Logger
	leads  func() bool // whether this node leads and has committed in its term

	news     chan struct{} // the log grew, or a vote may be tried again; holds one
	pqNews   chan struct{} // a checkpoint was published; holds one
	last     atomic.Pointer[Published]
	lastPQ   atomic.Pointer[Published]
	size     *watermark // of last
	waiting  atomic.Int64
	most     int // waiters
	count    atomic.Uint64
	countPQ  atomic.Uint64
	restored chan struct{} // closed when what was published before is confirmed
}

func newPublisher(cfg Config, l *ledger.Ledger, rows *logStore, f *fault) (*publisher, error) {
	origin := l.Genesis().Origin
	log, err := proof.NewLogSigner(origin, cfg.LogKey)
	if err != nil {
		return nil, fmt.Errorf("raft: log key: %w", err)
	}
	key, err := proof.NewCosigner(cfg.Name, cfg.CosignerKey)
	if err != nil {
		return nil, fmt.Errorf("raft: cosigner key: %w", err)
	}
	pq, err := proof.NewMLDSACosigner(cfg.Name, cfg.MLDSAKey)
	if err != nil {
		return nil, fmt.Errorf("raft: ML-DSA-44 cosigner key: %w", err)
	}
	return &publisher{
		ledger: l, rows: rows, origin: origin, log: log, now: cfg.Now, fault: f, logger: cfg.Logger,
		keys: publicOf(cfg),
		self: voucher{ledger: l, now: cfg.Now, key: key, pq: pq, name: cfg.Name},
		news: make(chan struct{}, 1), pqNews: make(chan struct{}, 1), size: newWatermark(0),
		most: cfg.Limits.Waiters, restored: make(chan struct{}),
	}, nil
}

// wake looks again at whether there is something to publish, after this node
// came to lead.
func (p *publisher) wake() {
	signal(p.news)
	signal(p.pqNews)
}

// run publishes until ctx ends. It returns early only when the node is broken.
func (p *publisher) run(ctx context.Context) {
	if err := p.recognise(); err != nil {
		p.fault.fail("recognise the node's keys", err)
		return
	}
	if err := p.restore(ctx); err != nil {
		p.fault.fail("confirm what was published", err)
		return
	}
	close(p.restored)
	for heard(ctx, p.news) {
		if !p.leads() || p.ledger.Size() <= p.last.Load().Checkpoint.Size {
			continue
		}
		if !p.advance(ctx) {
			return
		}
	}
}

func (p *publisher) advance(ctx context.Context) bool {
	err := p.publish(ctx, p.ledger.Size())
	switch {
	case err == nil:
		return true
	case errors.Is(err, errNoMajority):
		p.logger.LogAttrs(ctx, slog.LevelWarn, "no checkpoint published", slog.String("reason", err.Error()))
		if pause(ctx, retryVotes) {
			signal(p.news)
		}
		return true
	case ctx.Err() != nil:
		return false
	}
	p.fault.fail("publish a checkpoint", err)
	return false
}

// restore takes up what was published before, if the log has all of it with
// the same root; it has been replayed by now. On a log never published, the
// genesis alone comes first.
func (p *publisher) restore(ctx context.Context) error {
	last, err := p.rows.loadPublished(rowLatest)
	if err != nil {
		return err
	}
	pq, err := p.rows.loadPublished(rowPQ)
	if err != nil {
		return err
	}
	if last == nil && pq != nil {
		return fmt.Errorf("%w: the newest is missing", errCheckpointRow)
	}
	if last == nil {
		return p.publish(ctx, 1)
	}
	for _, was := range []*Published{last, pq} {
		if was == nil {
			continue
		}
		if err := p.confirm(was); err != nil {
			return err
		}
	}
	if pq != nil {
		p.lastPQ.Store(pq)
	}
	p.show(last)
	signal(p.news)
	return nil
}

func (p *publisher) confirm(was *Published) error {
	c := was.Checkpoint
	if c.Origin != p.origin {
		return fmt.Errorf("raft: the published checkpoint is of log %q, this one is %q", c.Origin, p.origin)
	}
	if have := p.ledger.Size(); have < c.Size {
		return fmt.Errorf("raft: a checkpoint of %d entries was published, the log has %d: entries are lost", c.Size, have)
	}
	root, err := p.ledger.Root(c.Size)
	if err != nil {
		return err
	}
	if root != c.Root {
		return fmt.Errorf("%w: at size %d it was published as %s and is now %s", errDiverged, c.Size, c.Root, root)
	}
	return nil
}

// publish makes one checkpoint: own root, growth from the last, votes, log
// signature, row, and only then the world.
func (p *publisher) publish(ctx context.Context, size uint64) error {
	now := p.now()
	c := claim{Checkpoint: proof.Checkpoint{Origin: p.origin, Size: size}, LeaderTime: uint64(max(0, now.UnixMilli()))}
	var err error
	if c.Checkpoint.Root, err = p.self.recompute(size, c.LeaderTime); err != nil {
		return err
	}
	if last := p.last.Load(); last != nil {
		if err := extends(p.ledger, last.Checkpoint, c.Checkpoint); err != nil {
			return err
		}
	}
	next, err := p.sign(ctx, c, now)
	if err != nil {
		return err
	}
	if err := p.rows.storePublished(rowLatest, next); err != nil {
		return err
	}
	p.count.Add(1)
	p.show(next)
	return nil
}

// sign gathers a majority of votes, this node's among them, and puts the log's
// signature in front. A node that is about to stop because it cannot trust what
// it reads signs nothing, however long the stop takes.
func (p *publisher) sign(ctx context.Context, c claim, now time.Time) (*Published, error) {
	if err := p.fault.err(); err != nil {
		return nil, err
	}
	line, err := p.log.Sign(c.Checkpoint)
	if err != nil {
		return nil, err
	}
	own, err := p.self.cosign(c)
	if err != nil {
		return nil, err
	}
	others, err := p.poll(ctx, c)
	if err != nil {
		return nil, err
	}
	lines := append(append([]string{line}, own...), others...)
	return &Published{Checkpoint: c.Checkpoint, Note: proof.SignNote(c.Checkpoint, lines...), At: now.Truncate(time.Millisecond)}, nil
}

// poll asks the other members at once and returns when a majority, counting
// this node, has vouched, or cannot any more.
func (p *publisher) poll(ctx context.Context, c claim) ([]string, error) {
	type vote struct {
		name  string
		lines []string
		err   error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	votes := make(chan vote, len(p.peers))
	for _, m := range p.peers {
		go func() {
			lines, err := m.vouch(ctx, c)
			votes <- vote{m.name, lines, err}
		}()
	}
	need := (len(p.peers) + 1) / 2 // with this node, which has vouched, a majority
	var lines []string
	var refusals []error
	for answered := 0; need > 0 && answered < len(p.peers); answered++ {
		select {
		case v := <-votes:
			if v.err != nil {
				refusals = append(refusals, fmt.Errorf("%s: %w", v.name, v.err))
				continue
			}
			lines = append(lines, v.lines...)
			need--
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if need > 0 {
		return nil, errors.Join(append([]error{errNoMajority}, refusals...)...)
	}
	return lines, nil
}

func (p *publisher) show(next *Published) {
	p.last.Store(next)
	p.size.raise(next.Checkpoint.Size)
	signal(p.pqNews)
}

// runPQ gives published checkpoints ML-DSA-44 cosignatures: the first news at
// once, then at most one per PQInterval, because one costs up to two
// milliseconds of a processor. Nothing ticks while there is no news.
func (p *publisher) runPQ(ctx context.Context) {
	for heard(ctx, p.pqNews) {
		if err := p.publishPQ(ctx); err != nil && ctx.Err() == nil {
			if !errors.Is(err, errNoMajority) {
				p.fault.fail("publish a checkpoint with ML-DSA-44 cosignatures", err)
				return
			}
			signal(p.pqNews)
		}
		pause(ctx, PQInterval)
	}
}

// publishPQ asks for cosignatures over what is published already: nothing new
// is promised by them.
func (p *publisher) publishPQ(ctx context.Context) error {
	last := p.last.Load()
	if pq := p.lastPQ.Load(); last == nil || !p.leads() || pq != nil && pq.Checkpoint.Size >= last.Checkpoint.Size {
		return nil
	}
	now := p.now()
	c := claim{Checkpoint: last.Checkpoint, LeaderTime: uint64(max(0, now.UnixMilli())), PQ: true}
	next, err := p.sign(ctx, c, now)
	if err != nil {
		return err
	}
	if err := p.rows.storePublished(rowPQ, next); err != nil {
		return err
	}
	p.countPQ.Add(1)
	p.lastPQ.Store(next)
	return nil
}

func (p *publisher) await(ctx context.Context, size uint64, stop <-chan struct{}) (*Published, error) {
	if p.waiting.Add(1) > int64(p.most) {
		p.waiting.Add(-1)
		return nil, &Overloaded{RetryAfter: retryLeast}
	}
	defer p.waiting.Add(-1)
	if err := p.size.wait(ctx, size, stop); err != nil {
		return nil, err
	}
	return p.last.Load(), nil
}
