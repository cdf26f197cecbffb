package client

import (
	"context"
	"errors"
	"fmt"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
	"indelible/proof"
)

// Checkpoint fetches the newest published checkpoint, verifies it under the pinned
// policy and compares it with those seen before. note is the signed note (C2SP
// tlog-checkpoint).
func (c *Client) Checkpoint(ctx context.Context) (note []byte, verified proof.Verified, err error) {
	return c.checkpoint(ctx, indeliblev1.Cosignatures_COSIGNATURES_UNSPECIFIED, c.cfg.Policy)
}

// CheckpointPQ fetches the newest checkpoint with ML-DSA-44 cosignatures and verifies
// it under Config.PolicyPQ. It can be a second older than that of Checkpoint, and is
// not compared with checkpoints seen before: those are proven under the other policy.
func (c *Client) CheckpointPQ(ctx context.Context) (note []byte, verified proof.Verified, err error) {
	if c.cfg.PolicyPQ == nil {
		return nil, proof.Verified{}, errors.New("client: no policy that counts ML-DSA-44 cosignatures is pinned")
	}
	return c.checkpoint(ctx, indeliblev1.Cosignatures_COSIGNATURES_ML_DSA_44, c.cfg.PolicyPQ)
}

func (c *Client) checkpoint(ctx context.Context, family indeliblev1.Cosignatures, policy *proof.Policy) ([]byte, proof.Verified, error) {
	answer, err := call(ctx, c, "", &indeliblev1.GetCheckpointRequest{Cosignatures: family}, services.GetCheckpoint)
	if err != nil {
		return nil, proof.Verified{}, err
	}
	verified, err := policy.VerifyCheckpoint(answer.GetNote())
	if err != nil {
		return nil, proof.Verified{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if policy == c.cfg.Policy { // growth is proven between checkpoints of one policy
		err = c.consistent(ctx, answer.GetNote())
	}
	return answer.GetNote(), verified, err
}

// Growth fetches and verifies the proof that the log of newNote extends the log of
// oldNote (RFC 9162 section 2.1.4). Both are signed notes.
func (c *Client) Growth(ctx context.Context, oldNote, newNote []byte) ([]proof.Hash, error) {
	notes := [2]checkpoint{}
	for i, note := range [][]byte{oldNote, newNote} {
		if _, err := c.cfg.Policy.VerifyCheckpoint(note); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		var err error
		if notes[i], err = readCheckpoint(note); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
	}
	return c.grewFrom(ctx, notes[0], notes[1])
}

// Receipt fetches a fresh receipt of a statement the caller holds, and verifies it.
func (c *Client) Receipt(ctx context.Context, statement *entry.Statement) (*Proven, error) {
	id := statement.ID()
	answer, err := call(ctx, c, "", &indeliblev1.GetReceiptRequest{
		Entry: &indeliblev1.GetReceiptRequest_StatementId{StatementId: id[:]},
	}, services.GetReceipt)
	if err != nil {
		return nil, err
	}
	return c.prove(ctx, statement, answer.GetReceipt())
}

// Entry fetches the entry at an index and proves it, as an auditor.
func (c *Client) Entry(ctx context.Context, index uint64) (*Proven, error) {
	p, err := c.entry(ctx, &indeliblev1.GetEntryRequest{Entry: &indeliblev1.GetEntryRequest_Index{Index: index}})
	if err == nil && p.Receipt.Index != index {
		return nil, fmt.Errorf("%w: the entry of another index", ErrAnswer)
	}
	return p, err
}

// EntryOf is Entry by statement id.
func (c *Client) EntryOf(ctx context.Context, id entry.StatementID) (*Proven, error) {
	p, err := c.entry(ctx, &indeliblev1.GetEntryRequest{Entry: &indeliblev1.GetEntryRequest_StatementId{StatementId: id[:]}})
	if err == nil && p.Statement.ID() != id {
		return nil, fmt.Errorf("%w: the entry of another statement", ErrAnswer)
	}
	return p, err
}

func (c *Client) entry(ctx context.Context, which *indeliblev1.GetEntryRequest) (*Proven, error) {
	answer, err := call(ctx, c, "", which, services.GetEntry)
	if err != nil {
		return nil, err
	}
	_, raw, err := entry.ParseLeaf(answer.GetEntry().GetLeaf())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	statement, err := entry.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return c.Receipt(ctx, statement)
}

// Status asks the node how it is. Nothing in the answer is proven; names in it that
// are no plain names are left out.
func (c *Client) Status(ctx context.Context) (*indeliblev1.StatusResponse, error) {
	answer, err := call(ctx, c, "", &indeliblev1.StatusRequest{}, services.Status)
	if err != nil {
		return nil, err
	}
	answer.Node, answer.Version = plain(answer.GetNode()), plain(answer.GetVersion())
	for _, g := range answer.GetGroups() {
		g.Jurisdiction, g.Leader = plain(g.GetJurisdiction()), plain(g.GetLeader())
	}
	return answer, nil
}
