package api

import (
	"context"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger"
	"indelible/ledger/entry"
)

// Limits of a page of devices, and of what is told of each.
const (
	defaultDevices = 100
	maxDevices     = 1000
	maxGaps        = 100
	gapNumbers     = 100_000 // that one call searches, about a second of a core
	gapSearches    = 2       // at once
)

type devices struct{ *Server }

// Enrol implements indeliblev1connect.DevicesServiceHandler.
func (s devices) Enrol(ctx context.Context, in *connect.Request[indeliblev1.EnrolRequest]) (*connect.Response[indeliblev1.EnrolResponse], error) {
	outcomes, err := s.take(ctx, routeEnrol, in.Msg.GetSubmissions(), in.Msg.GetWait())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.EnrolResponse{Outcomes: outcomes}), nil
}

// ChangeState implements indeliblev1connect.DevicesServiceHandler.
func (s devices) ChangeState(ctx context.Context, in *connect.Request[indeliblev1.ChangeStateRequest]) (*connect.Response[indeliblev1.ChangeStateResponse], error) {
	outcome, err := s.takeOne(ctx, routeChangeState, &indeliblev1.Submission{Statement: in.Msg.GetStatement()})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.ChangeStateResponse{Outcome: outcome}), nil
}

// Bind implements indeliblev1connect.DevicesServiceHandler.
func (s devices) Bind(ctx context.Context, in *connect.Request[indeliblev1.BindRequest]) (*connect.Response[indeliblev1.BindResponse], error) {
	outcome, err := s.takeOne(ctx, routeBind, &indeliblev1.Submission{Statement: in.Msg.GetStatement()})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.BindResponse{Outcome: outcome}), nil
}

// Unbind implements indeliblev1connect.DevicesServiceHandler.
func (s devices) Unbind(ctx context.Context, in *connect.Request[indeliblev1.UnbindRequest]) (*connect.Response[indeliblev1.UnbindResponse], error) {
	outcome, err := s.takeOne(ctx, routeUnbind, &indeliblev1.Submission{Statement: in.Msg.GetStatement()})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.UnbindResponse{Outcome: outcome}), nil
}

// GetDevice implements indeliblev1connect.DevicesServiceHandler. A device sees
// itself alone.
func (s devices) GetDevice(ctx context.Context, in *connect.Request[indeliblev1.GetDeviceRequest]) (*connect.Response[indeliblev1.GetDeviceResponse], error) {
	id := entry.AuthorID(in.Msg.GetAuthorId())
	if who := callerOf(ctx); who.Role == entry.RoleDevice && who.ID != id {
		return nil, refuse(CodeCallerForbidden)
	}
	author, ok, err := s.log.Author(id)
	if err != nil {
		return nil, err
	}
	if !ok || author.Role != entry.RoleDevice {
		return nil, refuse(CodeEntryNotFound)
	}
	device, err := s.device(ctx, author, ledger.Place{Boot: in.Msg.GetFromBoot(), Seq: in.Msg.GetFromSeq()}, gapNumbers)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.GetDeviceResponse{Device: device}), nil
}

// ListDevices implements indeliblev1connect.DevicesServiceHandler.
func (s devices) ListDevices(ctx context.Context, in *connect.Request[indeliblev1.ListDevicesRequest]) (*connect.Response[indeliblev1.ListDevicesResponse], error) {
	var after entry.AuthorID
	copy(after[:], in.Msg.GetAfter())
	limit := limitOr(in.Msg.GetLimit(), defaultDevices, maxDevices)
	authors, err := s.log.Devices(after, limit)
	if err != nil {
		return nil, err
	}
	out := &indeliblev1.ListDevicesResponse{}
	for _, author := range authors {
		device, err := s.device(ctx, author, ledger.Place{}, max(2, gapNumbers/len(authors)))
		if err != nil {
			return nil, err
		}
		out.Devices = append(out.Devices, device)
	}
	if len(authors) == limit {
		last := authors[limit-1].ID
		out.Next = last[:]
	}
	return connect.NewResponse(out), nil
}

// device gathers what the log knows of a device key. A search for gaps reads so
// many of its statements, and any device may ask for its own: a few at a time
// leave the node to the others.
func (s *Server) device(ctx context.Context, author *ledger.Author, from ledger.Place, numbers int) (*indeliblev1.Device, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case s.searches <- struct{}{}:
		defer func() { <-s.searches }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	counts, err := s.log.Sent(author.ID)
	if err != nil {
		return nil, err
	}
	gaps, ended, err := s.log.Gaps(ctx, author.ID, from, maxGaps, numbers)
	if err != nil {
		return nil, err
	}
	out := &indeliblev1.Device{
		AuthorId: author.ID[:], Key: author.Key.SPKI(), State: deviceStates[author.State],
		Jurisdictions: author.Jurisdictions, Linkable: author.Linkable, Handle: author.Handle[:], Enrolled: author.Enrolled,
		Equivocations: counts.Equivocations, HighestBoot: counts.HighestBoot,
		GapsTruncated: ended != ledger.Place{}, SearchedBoot: ended.Boot, SearchedSeq: ended.Seq,
	}
	for _, gap := range gaps {
		out.Gaps = append(out.Gaps, &indeliblev1.Gap{
			AfterBoot: gap.After.Boot, AfterSeq: gap.After.Seq, NextBoot: gap.Next.Boot, NextSeq: gap.Next.Seq,
			Index: gap.Index, Missing: gap.Missing, Prev: gap.Prev,
		})
	}
	return out, nil
}

var deviceStates = map[ledger.AuthorState]indeliblev1.DeviceState{
	ledger.AuthorActive:    indeliblev1.DeviceState_DEVICE_STATE_ACTIVE,
	ledger.AuthorSuspended: indeliblev1.DeviceState_DEVICE_STATE_SUSPENDED,
	ledger.AuthorRevoked:   indeliblev1.DeviceState_DEVICE_STATE_REVOKED,
}
