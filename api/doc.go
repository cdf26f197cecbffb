// Package api answers callers about statements: it takes them into the log, opens
// records against an access entry, and proves what the log holds. Connections,
// callers and bounds are for package edge; what both ends of a connection share is
// in package wire; decisions 0006 to 0010 and DESIGN.md say why.
//
// Its law:
//
//   - Statements go one way, append.go, whatever RPC brought them: parse, known,
//     signature, openings, judge, seal, order, settle, prove. No effect happens
//     outside it. What a statement says decides who may hand it in and how: one
//     table, kind.go.
//   - What the gate decided is decided again for every batch of a stream: a
//     connection outlives certificates and enrolments.
//   - PHI leaves in two places, read.go (vault.Release) and subject.go
//     (vault.Lookup), and in each only after access.go: access entry first, its
//     receipt second, the vault third. An outcome that is not known releases
//     nothing. A test says that no other file calls either.
//   - What the log has taken is never called undone: from then on the answer is a
//     receipt or OUTCOME_UNKNOWN.
//   - Errors of the packages below have a row in errors.go, or are incidents.
//
// Schemas are in proto, generated code in gen; generate.sh turns one into the
// other and leaves no diff on an unchanged tree.
package api
