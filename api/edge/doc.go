// Package edge is where connections end: who is calling, may they call, is there
// room, and in which words are they answered. It knows nothing of statements.
//
// Its law:
//
//   - Every connection is TLS 1.3 with a client certificate. A caller is the
//     SHA-256 of that certificate's key; role, state and jurisdictions come from
//     the log's own registry and from nowhere else.
//   - Every RPC carries an access rule as a proto option (access.proto). The gate
//     enforces it before a byte of the body is read; an RPC without one does not
//     get past New. Health checks and reflection alone are for all who may
//     connect; their rule lets little and few through.
//   - A request that carries or returns protected health information names its
//     jurisdiction in a header. A node not placed there refuses before it reads
//     the body.
//   - What a client hands in never comes back in an error, a log line or a metric.
//     All errors become answers in one place, answer.go; what is not foreseen
//     becomes an incident with a number and a fixed text. What the RPC library or
//     the network would say in its own words is found before they can
//     (envelope.go, intake.go).
//   - Everything that waits is bounded (admission.go) and answers
//     RESOURCE_EXHAUSTED at once, with the bound and a delay; every request has a
//     time by which it ends (gate.go).
package edge
