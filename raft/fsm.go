package raft

import "indelible/ledger/state"

// applier folds commands into one state machine and returns one result each: of
// the ledger []ledger.Outcome, of a vault vault.Result. Its error is a broken
// invariant or an unknown command: the node stops.
type applier func([]state.Command) ([]any, error)

// folding is the Apply of a state machine as an applier; folded is told of each
// success.
func folding[T any](apply func([]state.Command) ([]T, error), folded func()) applier {
	return func(cmds []state.Command) ([]any, error) {
		outcomes, err := apply(cmds)
		if err != nil {
			return nil, err
		}
		folded()
		results := make([]any, len(outcomes))
		for i := range outcomes {
			results[i] = outcomes[i]
		}
		return results, nil
	}
}
