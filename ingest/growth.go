package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

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
// history seen so far, until nothing has come in between.
func (c *Client) consistent(ctx context.Context, note []byte) error {
	checkpoint, err := parseCheckpoint(note)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	this := seenRoot{checkpoint, note}
	known := c.cfg.Receipts.comparable(checkpoint)
	for {
		switch {
		case known == nil: // the first one is trusted for the signatures on it
		case known.checkpoint == checkpoint:
			return nil
		case known.checkpoint.Size == checkpoint.Size:
			return c.splitView(ctx, known.note, note, checkpoint.Size)
		default:
			if err := c.grewFrom(ctx, *known, this); err != nil {
				return err
			}
		}
		// Another call may have been told another history meanwhile, also grown from
		// what was known before: then this one must fit to that.
		now, admitted := c.cfg.Receipts.admit(this, known)
		if admitted {
			return nil
		}
		known = now
	}
}

// grewFrom has a node prove that the larger of two checkpoints extends the other.
func (c *Client) grewFrom(ctx context.Context, older, newer seenRoot) error {
	if older.checkpoint.Size > newer.checkpoint.Size {
		older, newer = newer, older
	}
	sizes := &indeliblev1.GetConsistencyRequest{OldSize: older.checkpoint.Size, NewSize: newer.checkpoint.Size}
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
	if err := proofs.VerifyGrowth(c.cfg.Policy, older.note, newer.note, path); err != nil {
		return fmt.Errorf("%w: from size %d to %d: %w", ErrAnswer, sizes.OldSize, sizes.NewSize, err)
	}
	return nil
}

// comparable is what a checkpoint must fit to: the one of the same size, if one was
// seen, else the largest, whose history all others are part of.
func (r *Receipts) comparable(checkpoint proofs.Checkpoint) *seenRoot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.comparableLocked(checkpoint)
}

func (r *Receipts) comparableLocked(checkpoint proofs.Checkpoint) *seenRoot {
	var same, largest *seenRoot
	consider := func(s seenRoot) {
		if s.checkpoint.Size == checkpoint.Size {
			same = &s
		}
		if largest == nil || s.checkpoint.Size > largest.checkpoint.Size {
			largest = &s
		}
	}
	if r.note != nil {
		consider(seenRoot{r.checkpoint, r.note})
	}
	for _, s := range r.seen {
		consider(s)
	}
	if same != nil {
		return same
	}
	return largest
}

// admit remembers a checkpoint that fits to known, if that still is what it must
// fit to; otherwise it returns what is.
func (r *Receipts) admit(this seenRoot, known *seenRoot) (now *seenRoot, admitted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now = r.comparableLocked(this.checkpoint)
	if (now == nil) != (known == nil) || (now != nil && now.checkpoint != known.checkpoint) {
		return now, false
	}
	bySize := func(a, b seenRoot) int { return cmp.Compare(a.checkpoint.Size, b.checkpoint.Size) }
	r.seen = append(r.seen, this)
	slices.SortFunc(r.seen, bySize)
	if len(r.seen) > seenLimit {
		r.seen = slices.Delete(r.seen, 0, 1)
	}
	return nil, true
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
