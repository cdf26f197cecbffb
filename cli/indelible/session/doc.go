// Package session is one credential in conversation with one server: what
// registrars, officers, clinicians and auditors do, statement by statement.
//
// Its law:
//
//   - Whatever the server answers is checked before it is shown: receipts under
//     the pinned policy and against the statement that was sent, openings
//     against the commitments the statement signs. An answer that does not
//     verify is an error, never a result.
//   - A statement can be kept before it is sent, and is then sent again as the
//     same bytes; signing and sending are therefore two steps.
//   - Errors come back as say.Problem: what happened, what was not done, what
//     to do next.
package session
