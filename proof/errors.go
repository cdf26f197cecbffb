package proof

import "errors"

// The reasons for which a proof is refused. Every error of this package wraps
// exactly one of them; the text around it names the step, never the bytes.
var (
	// ErrEncoding: the bytes are not the one accepted spelling of the format.
	// They were altered, cut short, or are something else.
	ErrEncoding = errors.New("malformed encoding")

	// ErrTooLarge: the input exceeds a limit of this package and was not read.
	ErrTooLarge = errors.New("exceeds a size limit")

	// ErrPathLength: the proof has not the number of hashes that its index and
	// sizes demand, or the index lies outside the tree.
	ErrPathLength = errors.New("proof has the wrong shape for this tree")

	// ErrRoot: the hashes do not lead to the root. The entry is not in that
	// tree, or the tree did not grow from the older one. If both checkpoints
	// carry good signatures, keep them: they are evidence against the log.
	ErrRoot = errors.New("hashes do not lead to the root")

	// ErrLogID: the statement was signed for another log than the policy pins.
	ErrLogID = errors.New("statement belongs to another log")

	// ErrOrigin: the checkpoint names another log than the policy pins.
	ErrOrigin = errors.New("checkpoint of another log")

	// ErrSignature: the log's signature is missing, or a signature that claims
	// to be by a pinned key is not. Nothing in the note may be used.
	ErrSignature = errors.New("signature missing or wrong")

	// ErrQuorum: all signatures hold, but too few pinned cosigners signed. Ask
	// for a newer receipt of the same statement.
	ErrQuorum = errors.New("too few cosigners")

	// ErrSizeBounds: the checkpoint is older or newer than this policy covers;
	// keys have changed, and another policy file speaks for it.
	ErrSizeBounds = errors.New("checkpoint outside the sizes this policy covers")

	// ErrShrunk: the checkpoint called newer is smaller than the older one.
	ErrShrunk = errors.New("newer checkpoint is smaller")

	// ErrKey: a key is not of the kind, length or form that its use demands.
	ErrKey = errors.New("unusable key")

	// ErrPolicy: a policy contradicts itself or counts a node twice.
	ErrPolicy = errors.New("invalid policy")
)
