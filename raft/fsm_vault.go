package raft

import (
	"indelible/ledger/state"
	"indelible/ledger/vault"
)

// foldVault is the state machine of a jurisdiction's group. Each result is the
// vault.Result of one command.
func foldVault(s *vault.Store) applier {
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
