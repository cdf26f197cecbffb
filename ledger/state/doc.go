// Package state is the database beneath one replicated state machine: the log
// (ledger) or the PHI store of one jurisdiction (ledger/vault).
//
// Its law:
//
//   - The effects of a Raft command and the position of that command are
//     written in one Pebble batch, so after any crash the data and the applied
//     position agree.
//   - Commits are not synced and, by default, not even logged: the Raft log is
//     the write-ahead log. What a power cut takes is replayed from it.
//   - The Raft log may be truncated only up to Durable, never up to Applied.
//   - It knows nothing of what is stored; only positions.
package state
