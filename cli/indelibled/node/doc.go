// Package node puts the parts of a running node together: the ledger, the
// vaults of the jurisdictions it is placed in, their Raft groups, and the edge
// that clients talk to.
//
// Its law:
//
//   - Wiring only: what a part needs of another is handed over as a function
//     here; no rule about entries, records or callers stands in this package.
//   - Open starts nothing. Run owns every goroutine in one group, and when one
//     part reports that it can no longer trust what it holds, all stop and the
//     reason comes back as Run's error.
//   - serve and quickstart run exactly this code.
package node
