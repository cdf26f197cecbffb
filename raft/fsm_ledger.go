package raft

import (
	"indelible/ledger"
	"indelible/ledger/state"
)

// foldLedger is the state machine of the global group. Each result is the
// []ledger.Outcome of one command. News of growth goes to the publisher.
func foldLedger(l *ledger.Ledger, grown chan struct{}) applier {
	return func(cmds []state.Command) ([]any, error) {
		outcomes, err := l.Apply(cmds)
		if err != nil {
			return nil, err
		}
		signal(grown)
		results := make([]any, len(outcomes))
		for i := range outcomes {
			results[i] = outcomes[i]
		}
		return results, nil
	}
}
