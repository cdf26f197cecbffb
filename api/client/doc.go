// Package client is the Go client of an Indelible log: what a program needs to
// write to a node, to read from it, and to believe nothing it says.
//
//	credential ─▶ Author, Device ─▶ Signed ─▶ Append, Submit, Deliver ─▶ Outcome
//	a folder       sign and seal     bytes     send, follow, repeat       a verified receipt
//
// A program opens a credential (package credential), makes a Client of it, signs
// with an Author or a Device and appends what it signed. The examples do that
// against a running node.
//
// # Its law
//
//   - No answer is believed. A statement counts as logged when its receipt was
//     verified here, from the bytes that were signed here, under the pinned policy.
//     An entry, a record or a checkpoint is returned only when its proof holds.
//   - One history. Every checkpoint is compared with those seen before (History):
//     the larger one must be proven to extend the smaller one (RFC 9162 section
//     2.1.4). Two different roots of one size are ErrSplitView; both are kept.
//   - Nothing a node says is shown in its own words. Refusals, failed calls and
//     headers are put into words of this program: a code that is known has a text
//     here, of one that is not only the name is shown, if it is a plain name.
//   - An author signs once. What was signed is durable before it is sent first
//     (Config.Journal), and only those bytes are sent again: the log holds a
//     statement once, however often it is sent (FORMATS §1).
//   - TLS 1.3 with a client certificate, to servers of the pinned authority only,
//     also when a node names another one to go to.
//
// # Errors
//
// A call that failed as a whole is a *CallError. A statement or a request that was
// turned down is a *entry.Refusal. ErrAnswer says that an answer does not hold.
// Errors of a call under way when its context ends are those of the context.
//
// The package starts no goroutine that outlives a call and reads no clock and no
// randomness but what it is given, apart from the jitter of repeated calls.
package client
