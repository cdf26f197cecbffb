package session

import (
	"context"

	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// Resend hands in a statement that was signed before, by the way its kind goes.
// The same bytes are logged once, however often they are sent.
func (s *Session) Resend(ctx context.Context, signed *ingest.Signed) (*Entry, error) {
	statement := signed.Statement
	switch statement.Kind {
	case entry.KindCA, entry.KindPolicy, entry.KindNode, entry.KindBinding:
		return s.Govern(ctx, statement)
	case entry.KindAuthor:
		if statement.Parts == nil {
			return s.Govern(ctx, statement)
		}
		return s.Append(ctx, signed)
	case entry.KindReading, entry.KindCorrection, entry.KindConsent, entry.KindHandle, entry.KindErasure, entry.KindHold:
		return s.Append(ctx, signed)
	}
	return nil, say.Usage("only what clients sign can be appended", "a statement of kind %s is not appended by clients", statement.Kind)
}
