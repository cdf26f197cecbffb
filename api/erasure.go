package api

import (
	"context"
	"slices"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger"
	"indelible/ledger/entry"
)

// GetErasure implements indeliblev1connect.ErasureServiceHandler.
func (s handlers) GetErasure(ctx context.Context, in *connect.Request[indeliblev1.GetErasureRequest]) (*connect.Response[indeliblev1.GetErasureResponse], error) {
	erasure, ok, err := s.log.Erasure(entry.StatementID(in.Msg.GetRequest()))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, wire.Refuse(wire.CodeEntryNotFound)
	}
	out := &indeliblev1.GetErasureResponse{
		State: stateOf(erasure), Scope: indeliblev1.ErasureScope(erasure.Scope), Jurisdiction: erasure.Jurisdiction,
	}
	if erasure.Approved != nil {
		out.GraceEndsMs = erasure.Approved.Time + s.grace(erasure.Jurisdiction)
	}
	if out.Nodes, err = s.erasureNodes(erasure); err != nil {
		return nil, err
	}
	out.Certificate, err = s.certificate(ctx, erasure)
	return connect.NewResponse(out), err
}

func stateOf(e *ledger.Erasure) indeliblev1.ErasureState {
	switch {
	case e.Cancelled != nil:
		return indeliblev1.ErasureState_ERASURE_STATE_CANCELLED
	case e.Completed != nil:
		return indeliblev1.ErasureState_ERASURE_STATE_COMPLETE
	case len(e.Executed) > 0:
		return indeliblev1.ErasureState_ERASURE_STATE_EXECUTING
	case e.Approved != nil:
		return indeliblev1.ErasureState_ERASURE_STATE_APPROVED
	}
	return indeliblev1.ErasureState_ERASURE_STATE_REQUESTED
}

// grace is how long an approved erasure waits, milliseconds.
func (s *Server) grace(jurisdiction string) uint64 {
	for _, rule := range s.log.Genesis().Jurisdictions {
		if rule.Name == jurisdiction {
			return rule.Grace
		}
	}
	return 0
}

// erasureNodes tells each node's part, of the nodes placed there now and of
// those that are no longer but took part.
func (s *Server) erasureNodes(e *ledger.Erasure) ([]*indeliblev1.ErasureNode, error) {
	placed, err := s.replica.placed(e.Jurisdiction)
	if err != nil {
		return nil, err
	}
	var out []*indeliblev1.ErasureNode
	seen := make(map[string]bool)
	add := func(name string, author []byte) {
		if !seen[name] {
			seen[name] = true
			out = append(out, &indeliblev1.ErasureNode{
				Name: name, AuthorId: author, Executed: e.HasExecuted(name), DeclaredLost: e.IsLost(name),
			})
		}
	}
	for _, node := range placed {
		author := node.key.Author()
		add(node.name, author[:])
	}
	for _, x := range e.Executed {
		add(x.Node, nil)
	}
	for _, x := range e.Lost {
		add(x.Node, x.NodeKey[:])
	}
	return out, nil
}

// certificate gathers the erasure's entries with their receipts, all under one
// checkpoint, in the order of the log.
func (s *Server) certificate(ctx context.Context, e *ledger.Erasure) ([]*indeliblev1.ErasureEntry, error) {
	steps := map[uint64]indeliblev1.ErasureStep{e.Requested.Index: indeliblev1.ErasureStep_ERASURE_STEP_REQUEST}
	indexes := []uint64{e.Requested.Index}
	add := func(index uint64, step indeliblev1.ErasureStep) {
		steps[index], indexes = step, append(indexes, index)
	}
	for step, at := range map[indeliblev1.ErasureStep]*ledger.Step{
		indeliblev1.ErasureStep_ERASURE_STEP_APPROVE:  e.Approved,
		indeliblev1.ErasureStep_ERASURE_STEP_CANCEL:   e.Cancelled,
		indeliblev1.ErasureStep_ERASURE_STEP_COMPLETE: e.Completed,
	} {
		if at != nil {
			add(at.Index, step)
		}
	}
	for _, x := range e.Executed {
		add(x.Index, indeliblev1.ErasureStep_ERASURE_STEP_EXECUTED)
	}
	for _, x := range e.Lost {
		add(x.Index, indeliblev1.ErasureStep_ERASURE_STEP_LOST)
	}
	slices.Sort(indexes)
	published, err := s.node.Await(ctx, indexes[len(indexes)-1]+1)
	if err != nil {
		return nil, err
	}
	var out []*indeliblev1.ErasureEntry
	for _, index := range indexes {
		statement, time, err := s.log.Statement(index)
		if err != nil {
			return nil, err
		}
		receipt, err := s.replica.prove(index, time, published)
		if err != nil {
			return nil, err
		}
		out = append(out, &indeliblev1.ErasureEntry{Step: steps[index], Entry: &indeliblev1.Evidence{
			Statement: statement.Bytes(), Index: index, LedgerTimeMs: time, Receipt: receipt.Marshal(),
		}})
	}
	return out, nil
}
