package api

import (
	"context"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/raft"
)

// Status implements indeliblev1connect.ClusterServiceHandler.
func (s handlers) Status(context.Context, *connect.Request[indeliblev1.StatusRequest]) (*connect.Response[indeliblev1.StatusResponse], error) {
	status := s.node.Status()
	out := &indeliblev1.StatusResponse{
		Node: status.Node, Version: s.cfg.Version, Ready: status.Ready,
		Size: s.log.Size(), LedgerTimeMs: s.log.Time(),
		Published: publication(s.node.Published()), PublishedMlDsa: publication(s.node.PublishedPQ()),
	}
	for _, g := range status.Groups {
		out.Groups = append(out.Groups, &indeliblev1.Group{
			Jurisdiction: g.Jurisdiction, Leader: g.Leader, Leading: g.Leading, Term: g.Term,
			Applied: g.Applied, Durable: g.Durable, LogBytes: g.LogBytes, InFlightBytes: uint64(max(g.Bytes, 0)),
		})
	}
	return connect.NewResponse(out), nil
}

func publication(p *raft.Published) *indeliblev1.Publication {
	if p == nil {
		return nil
	}
	return &indeliblev1.Publication{
		Size: p.Checkpoint.Size, Root: p.Checkpoint.Root[:], AtMs: uint64(p.At.UnixMilli()),
	}
}
