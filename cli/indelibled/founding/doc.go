// Package founding makes a log: its keys, the certificate authority of its
// connections, the genesis statement that is its identity, the policies that
// clients pin, the first credentials, and the node's configuration.
//
// Its law:
//
//   - Everything is made in one step and in one directory. A marker stands in
//     it while that goes on, the configuration is written last: an
//     interrupted founding is recognised and begun again, a finished one is
//     never touched.
//   - Every private key is made here from Spec.Rand, written once with mode
//     0600, and never printed.
//   - It starts nothing and connects to nothing: the identity of the log is
//     computed offline.
package founding
