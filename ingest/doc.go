// Package ingest brings readings from devices and hospital systems into the log.
//
//	source ─▶ cut ─▶ sign ─▶ spool ─▶ submit ─▶ verify
//	NDJSON   fhir   Device   Spool    Client    Client, Receipts
//
// Job runs this road from one end to the other; each part can be used alone.
//
// # The law
//
// The package believes no node. A reading leaves the spool only when this process
// has verified its receipt, from the statement in its own hands, under the policy
// that was pinned, and has found the receipt's checkpoint consistent with every
// checkpoint that this process, in any of its calls, or the receipt store saw before.
// An author signs once: what was signed is durable before it is sent the first time,
// and only those bytes are ever sent again, so that no crash makes two statements of
// one.
//
// # The order of durability
//
//  1. One write to the spool holds the signed readings, sealed, the state of their
//     devices and the position of the input behind them; it is synced before
//     anything is sent. A crash before it: the input is read again. After it: the
//     same bytes are sent.
//  2. The receipts, verified, are synced to the receipt store.
//  3. One write to the spool says that the readings have left. A crash before it:
//     they are sent again, answered as duplicates, verified again.
//  4. When nothing waits in a segment of the spool its key is overwritten and
//     removed.
//
// A reading that the log will never take because its subject is erased leaves the
// spool too: the refusal is kept, then what the values and the dead letters say of
// the subject is forgotten, then the reading leaves, and all of it is destroyed by
// copying what else waits in those segments and destroying their keys. Any other
// final refusal moves the reading to the dead letters, sealed, where a person must
// look at it. A subject that cannot be registered for any other reason stops the job
// before the input moves on.
//
// # What lies on the disk
//
// Three journals (package journal). Spool directory: readings, device keys, who is
// bound to which device, dead letters; all of it sealed under keys that lie beside it
// and are destroyed one by one. That protects what was destroyed, not what still waits:
// protect the directory like the devices. Receipt directory: statements, receipts and
// checkpoints; nothing in it is health information, and nothing in it needs to be
// believed. A directory of another format, older ones too, is refused and left alone.
//
// The package uses no fixed clock and no randomness of its own but for the jitter
// of retries, the nonces AES-GCM draws for itself and the keys of receipt segments;
// constructors start nothing; goroutines end with the Run that began them.
package ingest
