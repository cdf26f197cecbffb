package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
	"indelible/proof"
)

// ErrAnswer says that a node's answer does not hold: a receipt that does not
// verify, a statement that is not ours, an outcome for something else, no proof that
// the log only grew. What was sent may be in the log: send the same bytes again.
var ErrAnswer = errors.New("client: the node's answer does not hold")

// ErrUnknown says that a node does not know yet whether it took the statement. Send
// the same bytes again.
var ErrUnknown = errors.New("client: the outcome is unknown")

// Outcome is what became of one statement.
type Outcome struct {
	Proven       *Proven        // in the log, verified and kept; nil otherwise
	Duplicate    bool           // it was there before this call
	Equivocation bool           // another statement stands at its sequence number
	Late         bool           // accepted although its author was revoked
	Refusal      *entry.Refusal // why not, in our words; Retryable says whether trying again makes sense
	Erased       *Refused       // with SUBJECT_ERASED: the node's signed word, verified
	Doubt        error          // ErrAnswer or ErrUnknown: send the same bytes again
}

// Final says that sending again could change nothing: it is proven, or refused for
// good.
func (o Outcome) Final() bool { return o.Proven != nil || o.refused() }

func (o Outcome) refused() bool { return o.Refusal != nil && !o.Refusal.Retryable }

// Err is why the statement is not proven: the refusal or the doubt; nil if it is.
func (o Outcome) Err() error {
	switch {
	case o.Proven != nil:
		return nil
	case o.Refusal != nil:
		return o.Refusal
	}
	return o.Doubt
}

// Append sends one statement, once, and returns it proven. Every other end is an
// error: a *entry.Refusal, ErrAnswer, ErrUnknown, ErrSplitView, a *CallError.
func (c *Client) Append(ctx context.Context, signed *Signed) (Outcome, error) {
	outcomes, err := c.Submit(ctx, []*Signed{signed})
	if err != nil {
		return Outcome{}, err
	}
	return outcomes[0], outcomes[0].Err()
}

// Submit sends statements once, in one call, in this order, and returns an outcome
// for each. All are of one jurisdiction; at most 1,024 and 16 MiB go into a call.
// What an outcome calls proven was verified here, is consistent with every
// checkpoint seen before, and was kept. An error is of the whole call: see
// RetryAfter, and ErrSplitView.
func (c *Client) Submit(ctx context.Context, list []*Signed) ([]Outcome, error) {
	if err := c.cfg.Journal(list); err != nil {
		return nil, err
	}
	return c.submit(ctx, list)
}

func (c *Client) submit(ctx context.Context, list []*Signed) ([]Outcome, error) {
	submissions := make([]*indeliblev1.Submission, len(list))
	for i, s := range list {
		submissions[i] = s.Submission()
	}
	var answers []*indeliblev1.Outcome
	var err error
	if slices.ContainsFunc(list, inJurisdiction) {
		answers, err = c.Send(ctx, list[0].Statement.Jurisdiction, submissions)
	} else {
		answers, err = c.sendOpen(ctx, submissions)
	}
	if err != nil {
		return nil, err
	}
	return c.resolve(ctx, list, answers)
}

// inJurisdiction says that a statement concerns the vault of its jurisdiction and
// goes by Append. All others go to any node by AppendOpen.
func inJurisdiction(s *Signed) bool {
	switch s.Statement.Kind {
	case entry.KindCA, entry.KindPolicy, entry.KindNode, entry.KindBinding:
		return false
	case entry.KindAuthor:
		return s.Statement.Parts != nil // the enrolment of a device key
	}
	return true
}

// Send hands in submissions as they are and returns the node's outcomes as they
// are: nothing is journaled, verified or kept, and the words in them are the node's.
// It is for those who show what is refused, and who verify later (Resolve).
func (c *Client) Send(ctx context.Context, jurisdiction string, submissions []*indeliblev1.Submission) ([]*indeliblev1.Outcome, error) {
	answer, err := call(ctx, c, jurisdiction, &indeliblev1.AppendRequest{Submissions: submissions}, services.Append)
	return answer.GetOutcomes(), err
}

func (c *Client) sendOpen(ctx context.Context, submissions []*indeliblev1.Submission) ([]*indeliblev1.Outcome, error) {
	statements := make([][]byte, len(submissions))
	for i, s := range submissions {
		statements[i] = s.Statement
	}
	answer, err := call(ctx, c, "", &indeliblev1.AppendOpenRequest{Statements: statements}, services.AppendOpen)
	return answer.GetOutcomes(), err
}

// resolve makes outcomes of a node's answer to one call.
func (c *Client) resolve(ctx context.Context, list []*Signed, answers []*indeliblev1.Outcome) ([]Outcome, error) {
	outcomes := make([]Outcome, len(list))
	if len(answers) != len(list) {
		for i := range outcomes {
			outcomes[i].Doubt = fmt.Errorf("%w: %d outcomes for %d statements", ErrAnswer, len(answers), len(list))
		}
		return outcomes, nil
	}
	verifier := proof.NewVerifier(c.cfg.Policy)
	for i, s := range list {
		outcomes[i] = Resolve(verifier, s, answers[i])
		if err := c.readErased(ctx, s, answers[i], &outcomes[i]); err != nil {
			return nil, err
		}
	}
	if err := c.grown(ctx, outcomes); err != nil {
		return nil, err
	}
	if err := errors.Join(c.keep(outcomes...), c.ofCaller(outcomes)); err != nil {
		return nil, err
	}
	return outcomes, nil
}

// ofCaller is the error of a call in which a statement was turned down for who
// handed it in. That says nothing of the statement: with the right credential it may
// be sent again.
func (c *Client) ofCaller(outcomes []Outcome) error {
	for _, o := range outcomes {
		if o.Refusal != nil && (o.Refusal.Code == wire.CodeCallerForbidden || o.Refusal.Code == wire.CodeSignerForbidden) {
			return &CallError{Server: c.cfg.URL, Code: connect.CodePermissionDenied, Refusal: o.Refusal}
		}
	}
	return nil
}

// keep hands on what was proven.
func (c *Client) keep(outcomes ...Outcome) error {
	proven := slices.DeleteFunc(slices.Clone(outcomes), func(o Outcome) bool { return o.Proven == nil })
	if c.cfg.Keep == nil || len(proven) == 0 {
		return nil
	}
	return c.cfg.Keep(proven)
}

// Deliver submits until every statement has a final outcome, one is refused for good
// (what follows may follow from it), or ctx ends; calls are spaced by Backoff. What
// comes after a refused one may have no final outcome. An error is of the whole: the
// calls are refused, or ctx ended; it wraps the newest reason.
func (c *Client) Deliver(ctx context.Context, list []*Signed) ([]Outcome, error) {
	if err := c.cfg.Journal(list); err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(list))
	open := make([]int, len(list))
	for i := range open {
		open[i] = i
	}
	var pause Backoff
	var reason error
	for {
		rest := make([]*Signed, len(open))
		for i, at := range open {
			rest[i] = list[at]
		}
		answers, err := c.submit(ctx, rest)
		asked, again := RetryAfter(err)
		if err != nil && !again {
			return nil, errors.Join(err, reason)
		}
		for i, answer := range answers {
			outcomes[open[i]] = answer
		}
		open = slices.DeleteFunc(open, func(at int) bool { return outcomes[at].Final() })
		if len(open) == 0 || slices.ContainsFunc(outcomes, Outcome.refused) {
			return outcomes, nil
		}
		reason = errors.Join(err, outcomes[open[0]].Err())
		c.repeats(ctx, reason)
		if ended := pause.Wait(ctx, asked); ended != nil {
			return nil, fmt.Errorf("client: %d of %d statements not delivered: %w", len(open), len(list), errors.Join(ended, reason))
		}
	}
}

// Repeat makes a call again and again until it succeeds, fails for good or ctx
// ends. do must be a call that may be made twice.
func (c *Client) Repeat(ctx context.Context, do func() error) error {
	var pause Backoff
	for {
		err := do()
		if err == nil {
			return nil
		}
		asked, again := RetryAfter(err)
		if !again {
			return err
		}
		c.repeats(ctx, err)
		if ended := pause.Wait(ctx, asked); ended != nil {
			return errors.Join(ended, err)
		}
	}
}

// repeats tells an operator why something is sent again.
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

// LastDoubt is why a call was repeated last, nil if none was.
func (c *Client) LastDoubt() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.doubt
}
