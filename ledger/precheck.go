package ledger

import (
	"errors"
	"fmt"

	"indelible/ledger/entry"
)

// Precheck tells what Apply would answer if the statements came next, in this
// order, in a command of the time now (Unix milliseconds). It is the same code,
// on committed state and the batch so far, and writes nothing: the edge uses it
// to refuse before anything is sealed or replicated. Its verdict is early, not
// final; indexes it names are those the entries would get now.
//
// sealedAt is the seal time of each statement; nil before sealing, and then
// seals are not judged.
//
// A node that lags behind the others judges by what it has. Refusals that are
// retryable (entry.Refusal) may be of that sort.
func (l *Ledger) Precheck(now uint64, stmts []*entry.Statement, sealedAt []uint64) (outcomes []Outcome, err error) {
	if sealedAt != nil && len(sealedAt) != len(stmts) {
		return nil, fmt.Errorf("ledger: %d seal times for %d statements", len(sealedAt), len(stmts))
	}
	if now > entry.MaxTime {
		return nil, fmt.Errorf("ledger: time %d is out of range", now)
	}
	snapshot := l.db.NewSnapshot()
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	var at meta
	if _, err := readRow(snapshot, metaKey, func(row []byte) (err error) {
		at, err = decodeMeta(row)
		return err
	}); err != nil {
		return nil, err
	}
	t := l.overlaid(snapshot, at)
	candidates := make([]candidate, len(stmts))
	for i, s := range stmts {
		candidates[i] = candidate{statement: s, unsealed: sealedAt == nil}
		if sealedAt != nil {
			candidates[i].sealedAt = sealedAt[i]
		}
	}
	if t.verifyKnown(candidates); t.failure != nil {
		return nil, t.failure
	}
	return t.command(now, candidates)
}
