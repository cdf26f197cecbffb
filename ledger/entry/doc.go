// Package entry is what the log records: the statements authors sign, the
// parts and openings they commit to, and the leaf an entry becomes.
//
// Its law:
//
//   - It is pure. No file, network, clock, randomness of its own, goroutine,
//     context or logger. Keys, nonces and instants come in as arguments. The
//     same bytes give the same answer on every node, always.
//   - It knows meaning, not trees: every rule about a statement that needs no
//     state is checked by Parse, every rule that needs state belongs to package
//     ledger.
//   - Everything hashed or signed is deterministic CBOR (RFC 8949 section
//     4.2.1). Parse refuses any other spelling, so a statement has exactly one;
//     it is hashed, stored and served as received and never re-encoded.
//   - Wrong input is a *Refusal with a Code. A refusal's text names positions,
//     fields and limits, never bytes of the input.
//   - Nothing here panics on input.
//
// FORMAT.cddl states every format in CDDL; testdata/vectors holds one positive
// and at least ten negative vectors for each.
//
// The way of a statement:
//
//	d := entry.Draft{Kind: entry.KindReading, ...}
//	s, err := d.Sign(rand, key)        // author: once, then persist s.Bytes()
//	s, err := entry.Parse(raw)         // everybody else
//	err = s.Verify(publicKey)          // or Verifier.Verify, in batches
//	leaf, err := s.Leaf(ledgerTime)    // what the tree holds
package entry
