// Package raft puts statements and PHI commands in an order that a majority of
// nodes has on disk, and publishes checkpoints of the result.
//
// Its law:
//
//   - It is the only importer of github.com/hashicorp/raft (as hraft). What the
//     rest of the program sees is Node: Append, Tick, Propose, Barrier, Await.
//   - It knows no statement's meaning. The adapter in fsm.go
//     translates and nothing else; the state machines decide.
//   - Everything that is not deterministic is fixed here, before a command is
//     proposed: its order and the leader's time. No command carries a key, a
//     salt or a plaintext.
//   - An entry is acknowledged only after the Raft log holds it on disk and the
//     state machine has folded it in. The Raft log is the write-ahead log of
//     the state databases: it is truncated only up to what those have made
//     durable.
//   - A checkpoint is signed only over a committed size whose root this node
//     has recomputed from its own store, is on disk before anyone sees it, and
//     never goes back, not over restarts either.
//   - A write or sync that fails, a disk that hangs, an unknown command, a
//     root that differs, a clock that is off: the node stops and says why.
//
// One node runs the same code as a cluster of one. DESIGN.md beside this file
// has the order of durability and what a crash leaves between each two steps.
package raft
