package vault

import (
	"context"
	"fmt"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// evidenceOf gathers the evidence of a logged statement.
func (v *Vault) evidenceOf(ctx context.Context, id entry.StatementID) (store.Evidence, *entry.Statement, error) {
	e, ok, err := v.env.Entry(id)
	if err != nil {
		return store.Evidence{}, nil, fmt.Errorf("vault: find entry: %w", err)
	}
	if !ok {
		return store.Evidence{}, nil, entry.Refuse(entry.CodeUnknownStatement, "statement %s is not in the log", id)
	}
	receipt, err := v.env.Receipt(ctx, id)
	if err != nil {
		return store.Evidence{}, nil, fmt.Errorf("vault: receipt of entry: %w", err)
	}
	return store.Evidence{Statement: e.Statement.Bytes(), Receipt: receipt.Marshal()}, e.Statement, nil
}
