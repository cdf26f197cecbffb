// Package proof is what an outsider needs to check an Indelible log: hashes,
// tiles, checkpoints, cosignatures, policies and receipts.
//
// Its law: everything here is a function of its arguments. No file, network,
// clock, randomness, goroutine, context or logger. It knows hashes, not
// meaning: what a leaf says is the business of package ledger/entry. Everything
// it parses comes from a stranger, so parsers are strict and bounded, accept
// exactly one spelling of each value, and never panic.
//
// # Checking a receipt
//
// A receipt proves that one statement is in one log. The check starts from the
// statement in your own hands, never from what a server says it was:
//
//	policy, err := proof.ParsePolicy(policyFile)   // pinned when you joined
//	receipt, err := proof.ParseReceipt(receiptFile)
//	proven, err := proof.Verify(policy, statement, receipt)
//
// Verify derives the leaf from your statement and the receipt's ledger time,
// walks the inclusion path to the checkpoint's root, and only then looks at
// signatures: the log's own and a quorum of cosigners, one vote per node. An
// error wraps exactly one of the reasons in errors.go.
//
// VerifyGrowth proves that a newer checkpoint extends an older one; two
// checkpoints for which it fails, both accepted by VerifyCheckpoint, are the
// evidence of a split history and worth keeping.
//
// # Formats
//
// RFC 6962 §2.1 trees and proofs; C2SP signed-note, tlog-checkpoint,
// tlog-tiles, tlog-cosignature (Ed25519 and ML-DSA-44), tlog-policy and
// tlog-proof, so that tools of others can check the same bytes.
package proof
