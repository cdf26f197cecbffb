package session

import (
	"context"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ingest"
)

// Submit hands in one statement as it is and returns what the node says of it.
// The answer is not checked: it is for those who show what is refused.
func (s *Session) Submit(ctx context.Context, jurisdiction string, one *indeliblev1.Submission) (*indeliblev1.Outcome, error) {
	answer, err := call(ctx, s, jurisdiction, s.Ledger.Append, &indeliblev1.AppendRequest{
		Submissions: []*indeliblev1.Submission{one},
	})
	if err != nil {
		return nil, err
	}
	if len(answer.GetOutcomes()) != 1 {
		return nil, NotProven(errNoOutcome)
	}
	return answer.GetOutcomes()[0], nil
}

// Append hands in one signed statement and proves what the log holds of it.
func (s *Session) Append(ctx context.Context, signed *ingest.Signed) (*Entry, error) {
	outcome, err := s.Submit(ctx, signed.Statement.Jurisdiction, submission(signed))
	if err != nil {
		return nil, err
	}
	return s.settle(signed.Author, signed.Statement, outcome)
}
