// Package vault is the PHI side store of one jurisdiction: what the log only
// commits to lies here, sealed under keys that can be destroyed.
//
// It stands on two halves. Package store is the replicated state machine:
// ciphertext, wrapped keys and numbers; it applies commands and needs no key.
// Package keytree has the keys. Vault is the service on top, one to a node: it
// seals, releases, looks up and erases, given a store, a key Provider and the
// functions of Env. Imports go one way: vault → keytree → store → layout.
//
// Its law:
//
//   - No key, plaintext or identifier is in a command, a row, an error or a log
//     line. Rows, associated data and commands name slots and subjects by
//     number only.
//   - What is sealed lies under a key that dies with the person, class by class.
//     No key seals something of two people, and nothing derived from an
//     identifier is stored outside the person's own record.
//   - Plaintext leaves through Release and Lookup alone, each against the
//     verified, unused receipt of the access entry that records it.
//   - An erasure is reported executed only after every root version but the
//     current one is gone from this node, abandoned ones included.
//   - What destroys for good has first caught up with the log: with its holds,
//     and with the entries of the records it would drop.
//   - The worker acts from the replicated state. Every step of it may be cut
//     short anywhere and done again.
//   - It imports neither ledger nor raft.
//
// DESIGN.md beside this file says what is stored where, and why it is so.
package vault
