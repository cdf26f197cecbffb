package store

import (
	"bytes"
	"fmt"

	"indelible/ledger/entry"
	"indelible/proof"
)

// Evidence proves inside a command that a statement is in the log: Apply
// believes the receipt, not the proposer.
type Evidence struct {
	Statement []byte
	Receipt   []byte
}

// logged is a statement that evidence proved.
type logged struct {
	*entry.Statement
	ledgerTime uint64 // Unix milliseconds
}

// verify checks evidence under the pinned policy. The log has verified the
// statement's signature and rules before it gave it an index.
func (s *Store) verify(e Evidence, kind entry.Kind) (*logged, *entry.Refusal) {
	statement, err := entry.Parse(e.Statement)
	if err != nil {
		return nil, entry.Refuse(entry.CodeMalformed, "the statement in the command does not parse")
	}
	receipt, err := proof.ParseReceipt(e.Receipt)
	if err != nil {
		return nil, entry.Refuse(entry.CodeMalformed, "the receipt in the command does not parse")
	}
	proven, err := proof.Verify(s.policy, statement, receipt)
	if err != nil {
		return nil, entry.Refuse(entry.CodeGrantInvalid, "the receipt in the command does not verify")
	}
	if statement.Kind != kind || statement.Jurisdiction != s.group {
		return nil, entry.Refuse(entry.CodeWrongState, "the statement in the command is of another kind or jurisdiction")
	}
	return &logged{statement, proven.LedgerTime}, nil
}

// verifyStep is verify for a step of an erasure; request is what later steps
// must name.
func (s *Store) verifyStep(e Evidence, step entry.ErasureStep, request entry.StatementID) (*logged, *entry.Erasure, *entry.Refusal) {
	l, fault := s.verify(e, entry.KindErasure)
	if fault != nil {
		return nil, nil, fault
	}
	body, ok := l.Body.(*entry.Erasure)
	if !ok || body.Step != step || body.Request != request {
		return nil, nil, entry.Refuse(entry.CodeWrongState, "the statement in the command is another step or of another erasure")
	}
	return l, body, nil
}

// verifyHold is verify for a statement that sets or releases a hold.
func (s *Store) verifyHold(e Evidence, action entry.HoldAction, otherwise string) (*logged, *entry.Hold, *entry.Refusal) {
	l, fault := s.verify(e, entry.KindHold)
	if fault != nil {
		return nil, nil, fault
	}
	body, ok := l.Body.(*entry.Hold)
	if !ok || body.Action != action {
		return nil, nil, entry.Refuse(entry.CodeWrongState, "the statement in the command %s no hold", otherwise)
	}
	return l, body, nil
}

// sealedFault checks that a request or hold lies sealed with the subject the
// command names, and that the slots exist.
func (a *applier) sealedFault(s *entry.Statement, subject uint64, slots []uint64) *entry.Refusal {
	r := a.record(SeriesOf(subject), s.ID())
	if r == nil || !a.knownSlots(slots) {
		return entry.Refuse(entry.CodeNotSealed, "the statement is not sealed with this subject")
	}
	parts, err := entry.ParseParts(r.Parts)
	if err != nil {
		a.fail(fmt.Errorf("vault: parts of a record: %w", err))
		return nil
	}
	if digest := parts.Digest(); s.Parts == nil || !bytes.Equal(digest[:], s.Parts[:]) {
		return entry.Refuse(entry.CodeCommitmentMismatch, "the statement is sealed with other parts")
	}
	return nil
}
