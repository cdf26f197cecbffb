package vault

import (
	"context"
	"fmt"

	"indelible/ledger/entry"
	"indelible/proof"
)

// evidence proves inside a command that a statement is in the log: whoever
// applies it believes the receipt, not the proposer.
type evidence struct {
	statement []byte
	receipt   []byte
}

func (w *writer) evidence(e evidence) {
	w.bytes(e.statement)
	w.bytes(e.receipt)
}

func (r *reader) evidence() evidence { return evidence{r.bytes(), r.bytes()} }

// logged is a statement that evidence proved.
type logged struct {
	*entry.Statement
	ledgerTime uint64 // Unix milliseconds
}

// verify checks evidence under the pinned policy. The log has verified the
// statement's signature and rules before it gave it an index.
func (s *Store) verify(e evidence, kind entry.Kind) (*logged, *entry.Refusal) {
	statement, err := entry.Parse(e.statement)
	if err != nil {
		return nil, entry.Refuse(entry.CodeMalformed, "the statement in the command does not parse")
	}
	receipt, err := proof.ParseReceipt(e.receipt)
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

// evidenceOf gathers the evidence of a logged statement.
func (v *Vault) evidenceOf(ctx context.Context, id entry.StatementID) (evidence, *entry.Statement, error) {
	e, ok, err := v.env.Entry(id)
	if err != nil {
		return evidence{}, nil, fmt.Errorf("vault: find entry: %w", err)
	}
	if !ok {
		return evidence{}, nil, entry.Refuse(entry.CodeUnknownStatement, "statement %s is not in the log", id)
	}
	receipt, err := v.env.Receipt(ctx, id)
	if err != nil {
		return evidence{}, nil, fmt.Errorf("vault: receipt of entry: %w", err)
	}
	return evidence{e.Statement.Bytes(), receipt.Marshal()}, e.Statement, nil
}
