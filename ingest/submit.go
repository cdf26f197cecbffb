package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
	proofs "indelible/proof"
)

// Road is the RPC a statement takes.
type Road uint8

// The roads.
const (
	RoadAppend Road = 1 + iota // LedgerService.Append: what belongs to a jurisdiction
	RoadGovern                 // LedgerService.AppendOpen: what has nothing sealed and touches no subject
)

// Outcome is what became of one statement.
type Outcome struct {
	Proven       *Proven        // in the log, verified and stored; nil otherwise
	Duplicate    bool           // it was there before this call
	Equivocation bool           // another statement stands at its sequence number
	Late         bool           // accepted although its author was revoked
	Refusal      *entry.Refusal // why not; Retryable says whether trying again makes sense
	Erased       *Refused       // with SUBJECT_ERASED: the node's signed word, verified
	Doubt        error          // the answer does not hold or the outcome is unknown: send the same bytes again
}

// final says whether sending again could change anything.
func (o Outcome) final() bool {
	return o.Proven != nil || (o.Refusal != nil && !o.Refusal.Retryable)
}

// ErrAnswer says that a node's answer does not hold: a receipt that does not
// verify, a statement that is not ours, an outcome for something else. The
// reading stays in the spool.
var ErrAnswer = errors.New("ingest: the node's answer does not hold")

// ErrUnknown says that a node does not know yet whether it took the statement.
var ErrUnknown = errors.New("ingest: the outcome is unknown")

// Submit sends statements of one jurisdiction once, in one call, and returns an
// outcome for each. What an outcome calls proven was verified here, is consistent
// with every checkpoint seen before, and lies in the receipt store. An error is
// of the whole call: see judge, and ErrSplitView.
func (c *Client) Submit(ctx context.Context, road Road, jurisdiction string, list []*Signed) ([]Outcome, error) {
	answers, err := c.send(ctx, road, jurisdiction, list)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(list))
	if len(answers) != len(list) {
		for i := range outcomes {
			outcomes[i].Doubt = fmt.Errorf("%w: %d outcomes for %d statements", ErrAnswer, len(answers), len(list))
		}
		return outcomes, nil
	}
	verifier := proofs.NewVerifier(c.cfg.Policy)
	for i, s := range list {
		outcomes[i] = read(verifier, s, answers[i])
		if err := c.readErased(ctx, s, answers[i], &outcomes[i]); err != nil {
			return nil, err
		}
	}
	if err := c.grown(ctx, outcomes); err != nil {
		return nil, err
	}
	if err := c.keep(outcomes); err != nil {
		return nil, err
	}
	return outcomes, nil
}

// keep stores receipts, those of duplicates only if they are missing.
func (c *Client) keep(outcomes []Outcome) error {
	var fresh, again []*Proven
	for _, o := range outcomes {
		switch {
		case o.Proven == nil:
		case o.Duplicate:
			again = append(again, o.Proven)
		default:
			fresh = append(fresh, o.Proven)
		}
	}
	missing, err := c.cfg.Receipts.missing(again)
	if err != nil {
		return err
	}
	return c.cfg.Receipts.Add(append(fresh, missing...)...)
}

// Deliver submits until every statement has a final outcome or ctx ends. Outcomes
// are then proven or refused for good.
func (c *Client) Deliver(ctx context.Context, road Road, jurisdiction string, list []*Signed) ([]Outcome, error) {
	return c.deliver(ctx, road, jurisdiction, list, func([]Outcome) bool { return false })
}

// deliver is Deliver that may be ended early, when what is refused for good makes it
// pointless to repeat the rest.
func (c *Client) deliver(ctx context.Context, road Road, jurisdiction string, list []*Signed, enough func([]Outcome) bool) ([]Outcome, error) {
	outcomes := make([]Outcome, len(list))
	open := make([]int, len(list))
	for i := range open {
		open[i] = i
	}
	var pause backoff
	for {
		rest := make([]*Signed, len(open))
		for i, at := range open {
			rest[i] = list[at]
		}
		answers, err := c.Submit(ctx, road, jurisdiction, rest)
		var asked time.Duration
		if err != nil {
			var final error
			if asked, final = judge(err); final != nil {
				return nil, final
			}
			err = fmt.Errorf("%w (%s)", ErrUnreachable, callCode(err))
		}
		var still []int
		for i, at := range open {
			if err == nil {
				outcomes[at] = answers[i]
			}
			if !outcomes[at].final() {
				still = append(still, at)
			}
		}
		if open = still; len(open) == 0 || enough(outcomes) {
			return outcomes, nil
		}
		first := outcomes[open[0]]
		reason := errors.Join(err, first.Doubt)
		if reason == nil && first.Refusal != nil {
			reason = first.Refusal
		}
		c.repeats(ctx, reason)
		if waited := pause.wait(ctx, asked); waited != nil {
			return nil, fmt.Errorf("ingest: %d of %d statements not delivered: %w", len(open), len(list), errors.Join(waited, reason))
		}
	}
}

// repeats tells an operator why something is sent again, in our words.
func (c *Client) repeats(ctx context.Context, reason error) {
	level := slog.LevelWarn
	if errors.Is(reason, ErrAnswer) {
		level = slog.LevelError
	}
	c.cfg.Logger.LogAttrs(ctx, level, "a call is repeated", slog.String("reason", reason.Error()))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubt = reason
}

// lastDoubt is why something was sent again last, nil if nothing was.
func (c *Client) lastDoubt() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.doubt
}

// send makes the call of a road.
func (c *Client) send(ctx context.Context, road Road, jurisdiction string, list []*Signed) ([]*indeliblev1.Outcome, error) {
	submissions := make([]*indeliblev1.Submission, len(list))
	statements := make([][]byte, len(list))
	for i, s := range list {
		statements[i] = s.Statement.Bytes()
		submissions[i] = &indeliblev1.Submission{Statement: statements[i]}
		for _, o := range s.Openings {
			submissions[i].Openings = append(submissions[i].Openings,
				&indeliblev1.Opening{Class: indeliblev1.Class(o.Class), Opening: o.Encoded})
		}
	}
	if road == RoadGovern {
		r, err := call(ctx, c, "", &indeliblev1.AppendOpenRequest{Statements: statements},
			func(n *node) func(context.Context, *connect.Request[indeliblev1.AppendOpenRequest]) (*connect.Response[indeliblev1.AppendOpenResponse], error) {
				return n.ledger.AppendOpen
			})
		return r.GetOutcomes(), err
	}
	r, err := call(ctx, c, jurisdiction, &indeliblev1.AppendRequest{Submissions: submissions},
		func(n *node) func(context.Context, *connect.Request[indeliblev1.AppendRequest]) (*connect.Response[indeliblev1.AppendResponse], error) {
			return n.ledger.Append
		})
	return r.GetOutcomes(), err
}

// read judges one answer from the statement in our own hands.
func read(verifier *proofs.Verifier, own *Signed, answer *indeliblev1.Outcome) Outcome {
	id := own.Statement.ID()
	ours := string(answer.GetStatementId()) == string(id[:])
	switch answer.GetStatus() {
	case indeliblev1.Outcome_STATUS_ACCEPTED, indeliblev1.Outcome_STATUS_DUPLICATE:
		proven, err := verify(verifier, own, answer)
		if err != nil {
			return Outcome{Doubt: err}
		}
		return Outcome{
			Proven:       proven,
			Duplicate:    answer.Status == indeliblev1.Outcome_STATUS_DUPLICATE,
			Equivocation: answer.Equivocation,
			Late:         answer.Late,
		}
	case indeliblev1.Outcome_STATUS_REFUSED:
		if answer.Refusal == nil || !ours {
			return Outcome{Doubt: fmt.Errorf("%w: a refusal of something else", ErrAnswer)}
		}
		return Outcome{Refusal: ownRefusal(answer.Refusal)}
	case indeliblev1.Outcome_STATUS_UNKNOWN:
		return Outcome{Doubt: ErrUnknown}
	}
	return Outcome{Doubt: fmt.Errorf("%w: no status", ErrAnswer)}
}

// readErased completes an outcome SUBJECT_ERASED, which makes the spool destroy
// something and therefore counts only under a node's signature.
func (c *Client) readErased(ctx context.Context, own *Signed, answer *indeliblev1.Outcome, o *Outcome) error {
	if o.Refusal == nil || o.Refusal.Code != entry.CodeSubjectErased {
		return nil
	}
	erased, err := c.signedRefusal(ctx, own.Statement, answer)
	if errors.Is(err, ErrAnswer) {
		*o = Outcome{Doubt: err}
		return nil
	}
	o.Erased = erased
	return err
}

// verify checks a receipt. For a duplicate the log may hold the statement under
// another valid signature: that one is taken if it has the same id, which covers
// all but the signature, and verifies under the same author's key.
func verify(verifier *proofs.Verifier, own *Signed, answer *indeliblev1.Outcome) (*Proven, error) {
	statement := own.Statement
	if logged := answer.LoggedStatement; len(logged) > 0 && string(logged) != string(statement.Bytes()) {
		parsed, err := entry.Parse(logged)
		if err != nil {
			return nil, fmt.Errorf("%w: the logged statement is malformed", ErrAnswer)
		}
		if parsed.ID() != statement.ID() {
			return nil, fmt.Errorf("%w: the logged statement is another one", ErrAnswer)
		}
		if err := parsed.Verify(own.Author); err != nil {
			return nil, fmt.Errorf("%w: the logged statement has a wrong signature", ErrAnswer)
		}
		statement = parsed
	}
	receipt, err := proofs.ParseReceipt(answer.Receipt)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if _, err := verifier.Verify(statement, receipt); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return &Proven{Statement: statement, Receipt: receipt}, nil
}
