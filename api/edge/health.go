package edge

import (
	"context"
	"slices"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	"indelible/api/wire"
)

// health answers health checks.
type health struct {
	ready    func() bool
	services []string
}

// Check implements grpchealth.Checker.
func (h *health) Check(_ context.Context, in *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if in.Service != "" && !slices.Contains(h.services, in.Service) {
		return nil, connect.NewError(connect.CodeNotFound, wire.Refuse(wire.CodeUnknownRPC))
	}
	if !h.ready() {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}
