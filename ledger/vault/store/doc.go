// Package store is the half of a vault that needs no key: the replicated state
// machine of one jurisdiction. Commands go in, rows come out; what it holds is
// ciphertext, wrapped keys and numbers.
//
// Its law:
//
//   - Apply is a fold over commands: it depends on them, their times and the
//     policy, genesis and jurisdiction that the store was opened with, and on
//     nothing of the node.
//   - It believes receipts, not proposers: what a command claims to stand in the
//     log it proves with Evidence. Of a rekey it believes the structure, which it
//     checks, and not the author; what the ciphertexts hold is for the members'
//     verdicts.
//   - It cannot reach a key. It does not import keytree, nor any cipher; that is
//     why keytree stands above it and not beneath.
//   - No key, plaintext or identifier is in a command, a row or an error. Rows and
//     commands name slots and subjects by number only.
//   - A command or row that does not parse, or an invariant that does not hold,
//     stops the node. A command that is refused changes nothing, but that it
//     dooms the root version it would have used.
//   - It imports neither ledger nor raft. It is imported by the other packages of
//     the vault, by raft, which replicates it, and by the wiring of a node.
package store
