// Package ledger is the replicated state machine that is the log, and its
// storage: what was said (leaves), the tree over it (tiles), and what follows
// from it (registries and indexes).
//
// Its law:
//
//   - Apply is a fold. The state is a function of the genesis and of the
//     commands in their order: no clock, no chance, no network, and nothing
//     depends on how the commands were cut into calls.
//   - apply.go is the only writer. One call of Apply is one Pebble batch, which
//     carries the position in the Raft log as well.
//   - A statement that breaks a rule gets an *entry.Refusal, no index, and
//     changes nothing. A broken invariant is an error: the node stops.
//   - An entry's leaf is written once and never re-encoded.
//   - Readers see committed state only, and never wait for the writer.
//
// The rules are those of FORMATS §1 and §3; what each row holds stands
// in keyspace.go; why a crash loses nothing stands in DESIGN.md.
package ledger
