package keytree

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"indelible/ledger/vault/store"
)

// ErrLivingKey says that a rekey lost a living key, kept a condemned one, or did
// not refresh what it had to. Both roots are in place; the node must stop, and
// an operator must look.
var ErrLivingKey = errors.New("vault: a rekey did not carry every living key over")

// GiveVerdict gives this node's verdict on a rekey that has none from it yet. It
// reports whether it did something.
func (t *Tree) GiveVerdict(ctx context.Context) (bool, error) {
	var c *store.Verdict
	err := t.cfg.Store.Snapshot(func(s store.View) error {
		top, err := s.Top()
		if err != nil || top == nil {
			return err
		}
		old, err := s.OldTop()
		if err != nil || old == nil {
			return err
		}
		said, err := s.HasVerdict(top.Root, t.cfg.Self)
		if err != nil || said {
			return err
		}
		fault := t.compare(s, old, top)
		if fault != nil && !errors.Is(fault, ErrLivingKey) && !errors.Is(fault, ErrNode) {
			return fault // not a verdict: the provider or the disk did not answer
		}
		c = &store.Verdict{Version: top.Root, Author: t.cfg.Self, OK: fault == nil}
		return nil
	})
	if err != nil || c == nil {
		return false, err
	}
	if c.Signature, err = t.cfg.Attest(c.Message(t.group())); err != nil {
		return false, fmt.Errorf("vault: sign a verdict: %w", err)
	}
	_, err = t.cfg.Propose(ctx, c)
	return true, store.UnlessOutdated(err)
}

// compare is the living-keys check: with both root versions at hand it opens
// what a rekey replaced and what stands now, and demands that every child that
// lives is the same, every leaf taken out is gone, and every node on the path to
// one has a fresh key.
func (t *Tree) compare(s store.View, old, now *store.Top) error {
	places, err := s.OldPlaces()
	if err != nil {
		return err
	}
	leaves, err := s.OldLeaves()
	if err != nil {
		return err
	}
	before, err := t.openBranch(old, places, s.OldNode)
	if err != nil {
		return fmt.Errorf("before the rekey: %w", err)
	}
	defer before.wipe()
	if before.keys[old.Place()] == (Key{}) {
		return fmt.Errorf("%w: no key at the top", ErrLivingKey)
	}
	for _, at := range places {
		own, after, err := t.openDown(s, now, at)
		if err != nil {
			return fmt.Errorf("after the rekey: %w", err)
		}
		same := *own == before.keys[at]
		own.wipe()
		if same {
			return fmt.Errorf("%w: node %d/%d kept its key", ErrLivingKey, at.Level, at.Position)
		}
		err = before.compare(at, after, leaves)
		after.wipe()
		if err != nil {
			return err
		}
	}
	return nil
}

// compare looks at the children of one node. A child that was absent before may
// be there now: a block was minted since.
func (b *branch) compare(at store.Place, now *node, leaves []uint64) error {
	for i, was := range b.nodes[at] {
		child := at.Child(i)
		fresh := b.nodes[child] != nil
		gone := false
		if child.Level == 0 {
			_, gone = slices.BinarySearch(leaves, child.Position)
		}
		switch {
		case gone && !now[i].isZero():
			return fmt.Errorf("%w: an erased key is still in the tree", ErrLivingKey)
		case gone, was.isZero():
		case fresh && (now[i].isZero() || now[i] == was):
			return fmt.Errorf("%w: a node on an erased path was not refreshed", ErrLivingKey)
		case !fresh && now[i] != was:
			return fmt.Errorf("%w: a living key changed", ErrLivingKey)
		}
	}
	return nil
}

// Broken returns ErrLivingKey if a member found the current root version broken:
// the node must stop with both roots in place.
func (t *Tree) Broken() error {
	now := t.cfg.Store.View()
	top, err := now.Top()
	if err != nil || top == nil {
		return err
	}
	_, broken, err := now.Verdicts(top.Root)
	if err == nil && broken > 0 {
		err = fmt.Errorf("%w: %d members", ErrLivingKey, broken)
	}
	return err
}
