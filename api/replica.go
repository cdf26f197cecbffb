package api

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"indelible/api/wire"
	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/proof"
	"indelible/raft"
)

// replica is the log as this node has it and the node that orders it: the way in
// and the proofs that come back.
type replica struct {
	log  *ledger.Ledger
	node *raft.Node
}

// errOutcomes means that package raft broke its promise of one outcome for each
// item.
var errOutcomes = errors.New("api: the log answered another number of statements than it was given")

// order puts statements into the log.
func (r replica) order(ctx context.Context, items []ledger.Item, lane raft.Lane) ([]ledger.Outcome, error) {
	outcomes, err := r.node.Append(ctx, items, lane)
	if err != nil {
		return nil, err
	}
	if len(outcomes) != len(items) {
		return nil, errOutcomes
	}
	return outcomes, nil
}

// prove makes the receipt of an entry under a published checkpoint that covers
// it.
func (r replica) prove(index, ledgerTime uint64, under *raft.Published) (*proof.Receipt, error) {
	path, err := r.log.Inclusion(index, under.Checkpoint.Size)
	if err != nil {
		return nil, fmt.Errorf("api: prove entry %d: %w", index, err)
	}
	return &proof.Receipt{Index: index, LedgerTime: ledgerTime, Path: path, Checkpoint: under.Note}, nil
}

// await waits for a checkpoint that covers the entry and makes its receipt.
func (r replica) await(ctx context.Context, index, ledgerTime uint64) (*proof.Receipt, error) {
	published, err := r.node.Await(ctx, index+1)
	if err != nil {
		return nil, err
	}
	return r.prove(index, ledgerTime, published)
}

// append puts one statement into the reserved lane and waits for its receipt.
// A statement that is logged already gives the receipt it has. A refusal is
// final; any other error leaves the outcome unknown.
func (r replica) append(ctx context.Context, s *entry.Statement, sealedAt uint64) (*proof.Receipt, uint64, error) {
	outcomes, err := r.order(ctx, []ledger.Item{{Statement: s.Bytes(), SealedAt: sealedAt}}, raft.LaneReserved)
	if err != nil {
		return nil, 0, err
	}
	o := outcomes[0]
	if o.Refusal != nil {
		return nil, 0, o.Refusal
	}
	receipt, err := r.await(ctx, o.Index, o.LedgerTime)
	return receipt, o.LedgerTime, unsettled(err)
}

// unsettled is what an error means once the log has taken something of a call.
// The errors of a node that stops, lost its lead or is full say that nothing
// was changed; from here on that would be a lie.
func unsettled(err error) error {
	var full *raft.Overloaded
	if errors.Is(err, raft.ErrStopped) || errors.Is(err, raft.ErrNotLeader) || errors.As(err, &full) {
		return fmt.Errorf("%w: %s", raft.ErrOutcomeUnknown, err.Error())
	}
	return err
}

// receiptOf is the receipt of a logged statement.
func (r replica) receiptOf(ctx context.Context, id entry.StatementID) (*proof.Receipt, error) {
	o, ok, err := r.log.Known(id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, wire.Refuse(wire.CodeEntryNotFound)
	}
	return r.await(ctx, o.Index, o.LedgerTime)
}

// owner names the handle whose slot holds the statement's sealed parts: that of
// its binding or of its sub. Parts of class series lie under no handle.
func (r replica) owner(s *entry.Statement) (entry.Handle, error) {
	switch s.Sub.Type {
	case entry.SubHandle:
		return s.Sub.Handle(), nil
	case entry.SubBinding:
		binding, ok, err := r.log.Binding(s.Sub.Binding())
		if err != nil {
			return entry.Handle{}, err
		}
		if !ok {
			return entry.Handle{}, entry.Refuse(entry.CodeUnknownBinding, "the log has no binding %s", s.Sub.Binding())
		}
		return binding.Handle, nil
	}
	return entry.Handle{}, nil
}

// placedNode is a node that takes a jurisdiction's data.
type placedNode struct {
	name string
	key  *entry.PublicKey // its author key
}

// placed are the nodes that take a jurisdiction's data, as of now.
func (r replica) placed(jurisdiction string) ([]placedNode, error) {
	nodes, err := r.log.Nodes()
	if err != nil {
		return nil, err
	}
	var placed []placedNode
	for _, node := range nodes {
		if !slices.Contains(node.Placement, jurisdiction) {
			continue
		}
		key, err := entry.ParsePublicKey(node.AuthorKey)
		if err != nil {
			return nil, err
		}
		placed = append(placed, placedNode{node.Name, key})
	}
	return placed, nil
}
