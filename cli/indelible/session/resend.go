package session

import (
	"context"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// Resend hands in a statement that was signed before, by the way its kind goes.
// The same bytes are logged once, however often they are sent.
func (s *Session) Resend(ctx context.Context, signed *ingest.Signed) (*Entry, error) {
	statement := signed.Statement
	switch statement.Kind {
	case entry.KindReading, entry.KindCorrection, entry.KindConsent:
		return s.Append(ctx, signed)
	case entry.KindHandle:
		return s.resendHandle(ctx, signed)
	case entry.KindAuthor:
		if statement.Parts != nil {
			return s.EnrolDevice(ctx, signed)
		}
		return s.Govern(ctx, statement)
	case entry.KindCA, entry.KindPolicy, entry.KindNode:
		return s.Govern(ctx, statement)
	case entry.KindBinding:
		if body, ok := statement.Body.(*entry.BindingChange); ok && body.Action == entry.ActionClose {
			return s.Unbind(ctx, statement)
		}
		return s.Bind(ctx, statement)
	case entry.KindErasure:
		if statement.Parts != nil {
			return s.RequestErasure(ctx, signed)
		}
		return s.ErasureStep(ctx, statement)
	case entry.KindHold:
		if statement.Parts != nil {
			return s.SetHold(ctx, signed)
		}
		return s.ReleaseHold(ctx, statement)
	}
	return nil, say.Usage("only what clients sign can be appended", "a statement of kind %s is not appended by clients", statement.Kind)
}

func (s *Session) resendHandle(ctx context.Context, signed *ingest.Signed) (*Entry, error) {
	body, ok := signed.Statement.Body.(*entry.HandleChange)
	if ok && body.Action == entry.ActionOpen {
		return s.OpenHandle(ctx, signed)
	}
	answer, err := call(ctx, s, signed.Statement.Jurisdiction, s.Subjects.Close, &indeliblev1.CloseRequest{
		Submissions: []*indeliblev1.Submission{submission(signed)},
	})
	if err != nil {
		return nil, err
	}
	return s.only(signed, answer.GetOutcomes())
}
