// Package api is the edge: who is asking, may they, and what do we answer.
//
// Its law:
//
//   - Every connection is TLS 1.3 with a client certificate. A caller is the
//     SHA-256 of that certificate's key; role, state and jurisdictions come from
//     the log's own registry and from nowhere else.
//   - Every RPC carries an access rule as a proto option (access.proto). The gate
//     enforces it before a byte of the body is read; an RPC without one does not
//     get past New. Health checks and reflection alone are for whoever may
//     connect; they pass a gate of their own, which lets little and few through.
//   - What the gate decided is decided again for every batch of a stream: a
//     connection outlives certificates and enrolments.
//   - A request that carries or returns protected health information names its
//     jurisdiction in the header Indelible-Jurisdiction. A node not placed there
//     refuses before it reads the body.
//   - Statements go one way, append.go, whatever RPC brought them: parse, known,
//     signature, judge, open, seal, order, prove. No effect happens outside it.
//   - PHI leaves only by release.go: access entry first, its receipt second, the
//     vault third. An outcome that is not known releases nothing.
//   - What a client hands in never comes back in an error, a log line or a metric.
//     All errors pass through one table, errors.go, and get the meaning and the Connect
//     code of their row in package wire; what is not in it becomes an
//     incident with a number and a fixed text. What the RPC library or the
//     network would say in its own words is found before they can (envelope.go,
//     intake.go).
//   - What the log has taken is never called undone: from then on the answer is a
//     receipt or OUTCOME_UNKNOWN.
//   - Everything that waits is bounded (limits.go) and answers RESOURCE_EXHAUSTED
//     with a delay at once; every request has a time by which it ends (gate.go).
//
// Sources are in proto, generated code in gen; generate.sh turns one into the
// other and leaves no diff on an unchanged tree.
package api
