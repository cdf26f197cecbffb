package session

import (
	"bytes"
	"errors"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
	"indelible/proof"
)

// Entry is a statement in the log with its verified receipt.
type Entry struct {
	*ingest.Proven
	Index      uint64
	LedgerTime uint64 // Unix milliseconds
	Duplicate  bool   // it was in the log before this call
}

// NotProven is an answer that does not hold against the pinned policy.
func NotProven(err error) *say.Problem {
	p := say.Refused("NOT_PROVEN", "the server's proof does not hold: "+err.Error(),
		"the answer was not believed",
		"keep the files and tell whoever answers for the log: an honest node does not send this")
	p.Err = err
	return p
}

// prove checks a receipt against the statement in hand.
func (s *Session) prove(statement *entry.Statement, receipt []byte) (*Entry, error) {
	r, err := proof.ParseReceipt(receipt)
	if err != nil {
		return nil, NotProven(err)
	}
	proven, err := proof.Verify(s.Policy(), statement, r)
	if err != nil {
		return nil, NotProven(err)
	}
	return &Entry{
		Proven: &ingest.Proven{Statement: statement, Receipt: r},
		Index:  proven.Index, LedgerTime: proven.LedgerTime,
	}, nil
}

var (
	errOtherStatement = errors.New("the logged statement is not the one that was sent")
	errOtherSignature = errors.New("the log holds this statement under another signature, and its author's key is not known here")
	errNoOutcome      = errors.New("the answer has no outcome")
)

// settle turns the outcome of one submitted statement into an Entry, or into
// the refusal it is. author may be nil where its key is not at hand.
func (s *Session) settle(author *entry.PublicKey, sent *entry.Statement, o *indeliblev1.Outcome) (*Entry, error) {
	switch o.GetStatus() {
	case indeliblev1.Outcome_STATUS_ACCEPTED:
		return s.prove(sent, o.GetReceipt())
	case indeliblev1.Outcome_STATUS_DUPLICATE:
		return s.settleDuplicate(author, sent, o)
	case indeliblev1.Outcome_STATUS_REFUSED, indeliblev1.Outcome_STATUS_UNKNOWN:
		return nil, refused(o.GetRefusal(), nil)
	}
	return nil, NotProven(errNoOutcome)
}

// settleDuplicate proves the statement as it stands in the log: the same id,
// perhaps under another valid signature of the same key (FORMATS §1).
func (s *Session) settleDuplicate(author *entry.PublicKey, sent *entry.Statement, o *indeliblev1.Outcome) (*Entry, error) {
	logged := sent
	if raw := o.GetLoggedStatement(); len(raw) > 0 && !bytes.Equal(raw, sent.Bytes()) {
		var err error
		if logged, err = entry.Parse(raw); err != nil {
			return nil, NotProven(err)
		}
		if logged.ID() != sent.ID() {
			return nil, NotProven(errOtherStatement)
		}
		if author == nil {
			return nil, NotProven(errOtherSignature)
		}
		if err := logged.Verify(author); err != nil {
			return nil, NotProven(err)
		}
	}
	e, err := s.prove(logged, o.GetReceipt())
	if err == nil {
		e.Duplicate = true
	}
	return e, err
}

// evidence checks an entry the node wrote on the caller's behalf.
func (s *Session) evidence(e *indeliblev1.Evidence) (*Entry, error) {
	statement, err := entry.Parse(e.GetStatement())
	if err != nil {
		return nil, NotProven(err)
	}
	return s.prove(statement, e.GetReceipt())
}
