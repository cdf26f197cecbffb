// Package quickstart shows the whole of Indelible in one command: it founds a
// log, runs its node, lets devices write, verifies every receipt, reads one
// record back, tampers, erases one person, and verifies everything again.
//
// Its law:
//
//   - The node is the one serve runs, and everything goes to it over its
//     listener with TLS 1.3 and a client certificate, as it would from another
//     machine. The quickstart has no way in of its own.
//   - It plays every role, and both officers, and says so.
//   - Every statement is kept, as signed, before it is sent: killed at any point
//     and started again on the same directory, it goes on where it was.
//   - It reports only what it checked itself, under the policy the founding
//     pinned.
package quickstart
