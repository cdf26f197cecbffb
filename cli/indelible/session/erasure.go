package session

import (
	"context"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// SignErasure signs the request to erase the person behind the handles, with
// the opening that names them. The opening is part of the erasure certificate:
// keep it.
func (s *Session) SignErasure(jurisdiction string, scope entry.Scope, handles []entry.Handle) (*ingest.Signed, error) {
	content, err := entry.HandleList(handles).EncodeContent()
	if err != nil {
		return nil, say.Local(err, "the handles cannot be listed", "give each handle once")
	}
	return s.signSeries(entry.KindErasure, jurisdiction, &entry.Erasure{Step: entry.StepRequest, Scope: scope}, content)
}

// signSeries signs a statement whose sealed part, of class series, lists handles.
func (s *Session) signSeries(kind entry.Kind, jurisdiction string, body entry.Body, content []byte) (*ingest.Signed, error) {
	return s.signSealed(sealed{kind: kind, jurisdiction: jurisdiction, class: entry.ClassSeries, content: content, body: body})
}

// SignErasureStep signs a later step (approve, cancel, lost) of an erasure.
func (s *Session) SignErasureStep(jurisdiction string, step entry.ErasureStep, requested entry.StatementID, node entry.AuthorID) (*entry.Statement, error) {
	body := &entry.Erasure{Step: step, Request: requested}
	if step == entry.StepLost {
		body.Node = node
	}
	d, err := s.draft(entry.KindErasure, jurisdiction, body)
	if err != nil {
		return nil, err
	}
	return s.sign(d)
}

// RequestErasure hands in a signed request.
func (s *Session) RequestErasure(ctx context.Context, signed *ingest.Signed) (*Entry, error) {
	return s.Append(ctx, signed)
}

// ErasureStep hands in a signed approval, cancellation or declaration of loss.
func (s *Session) ErasureStep(ctx context.Context, statement *entry.Statement) (*Entry, error) {
	return s.Append(ctx, &ingest.Signed{Statement: statement, Author: s.key})
}

// SignHold signs a hold on records of the given class of the person behind the
// handles.
func (s *Session) SignHold(jurisdiction string, handles []entry.Handle, class entry.Class) (*ingest.Signed, error) {
	content, err := (&entry.HoldTarget{Handles: handles, Class: class}).EncodeContent()
	if err != nil {
		return nil, say.Local(err, "the hold cannot be written down", "give each handle once")
	}
	return s.signSeries(entry.KindHold, jurisdiction, &entry.Hold{Action: entry.HoldSet}, content)
}

// SetHold hands in a signed hold.
func (s *Session) SetHold(ctx context.Context, signed *ingest.Signed) (*Entry, error) {
	return s.Append(ctx, signed)
}

// SignRelease signs the release of a hold; it counts once another officer has
// confirmed it.
func (s *Session) SignRelease(jurisdiction string, set entry.StatementID) (*entry.Statement, error) {
	d, err := s.draft(entry.KindHold, jurisdiction, &entry.Hold{Action: entry.HoldRelease, Set: set})
	if err != nil {
		return nil, err
	}
	return s.sign(d)
}

// ReleaseHold hands in a release or the confirmation of one.
func (s *Session) ReleaseHold(ctx context.Context, statement *entry.Statement) (*Entry, error) {
	return s.Append(ctx, &ingest.Signed{Statement: statement, Author: s.key})
}

func submission(signed *ingest.Signed) *indeliblev1.Submission {
	out := &indeliblev1.Submission{Statement: signed.Statement.Bytes()}
	for _, o := range signed.Openings {
		out.Openings = append(out.Openings, &indeliblev1.Opening{Class: indeliblev1.Class(o.Class), Opening: o.Encoded})
	}
	return out
}
