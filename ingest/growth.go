package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	proofs "indelible/proof"
)

// ErrSplitView says that the log showed two histories: two checkpoints of one
// size with different roots, both signed as the policy demands. Both are kept in
// the receipt directory as split-view-<size>.txt: bring them to an auditor.
// Nothing leaves the spool.
var ErrSplitView = errors.New("ingest: the log showed two histories")

// seenRoot is a checkpoint found consistent with the others.
type seenRoot struct {
	checkpoint proofs.Checkpoint
	note       []byte
}

// seenLimit is how many of them are remembered, so that receipts of calls that
// overlap need no proof each.
const seenLimit = 32

// grown checks that every checkpoint of a set of outcomes belongs to the one
// history this client and its receipt store have seen.
func (c *Client) grown(ctx context.Context, outcomes []Outcome) error {
	checked := map[string]error{}
	for i := range outcomes {
		p := outcomes[i].Proven
		if p == nil {
			continue
		}
		note := p.Receipt.Checkpoint
		err, done := checked[string(note)]
		if !done {
			err = c.consistent(ctx, note)
			checked[string(note)] = err
		}
		if errors.Is(err, ErrAnswer) {
			c.cfg.Logger.LogAttrs(ctx, slog.LevelError, "no proof that the log only grew", slog.String("error", err.Error()))
			outcomes[i] = Outcome{Doubt: err}
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// consistent checks one checkpoint, whose signatures were verified, against the
// newest one seen.
func (c *Client) consistent(ctx context.Context, note []byte) error {
	checkpoint, err := parseCheckpoint(note)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	known, newest := c.newest(checkpoint)
	if known == nil {
		known = newest
	}
	if known == nil { // the first one is trusted for the signatures on it
		c.remember(checkpoint, note)
		return nil
	}
	if known.checkpoint.Size == checkpoint.Size {
		if known.checkpoint.Root == checkpoint.Root {
			return nil
		}
		return c.splitView(ctx, known.note, note, checkpoint.Size)
	}
	older, newer := known.note, note
	sizes := &indeliblev1.GetConsistencyRequest{OldSize: known.checkpoint.Size, NewSize: checkpoint.Size}
	if known.checkpoint.Size > checkpoint.Size {
		older, newer = newer, older
		sizes.OldSize, sizes.NewSize = sizes.NewSize, sizes.OldSize
	}
	answer, err := call(ctx, c, "", sizes,
		func(n *node) func(context.Context, *connect.Request[indeliblev1.GetConsistencyRequest]) (*connect.Response[indeliblev1.GetConsistencyResponse], error) {
			return n.ledger.GetConsistency
		})
	if err != nil {
		return err
	}
	path := make([]proofs.Hash, len(answer.Path))
	for i, hash := range answer.Path {
		if len(hash) != proofs.HashSize {
			return fmt.Errorf("%w: a proof of growth is malformed", ErrAnswer)
		}
		path[i] = proofs.Hash(hash)
	}
	if err := proofs.VerifyGrowth(c.cfg.Policy, older, newer, path); err != nil {
		return fmt.Errorf("%w: from size %d to %d: %w", ErrAnswer, sizes.OldSize, sizes.NewSize, err)
	}
	c.remember(checkpoint, note)
	return nil
}

// newest finds the remembered checkpoint of the same size, and the largest.
func (c *Client) newest(checkpoint proofs.Checkpoint) (same, largest *seenRoot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	consider := func(s seenRoot) {
		if s.checkpoint.Size == checkpoint.Size {
			same = &s
		}
		if largest == nil || s.checkpoint.Size > largest.checkpoint.Size {
			largest = &s
		}
	}
	if note, stored, ok := c.cfg.Receipts.Newest(); ok {
		consider(seenRoot{stored, note})
	}
	for _, s := range c.seen {
		consider(s)
	}
	return same, largest
}

func (c *Client) remember(checkpoint proofs.Checkpoint, note []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.seen) == seenLimit {
		c.seen = c.seen[1:]
	}
	c.seen = append(c.seen, seenRoot{checkpoint, note})
}

// splitView keeps the evidence and raises the alarm.
func (c *Client) splitView(ctx context.Context, a, b []byte, size uint64) error {
	c.cfg.Logger.LogAttrs(ctx, slog.LevelError, "the log showed two histories", slog.Uint64("size", size))
	return errors.Join(fmt.Errorf("%w at size %d", ErrSplitView, size), c.cfg.Receipts.keepEvidence(size, a, b))
}

// keepEvidence writes two signed notes into one file, durably. Evidence kept
// before is not overwritten.
func (r *Receipts) keepEvidence(size uint64, a, b []byte) error {
	name := fmt.Sprintf("split-view-%d.txt", size)
	if _, err := r.dir.Stat(name); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	content := append(append(append([]byte(nil), a...), '\n'), b...)
	return errors.Join(writeSynced(r.dir, name, content), syncDir(r.dir))
}
