package session

import (
	"context"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
	"indelible/proof"
)

// Checkpoint fetches and verifies the newest published checkpoint.
func (s *Session) Checkpoint(ctx context.Context) (note []byte, verified proof.Verified, err error) {
	answer, err := call(ctx, s, "", s.Ledger.GetCheckpoint, &indeliblev1.GetCheckpointRequest{})
	if err != nil {
		return nil, proof.Verified{}, err
	}
	return s.checkNote(answer.GetNote(), s.Policy())
}

// CheckpointPQ is Checkpoint with ML-DSA-44 cosignatures, under the policy that
// counts those.
func (s *Session) CheckpointPQ(ctx context.Context) (note []byte, verified proof.Verified, err error) {
	answer, err := call(ctx, s, "", s.Ledger.GetCheckpoint, &indeliblev1.GetCheckpointRequest{
		Cosignatures: indeliblev1.Cosignatures_COSIGNATURES_ML_DSA_44,
	})
	if err != nil {
		return nil, proof.Verified{}, err
	}
	return s.checkNote(answer.GetNote(), s.Credential.PolicyPQ)
}

func (s *Session) checkNote(note []byte, policy *proof.Policy) ([]byte, proof.Verified, error) {
	verified, err := policy.VerifyCheckpoint(note)
	if err != nil {
		return nil, proof.Verified{}, NotProven(err)
	}
	return note, verified, nil
}

// Growth fetches and verifies the proof that the log of newNote extends the
// log of oldNote.
func (s *Session) Growth(ctx context.Context, oldNote, newNote []byte) ([]proof.Hash, error) {
	_, older, err := s.checkNote(oldNote, s.Policy())
	if err != nil {
		return nil, err
	}
	_, newer, err := s.checkNote(newNote, s.Policy())
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, s, "", s.Ledger.GetConsistency, &indeliblev1.GetConsistencyRequest{
		OldSize: older.Checkpoint.Size, NewSize: newer.Checkpoint.Size,
	})
	if err != nil {
		return nil, err
	}
	path := make([]proof.Hash, len(answer.GetPath()))
	for i, raw := range answer.GetPath() {
		if len(raw) != proof.HashSize {
			return nil, NotProven(proof.ErrEncoding)
		}
		path[i] = proof.Hash(raw)
	}
	if err := proof.VerifyGrowth(s.Policy(), oldNote, newNote, path); err != nil {
		return nil, NotProven(err)
	}
	return path, nil
}

// Receipt fetches the receipt of a statement the caller holds, and verifies it.
func (s *Session) Receipt(ctx context.Context, statement *entry.Statement) (*Entry, error) {
	id := statement.ID()
	answer, err := call(ctx, s, "", s.Ledger.GetReceipt, &indeliblev1.GetReceiptRequest{
		Entry: &indeliblev1.GetReceiptRequest_StatementId{StatementId: id[:]},
	})
	if err != nil {
		return nil, err
	}
	return s.prove(statement, answer.GetReceipt())
}

// Leaf fetches one entry by index and proves it: leaf, parsed statement, receipt.
func (s *Session) Leaf(ctx context.Context, index uint64) (*Entry, error) {
	return s.entry(ctx, &indeliblev1.GetEntryRequest{Entry: &indeliblev1.GetEntryRequest_Index{Index: index}})
}

// LeafOf is Leaf by statement id.
func (s *Session) LeafOf(ctx context.Context, id entry.StatementID) (*Entry, error) {
	return s.entry(ctx, &indeliblev1.GetEntryRequest{Entry: &indeliblev1.GetEntryRequest_StatementId{StatementId: id[:]}})
}

func (s *Session) entry(ctx context.Context, which *indeliblev1.GetEntryRequest) (*Entry, error) {
	answer, err := call(ctx, s, "", s.Ledger.GetEntry, which)
	if err != nil {
		return nil, err
	}
	_, raw, err := entry.ParseLeaf(answer.GetEntry().GetLeaf())
	if err != nil {
		return nil, NotProven(err)
	}
	statement, err := entry.Parse(raw)
	if err != nil {
		return nil, NotProven(err)
	}
	return s.Receipt(ctx, statement)
}
