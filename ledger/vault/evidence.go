package vault

import (
	"context"
	"fmt"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// logged finds a logged entry by statement id.
func (v *Vault) logged(id entry.StatementID) (Logged, bool, error) {
	e, ok, err := v.env.Entry(id)
	if err != nil {
		err = fmt.Errorf("vault: find an entry: %w", err)
	}
	return e, ok, err
}

// catchUp moves ledger time and returns it, in a log that is caught up.
func (v *Vault) catchUp(ctx context.Context) (uint64, error) {
	now, err := v.env.Tick(ctx)
	if err != nil {
		err = fmt.Errorf("vault: catch up with the log: %w", err)
	}
	return now, err
}

// progress tells how far an erasure has come in the log.
func (v *Vault) progress(request entry.StatementID) (Progress, bool, error) {
	p, ok, err := v.env.Erasure(request)
	if err != nil {
		err = fmt.Errorf("vault: look an erasure up: %w", err)
	}
	return p, ok, err
}

// evidenceOf gathers the evidence of a logged statement.
func (v *Vault) evidenceOf(ctx context.Context, id entry.StatementID) (store.Evidence, *entry.Statement, error) {
	e, ok, err := v.logged(id)
	if err == nil && !ok {
		err = entry.Refuse(entry.CodeUnknownStatement, "statement %s is not in the log", id)
	}
	if err != nil {
		return store.Evidence{}, nil, err
	}
	receipt, err := v.env.Receipt(ctx, id)
	if err != nil {
		return store.Evidence{}, nil, fmt.Errorf("vault: receipt of entry: %w", err)
	}
	return store.Evidence{Statement: e.Statement.Bytes(), Receipt: receipt.Marshal()}, e.Statement, nil
}

// sealedEvidence is evidenceOf for an erasure request or a hold, with the subject
// it is sealed with and the content of its sealed part.
func (v *Vault) sealedEvidence(ctx context.Context, id entry.StatementID) (e store.Evidence, subject uint64, content []byte, err error) {
	e, s, err := v.evidenceOf(ctx, id)
	if err == nil {
		subject, content, err = v.series(s)
	}
	return e, subject, content, err
}
