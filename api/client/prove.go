package client

import (
	"context"
	"errors"
	"fmt"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
	"indelible/proof"
)

// Proven is a statement with a receipt for it. Where this package returns one, it
// has verified it in this process against the pinned policy: Receipt.Index and
// Receipt.LedgerTime (Unix milliseconds) hold.
type Proven struct {
	Statement *entry.Statement // as it stands in the log
	Receipt   *proof.Receipt   // C2SP tlog-proof
}

// Resolve reads a node's outcome from the statement in our own hands: what it calls
// proven has a receipt that verifies. It does not compare checkpoints with each
// other and does not verify a signed refusal; Submit does both.
func Resolve(verifier *proof.Verifier, own *Signed, answer *indeliblev1.Outcome) Outcome {
	id := own.Statement.ID()
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
		if answer.Refusal == nil || string(answer.GetStatementId()) != string(id[:]) {
			return Outcome{Doubt: fmt.Errorf("%w: a refusal of something else", ErrAnswer)}
		}
		return Outcome{Refusal: InOurWords(answer.Refusal)}
	case indeliblev1.Outcome_STATUS_UNKNOWN:
		return Outcome{Doubt: ErrUnknown}
	}
	return Outcome{Doubt: fmt.Errorf("%w: no status", ErrAnswer)}
}

// verify checks a receipt. For a duplicate the log may hold the statement under
// another valid signature: that one is taken if it has the same id, which covers
// all but the signature, and verifies under the same author's key (FORMATS §1).
func verify(verifier *proof.Verifier, own *Signed, answer *indeliblev1.Outcome) (*Proven, error) {
	statement := own.Statement
	if logged := answer.LoggedStatement; len(logged) > 0 && string(logged) != string(statement.Bytes()) {
		twin, err := twinOf(own, logged)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		statement = twin
	}
	receipt, err := proof.ParseReceipt(answer.Receipt)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if _, err := verifier.Verify(statement, receipt); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return &Proven{Statement: statement, Receipt: receipt}, nil
}

func twinOf(own *Signed, logged []byte) (*entry.Statement, error) {
	twin, err := entry.Parse(logged)
	switch {
	case err != nil:
		return nil, errors.New("the logged statement is malformed")
	case twin.ID() != own.Statement.ID():
		return nil, errors.New("the logged statement is another one")
	case own.Author == nil:
		return nil, errors.New("the log holds this statement under another signature, and its author's key is not known here")
	case own.Author.Author() != twin.Author:
		return nil, errors.New("the key given for its author is another one")
	case twin.Verify(own.Author) != nil:
		return nil, errors.New("the logged statement has a wrong signature")
	}
	return twin, nil
}

// prove verifies the receipt of a statement and compares its checkpoint with those
// seen before.
func (c *Client) prove(ctx context.Context, statement *entry.Statement, receipt []byte) (*Proven, error) {
	r, err := proof.ParseReceipt(receipt)
	if err == nil {
		_, err = proof.Verify(c.cfg.Policy, statement, r)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return &Proven{Statement: statement, Receipt: r}, c.consistent(ctx, r.Checkpoint)
}

// proveBytes is prove for a statement that the node has sent.
func (c *Client) proveBytes(ctx context.Context, raw, receipt []byte) (*Proven, error) {
	statement, err := entry.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return c.prove(ctx, statement, receipt)
}

// evidence proves an entry a node wrote on the caller's behalf, and keeps it.
func (c *Client) evidence(ctx context.Context, e *indeliblev1.Evidence) (*Proven, error) {
	p, err := c.proveBytes(ctx, e.GetStatement(), e.GetReceipt())
	if err != nil {
		return nil, err
	}
	return p, c.keep(Outcome{Proven: p})
}
