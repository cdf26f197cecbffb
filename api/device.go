package api

import (
	"context"
	"encoding/binary"

	"connectrpc.com/connect"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
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

// GetDevice implements indeliblev1connect.DevicesServiceHandler. A device sees
// itself alone.
func (s handlers) GetDevice(ctx context.Context, in *connect.Request[indeliblev1.GetDeviceRequest]) (*connect.Response[indeliblev1.GetDeviceResponse], error) {
	id := entry.AuthorID(in.Msg.GetAuthorId())
	if who := edge.CallerOf(ctx); who.Role == entry.RoleDevice && who.ID != id {
		return nil, wire.Refuse(wire.CodeCallerForbidden)
	}
	author, ok, err := s.log.Author(id)
	if err != nil {
		return nil, err
	}
	if !ok || author.Role != entry.RoleDevice {
		return nil, wire.Refuse(wire.CodeEntryNotFound)
	}
	device, err := s.device(ctx, author, in.Msg.GetPageToken(), gapNumbers)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.GetDeviceResponse{Device: device}), nil
}

// ListDevices implements indeliblev1connect.DevicesServiceHandler.
func (s handlers) ListDevices(ctx context.Context, in *connect.Request[indeliblev1.ListDevicesRequest]) (*connect.Response[indeliblev1.ListDevicesResponse], error) {
	pages, err := pagesOf("", in.Msg)
	if err != nil {
		return nil, err
	}
	after, err := pages.place(in.Msg.GetPageToken(), len(entry.AuthorID{}))
	if err != nil {
		return nil, err
	}
	limit := limitOr(in.Msg.GetLimit(), defaultDevices, maxDevices)
	authors, err := s.log.Devices(entry.AuthorID(after), limit)
	if err != nil {
		return nil, err
	}
	out := &indeliblev1.ListDevicesResponse{}
	for _, author := range authors {
		device, err := s.device(ctx, author, nil, max(2, gapNumbers/len(authors)))
		if err != nil {
			return nil, err
		}
		out.Devices = append(out.Devices, device)
	}
	if len(authors) == limit {
		last := authors[limit-1].ID
		out.NextPageToken = pages.token(last[:]...)
	}
	return connect.NewResponse(out), nil
}

// device gathers what the log knows of a device key. A search for gaps reads so
// many of its statements, and any device may ask for its own: a few at a time
// leave the node to the others.
func (s *Server) device(ctx context.Context, author *ledger.Author, token []byte, numbers int) (*indeliblev1.Device, error) {
	// The pages of the search are those of GetDevice, whichever RPC began it.
	pages, err := pagesOf("", &indeliblev1.GetDeviceRequest{AuthorId: author.ID[:]})
	if err != nil {
		return nil, err
	}
	place, err := pages.place(token, 16)
	if err != nil {
		return nil, err
	}
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
	from := ledger.Place{Boot: binary.BigEndian.Uint64(place), Seq: binary.BigEndian.Uint64(place[8:])}
	gaps, ended, err := s.log.Gaps(ctx, author.ID, from, maxGaps, numbers)
	if err != nil {
		return nil, err
	}
	out := &indeliblev1.Device{
		AuthorId: author.ID[:], Key: author.Key.SPKI(), State: deviceStates[author.State],
		Jurisdictions: author.Jurisdictions, Linkable: author.Linkable, Handle: author.Handle[:], Enrolled: author.Enrolled,
		Equivocations: counts.Equivocations, HighestBoot: counts.HighestBoot,
	}
	if ended != (ledger.Place{}) {
		out.NextPageToken = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(pages.token(), ended.Boot), ended.Seq)
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
