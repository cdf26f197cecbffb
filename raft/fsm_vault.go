package raft

import (
	"indelible/ledger/state"
	"indelible/ledger/vault/store"
)

// foldVault is the state machine of a jurisdiction's group. Each result is the
// store.Result of one command.
func foldVault(s *store.Store) applier {
	return func(cmds []state.Command) ([]any, error) {
		outcomes, err := s.Apply(cmds)
		if err != nil {
			return nil, err
		}
		results := make([]any, len(outcomes))
		for i := range outcomes {
			results[i] = outcomes[i]
		}
		return results, nil
	}
}
