package raft

import (
	"context"
	"errors"
	"fmt"
	"time"

	"indelible/ledger"
	"indelible/proof"
)

// Reasons for which a member does not vouch for a checkpoint.
var (
	errAhead    = errors.New("raft: that size is not folded in here")
	errDiverged = errors.New("raft: the root recomputed from this node's own store is another one")
	errClock    = errors.New("raft: the clock of this node is off")
)

// claim is what the leader asks each member to vouch for.
type claim struct {
	Checkpoint proof.Checkpoint
	LeaderTime uint64 // the leader's clock when it asked, Unix milliseconds
	PQ         bool   // an ML-DSA-44 cosignature is wanted as well
}

// member is a voter of the global group in its part as cosigner. Today there is
// one, this node; others answer over a peer stream of purpose cosign.
type member struct {
	name string
	// vouch recomputes the root from the member's own store, looks at its own
	// clock, and returns cosignature lines, each from em dash to line feed.
	vouch func(context.Context, claim) (lines []string, err error)
}

type voucher struct {
	name   string
	ledger *ledger.Ledger
	now    func() time.Time
	key    *proof.Cosigner
	pq     *proof.Cosigner
}

// vouch answers a claim. It looks at nothing the leader says about the log:
// size, root and time come from this node's own store.
func (v *voucher) vouch(_ context.Context, c claim) ([]string, error) {
	root, err := v.recompute(c.Checkpoint.Size, c.LeaderTime)
	if err != nil {
		return nil, err
	}
	if root != c.Checkpoint.Root {
		return nil, fmt.Errorf("%w: size %d: ours %s, claimed %s", errDiverged, c.Checkpoint.Size, root, c.Checkpoint.Root)
	}
	return v.cosign(c)
}

// recompute is the root this node's own store has at a size, if its clock and
// the leader's can be trusted: they agree, and ledger time is not in the future.
func (v *voucher) recompute(size, leaderTime uint64) (proof.Hash, error) {
	if have := v.ledger.Size(); size > have {
		return proof.Hash{}, fmt.Errorf("%w: %d of %d", errAhead, have, size)
	}
	own := v.now()
	if off := time.UnixMilli(int64(leaderTime)).Sub(own).Abs(); off > ClockTolerance {
		return proof.Hash{}, fmt.Errorf("%w: %s from the leader's", errClock, off)
	}
	if ahead := time.UnixMilli(int64(v.ledger.Time())).Sub(own); ahead > ClockTolerance {
		return proof.Hash{}, fmt.Errorf("%w: ledger time is %s ahead of it", errClock, ahead)
	}
	return v.ledger.Root(size)
}

func (v *voucher) cosign(c claim) ([]string, error) {
	at := uint64(max(0, v.now().Unix()))
	line, err := v.key.Cosign(c.Checkpoint, at)
	if err != nil || !c.PQ {
		return []string{line}, err
	}
	pq, err := v.pq.Cosign(c.Checkpoint, at)
	return []string{line, pq}, err
}

// extends checks that a checkpoint carries on from one that was published: not
// smaller, and with everything the other had in front. Any two that were
// published are then consistent, because each was checked against the one
// before (P3).
func extends(l *ledger.Ledger, last, next proof.Checkpoint) error {
	path, err := l.Consistency(last.Size, next.Size)
	if err != nil {
		return fmt.Errorf("raft: consistency proof from %d to %d: %w", last.Size, next.Size, err)
	}
	if err := proof.VerifyConsistency(last.Size, next.Size, path, last.Root, next.Root); err != nil {
		return fmt.Errorf("raft: the log does not carry on from the published checkpoint of size %d: %w", last.Size, err)
	}
	return nil
}
