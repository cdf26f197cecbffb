//go:build race

package raft_test

// every thins out sweeps under the race detector, which makes them ten times as
// long and looks for something else.
const every = 6
