package api

import (
	"context"
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/api/wire"
	"indelible/ledger/entry"
	"indelible/ledger/vault"
)

// Register implements indeliblev1connect.SubjectsServiceHandler.
func (s handlers) Register(ctx context.Context, in *connect.Request[indeliblev1.RegisterRequest]) (*connect.Response[indeliblev1.RegisterResponse], error) {
	v, err := s.vault(edge.CallerOf(ctx).Jurisdiction)
	if err != nil {
		return nil, err
	}
	handle, err := v.OpenSubject(ctx, vault.SubjectRequest{
		Request:     entry.RequestID(in.Msg.GetRequestId()),
		Class:       entry.HandleClass(in.Msg.GetClass()),
		Identifiers: in.Msg.GetIdentifiers(),
	})
	if errors.Is(err, &entry.Refusal{Code: entry.CodeAlreadyRegistered}) {
		return nil, s.recordTaken(ctx, v, in.Msg.GetIdentifiers(), err)
	}
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.RegisterResponse{Handle: handle[:]}), nil
}

// recordTaken records a registration that met an identifier already there: it
// says that the person is known here, which without an entry would be a lookup
// that is seen by no one.
func (s *Server) recordTaken(ctx context.Context, v *vault.Vault, identifiers []string, cause error) error {
	a := access{
		rpc: indeliblev1connect.SubjectsServiceRegisterProcedure, action: entry.AccessLookup, purpose: entry.PurposeHOPERAT,
	}
	for _, identifier := range identifiers {
		nonce, err := s.nonce()
		if err != nil {
			return err
		}
		a.fields = append(a.fields, vault.LookupField(nonce, identifier))
	}
	return s.failed(ctx, v, a, cause)
}

// nonce is fresh for each lookup and not kept.
func (s *Server) nonce() (nonce [32]byte, err error) {
	if _, err := io.ReadFull(s.cfg.Rand, nonce[:]); err != nil {
		return nonce, fmt.Errorf("api: draw a nonce: %w", err)
	}
	return nonce, nil
}

// Find implements indeliblev1connect.SubjectsServiceHandler. Its access entry is
// about the accessor's own handle, because whether there is a subject is only
// known afterwards; that nothing was found is an answer, not an error.
func (s handlers) Find(ctx context.Context, in *connect.Request[indeliblev1.FindRequest]) (*connect.Response[indeliblev1.FindResponse], error) {
	who := edge.CallerOf(ctx)
	v, err := s.vault(who.Jurisdiction)
	if err != nil {
		return nil, err
	}
	nonce, err := s.nonce()
	if err != nil {
		return nil, err
	}
	a := access{
		rpc: indeliblev1connect.SubjectsServiceFindProcedure, action: entry.AccessLookup, outcome: entry.OutcomePermit,
		purpose: entry.Purpose(in.Msg.GetPurpose()), fields: []string{vault.LookupField(nonce, in.Msg.GetIdentifier())},
	}
	if !permitted(who, a.action, a.purpose, nil) {
		a.outcome = entry.OutcomeDeny
	}
	r, err := s.record(ctx, v, a)
	if err != nil {
		return nil, err
	}
	if a.outcome == entry.OutcomeDeny {
		return nil, r.denied(wire.Refuse(wire.CodeAccessDenied))
	}
	handle, err := v.Lookup(ctx, r.grant(), vault.Request{
		RPC: a.rpc, Fields: a.fields, Caller: who.ID, Handle: r.staff, Nonce: nonce,
	}, in.Msg.GetIdentifier())
	switch {
	case err == nil:
		return connect.NewResponse(&indeliblev1.FindResponse{Handle: handle[:], Access: r.evidence()}), nil
	case errors.Is(err, &entry.Refusal{Code: entry.CodeUnknownSubject}):
		return connect.NewResponse(&indeliblev1.FindResponse{Access: r.evidence()}), nil
	}
	return nil, s.failed(ctx, v, a, err)
}
