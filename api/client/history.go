package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
	"indelible/proof"
)

// ErrSplitView says that the log showed two histories: two checkpoints of one
// size with different roots, both signed as the policy demands. Both were given to
// the History's evidence function: bring them to an auditor.
var ErrSplitView = errors.New("client: the log showed two histories")

// seenLimit is how many checkpoints are remembered, so that receipts of calls that
// overlap need no proof each.
const seenLimit = 32

// behindPatience is how long a node that is behind another one is waited for.
const behindPatience = 2 * time.Second

// History is the one history of a log that this process has seen: the checkpoints
// that were found consistent with each other, the largest always among them. The
// zero value begins with nothing, so that the first checkpoint is taken for the
// signatures on it. Safe for concurrent use.
type History struct {
	evidence func(size uint64, a, b []byte) error

	mu   sync.Mutex
	seen []checkpoint // ascending by size
}

// checkpoint is one as it was read and as it was signed.
type checkpoint struct {
	proof.Checkpoint
	note []byte
}

// NewHistory goes on from the largest checkpoint kept from former processes, a
// signed note; nil begins with nothing. evidence makes two contradicting notes of
// one size durable; nil keeps none.
func NewHistory(newest []byte, evidence func(size uint64, a, b []byte) error) (*History, error) {
	h := &History{evidence: evidence}
	if newest != nil {
		first, err := readCheckpoint(newest)
		if err != nil {
			return nil, fmt.Errorf("client: the newest checkpoint: %w", err)
		}
		h.seen = []checkpoint{first}
	}
	return h, nil
}

func readCheckpoint(note []byte) (checkpoint, error) {
	text, _, err := proof.ParseNote(note)
	if err != nil {
		return checkpoint{}, err
	}
	parsed, err := proof.ParseCheckpoint(text)
	return checkpoint{parsed, note}, err
}

// comparable is what a checkpoint of a size must fit to: the one of the same size,
// if one was seen, else the largest, whose history all others are part of.
func (h *History) comparable(size uint64) *checkpoint {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.comparableLocked(size)
}

func (h *History) comparableLocked(size uint64) *checkpoint {
	var at *checkpoint
	for i := range h.seen {
		if at = &h.seen[i]; at.Size == size {
			break
		}
	}
	if at == nil {
		return nil
	}
	found := *at
	return &found
}

// admit remembers a checkpoint that fits to known, if that still is what it must
// fit to; otherwise it returns what is.
func (h *History) admit(this checkpoint, known *checkpoint) (now *checkpoint, admitted bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now = h.comparableLocked(this.Size)
	if (now == nil) != (known == nil) || now != nil && now.Checkpoint != known.Checkpoint {
		return now, false
	}
	h.seen = append(h.seen, this)
	slices.SortFunc(h.seen, func(a, b checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	if len(h.seen) > seenLimit {
		h.seen = slices.Delete(h.seen, 0, 1)
	}
	return nil, true
}

// grown checks that every checkpoint of a set of outcomes belongs to the one
// history.
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
	this, err := readCheckpoint(note)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	known := c.history.comparable(this.Size)
	for {
		switch {
		case known == nil: // the first one is trusted for the signatures on it
		case known.Checkpoint == this.Checkpoint:
			return nil
		case known.Size == this.Size:
			return c.splitView(ctx, *known, this)
		default:
			if _, err := c.grewFrom(ctx, *known, this); err != nil {
				return err
			}
		}
		// Another call may have been told another history meanwhile, also grown from
		// what was known before: then this one must fit to that.
		now, admitted := c.history.admit(this, known)
		if admitted {
			return nil
		}
		known = now
	}
}

// splitView keeps the evidence and raises the alarm.
func (c *Client) splitView(ctx context.Context, a, b checkpoint) error {
	c.cfg.Logger.LogAttrs(ctx, slog.LevelError, "the log showed two histories", slog.Uint64("size", a.Size))
	err := fmt.Errorf("%w at size %d", ErrSplitView, a.Size)
	if c.history.evidence == nil {
		return err
	}
	return errors.Join(err, c.history.evidence(a.Size, a.note, b.note))
}

// grewFrom has a node prove that the larger of two checkpoints extends the other.
func (c *Client) grewFrom(ctx context.Context, older, newer checkpoint) ([]proof.Hash, error) {
	if older.Size > newer.Size {
		older, newer = newer, older
	}
	answer, err := c.consistency(ctx, &indeliblev1.GetConsistencyRequest{OldSize: older.Size, NewSize: newer.Size})
	if err != nil {
		return nil, err
	}
	path := make([]proof.Hash, len(answer.GetPath()))
	for i, hash := range answer.GetPath() {
		if len(hash) != proof.HashSize {
			return nil, fmt.Errorf("%w: a proof of growth is malformed", ErrAnswer)
		}
		path[i] = proof.Hash(hash)
	}
	if err := proof.VerifyGrowth(c.cfg.Policy, older.note, newer.note, path); err != nil {
		return nil, fmt.Errorf("%w: from size %d to %d: %w", ErrAnswer, older.Size, newer.Size, err)
	}
	return path, nil
}

// errBehind is what a node says that has not published a checkpoint of the size it
// is asked about. Another one may have.
var errBehind = &entry.Refusal{Code: wire.CodeSizeBeyondLog}

// consistency asks the configured node, and waits a moment for it: the checkpoint may
// be of another node, which is ahead.
func (c *Client) consistency(ctx context.Context, sizes *indeliblev1.GetConsistencyRequest) (*indeliblev1.GetConsistencyResponse, error) {
	moment, cancel := context.WithTimeout(ctx, behindPatience)
	defer cancel()
	for pause := (Backoff{}); ; {
		answer, err := call(ctx, c, "", sizes, services.GetConsistency)
		if !errors.Is(err, errBehind) || pause.Wait(moment, 0) != nil {
			return answer, err
		}
	}
}
