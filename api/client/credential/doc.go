// Package credential is the directory that makes a person or a service known
// to a log: one P-256 key for both the connection and the statements, its
// certificate, the authority that vouches for the servers, the genesis that
// names the log, and the policies that say which checkpoints to believe.
//
// Its law:
//
//   - A directory is complete in itself: it can be handed over as it is, and
//     nothing in it is fetched from a server at first use. What a server says
//     never replaces what is pinned here.
//   - Private keys are written once, with mode 0600, and never printed.
package credential
