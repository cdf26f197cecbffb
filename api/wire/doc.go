// Package wire is what both ends of a connection agree on beside the schema: the
// name of a header, the codes of refusals with their meaning, and the bytes that a
// node signs under a refusal for good.
//
// Its law: no I/O and no state. What stands here is a contract with programs that
// are already installed: a code or a name is added, never changed.
package wire
