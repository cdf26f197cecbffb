package api

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/raft"
)

// Limits of a page of entries.
const (
	defaultEntries = 100
	maxEntries     = 1000
	maxEntryBytes  = 8 << 20 // leaves of one answer; the rest comes with the next page
)

// Append implements indeliblev1connect.LedgerServiceHandler.
func (s handlers) Append(ctx context.Context, in *connect.Request[indeliblev1.AppendRequest]) (*connect.Response[indeliblev1.AppendResponse], error) {
	outcomes, err := s.take(ctx, false, in.Msg.GetSubmissions(), in.Msg.GetWait())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.AppendResponse{Outcomes: outcomes}), nil
}

// AppendOpen implements indeliblev1connect.LedgerServiceHandler.
func (s handlers) AppendOpen(ctx context.Context, in *connect.Request[indeliblev1.AppendOpenRequest]) (*connect.Response[indeliblev1.AppendOpenResponse], error) {
	submissions := make([]*indeliblev1.Submission, len(in.Msg.GetStatements()))
	for i, statement := range in.Msg.GetStatements() {
		submissions[i] = &indeliblev1.Submission{Statement: statement}
	}
	outcomes, err := s.take(ctx, true, submissions, in.Msg.GetWait())
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.AppendOpenResponse{Outcomes: outcomes}), nil
}

// GetReceipt implements indeliblev1connect.LedgerServiceHandler.
func (s handlers) GetReceipt(ctx context.Context, in *connect.Request[indeliblev1.GetReceiptRequest]) (*connect.Response[indeliblev1.GetReceiptResponse], error) {
	index, err := s.locate(in.Msg)
	if err != nil {
		return nil, err
	}
	size := max(in.Msg.GetMinSize(), index+1)
	if size > s.log.Size() {
		return nil, wire.Refuse(wire.CodeSizeBeyondLog)
	}
	published, err := s.covering(ctx, size, in.Msg.GetCosignatures())
	if err != nil {
		return nil, err
	}
	leaf, err := s.log.Leaf(index)
	if err != nil {
		return nil, err
	}
	time, _, err := entry.ParseLeaf(leaf)
	if err != nil {
		return nil, fmt.Errorf("api: read entry %d: %w", index, err)
	}
	receipt, err := s.replica.prove(index, time, published)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.GetReceiptResponse{
		Receipt: receipt.Marshal(), Index: index, LedgerTimeMs: time, Size: published.Checkpoint.Size,
	}), nil
}

// covering is a published checkpoint of at least this size with the asked-for
// cosignatures. Those of ML-DSA-44 are not waited for: they come each second.
func (s *Server) covering(ctx context.Context, size uint64, with indeliblev1.Cosignatures) (*raft.Published, error) {
	if with != indeliblev1.Cosignatures_COSIGNATURES_ML_DSA_44 {
		return s.node.Await(ctx, size)
	}
	published := s.node.PublishedPQ()
	if published == nil || published.Checkpoint.Size < size {
		return nil, wire.Refuse(wire.CodeSizeBeyondLog)
	}
	return published, nil
}

// named is a request that names an entry by statement id or by index.
type named interface {
	GetStatementId() []byte
	GetIndex() uint64
}

// locate finds the index of the entry a request names.
func (s *Server) locate(in named) (uint64, error) {
	index := in.GetIndex()
	if id := in.GetStatementId(); len(id) > 0 {
		found, ok, err := s.log.Find(entry.StatementID(id))
		if err != nil {
			return 0, err
		}
		if !ok {
			return 0, wire.Refuse(wire.CodeEntryNotFound)
		}
		index = found
	}
	if index >= s.log.Size() {
		return 0, wire.Refuse(wire.CodeEntryNotFound)
	}
	return index, nil
}

// GetEntry implements indeliblev1connect.LedgerServiceHandler.
func (s handlers) GetEntry(_ context.Context, in *connect.Request[indeliblev1.GetEntryRequest]) (*connect.Response[indeliblev1.GetEntryResponse], error) {
	index, err := s.locate(in.Msg)
	if err != nil {
		return nil, err
	}
	leaf, err := s.log.Leaf(index)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&indeliblev1.GetEntryResponse{Entry: &indeliblev1.Entry{Index: index, Leaf: leaf}}), nil
}

// ListEntries implements indeliblev1connect.LedgerServiceHandler.
func (s handlers) ListEntries(_ context.Context, in *connect.Request[indeliblev1.ListEntriesRequest]) (*connect.Response[indeliblev1.ListEntriesResponse], error) {
	pages, from, err := pageOf("", in.Msg)
	if err != nil {
		return nil, err
	}
	limit := limitOr(in.Msg.GetLimit(), defaultEntries, maxEntries)
	indexes, err := s.listed(in.Msg, from, limit)
	if err != nil {
		return nil, err
	}
	out := &indeliblev1.ListEntriesResponse{}
	size := 0
	for _, index := range indexes {
		leaf, err := s.log.Leaf(index)
		if err != nil {
			return nil, err
		}
		if size += len(leaf); size > maxEntryBytes {
			out.NextPageToken = pages.at(index)
			return connect.NewResponse(out), nil
		}
		out.Entries = append(out.Entries, &indeliblev1.Entry{Index: index, Leaf: leaf})
	}
	if len(indexes) == limit {
		out.NextPageToken = pages.at(indexes[limit-1] + 1)
	}
	return connect.NewResponse(out), nil
}

func (s *Server) listed(in *indeliblev1.ListEntriesRequest, from uint64, limit int) ([]uint64, error) {
	if id := in.GetAuthorId(); len(id) > 0 {
		return s.log.ByAuthor(entry.AuthorID(id), from, limit)
	}
	return s.log.ByHandle(entry.Handle(in.GetHandle()), from, limit)
}

// GetCheckpoint implements indeliblev1connect.LedgerServiceHandler.
func (s handlers) GetCheckpoint(_ context.Context, in *connect.Request[indeliblev1.GetCheckpointRequest]) (*connect.Response[indeliblev1.GetCheckpointResponse], error) {
	published := s.node.Published()
	if in.Msg.GetCosignatures() == indeliblev1.Cosignatures_COSIGNATURES_ML_DSA_44 {
		published = s.node.PublishedPQ()
	}
	if published == nil {
		return nil, wire.Refuse(wire.CodeSizeBeyondLog)
	}
	return connect.NewResponse(&indeliblev1.GetCheckpointResponse{Note: published.Note, Size: published.Checkpoint.Size}), nil
}

// GetConsistency implements indeliblev1connect.LedgerServiceHandler.
func (s handlers) GetConsistency(_ context.Context, in *connect.Request[indeliblev1.GetConsistencyRequest]) (*connect.Response[indeliblev1.GetConsistencyResponse], error) {
	published := s.node.Published()
	if published == nil || in.Msg.GetNewSize() > published.Checkpoint.Size {
		return nil, wire.Refuse(wire.CodeSizeBeyondLog)
	}
	path, err := s.log.Consistency(in.Msg.GetOldSize(), in.Msg.GetNewSize())
	if errors.Is(err, ledger.ErrBeyond) {
		return nil, wire.Refuse(wire.CodeSizeBeyondLog)
	}
	if err != nil {
		return nil, err
	}
	out := &indeliblev1.GetConsistencyResponse{}
	for _, hash := range path {
		out.Path = append(out.Path, hash[:])
	}
	return connect.NewResponse(out), nil
}

// GetLog implements indeliblev1connect.LedgerServiceHandler.
func (s handlers) GetLog(context.Context, *connect.Request[indeliblev1.GetLogRequest]) (*connect.Response[indeliblev1.GetLogResponse], error) {
	leaf, err := s.log.Leaf(0)
	if err != nil {
		return nil, err
	}
	id := s.log.ID()
	out := &indeliblev1.GetLogResponse{LogId: id[:], GenesisLeaf: leaf, Policy: s.cfg.Policy.Marshal(), SchemaRevision: SchemaRevision}
	if s.cfg.PolicyMLDSA != nil {
		out.PolicyMlDsa = s.cfg.PolicyMLDSA.Marshal()
	}
	return connect.NewResponse(out), nil
}
