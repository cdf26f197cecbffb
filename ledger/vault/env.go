package vault

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
	"indelible/proof"
)

// Logged is an entry of the global log.
type Logged struct {
	Index      uint64
	LedgerTime uint64 // Unix milliseconds
	Statement  *entry.Statement
}

// What the functions of Env exchange with the replicated half, so that who wires
// a vault needs this package alone.
type (
	Command = store.Command
	Result  = store.Result
	Member  = store.Member
)

// Progress is how far the log says an erasure has come.
type Progress struct {
	Request   entry.StatementID
	Scope     entry.Scope
	Approval  entry.StatementID // zero until approved
	Approved  uint64            // ledger time of the approval, Unix milliseconds
	Cancel    entry.StatementID // zero unless cancelled
	Completed bool
	Executed  []entry.AuthorID // nodes whose executed entry is logged
	Lost      []entry.AuthorID // nodes declared lost
}

// Env is what a vault needs of the rest of the node, handed in as functions:
// this package imports neither ledger nor raft. All are required and safe for
// concurrent use.
type Env struct {
	// Propose commits a command to this jurisdiction's group and returns what
	// Apply answered. An error means the outcome is unknown or nothing was
	// started; every command of a vault may be proposed again.
	Propose func(ctx context.Context, c Command) (Result, error)

	// Barrier returns once every command committed in this group before the
	// call is applied here, and a majority has confirmed that.
	Barrier func(ctx context.Context) error

	// Leads reports whether this node now has the duties of the group's leader.
	// Two nodes that both believe so do no harm.
	Leads func() bool

	// Append puts one statement into the global log, in the share reserved for
	// access entries and erasures, and waits for its receipt. A statement that
	// is logged already gives the receipt it has. An error that is an
	// *entry.Refusal is final; any other leaves the outcome unknown, and the
	// same bytes may be sent again.
	Append func(ctx context.Context, s *entry.Statement, sealedAt uint64) (r *proof.Receipt, ledgerTime uint64, err error)

	// Tick moves ledger time without an entry and returns it, once every entry
	// that was in the log before the call can be read here. What destroys for
	// good asks it first: after a start this node's view of the log may lag.
	Tick func(ctx context.Context) (ledgerTime uint64, err error)

	// Entry finds a logged entry by statement id.
	Entry func(id entry.StatementID) (e Logged, ok bool, err error)

	// At reads the entry at an index; ok is false at and beyond the log's end.
	At func(index uint64) (e Logged, ok bool, err error)

	// Owner names the handle whose slot holds the statement's sealed parts, as
	// it was when the record was sealed: that of its binding or of its sub.
	Owner func(s *entry.Statement) (entry.Handle, error)

	// Receipt returns the receipt of a logged statement.
	Receipt func(ctx context.Context, id entry.StatementID) (*proof.Receipt, error)

	// Erasures lists the requests of this jurisdiction that are neither
	// cancelled nor complete.
	Erasures func() ([]entry.StatementID, error)

	// Erasure tells how far one has come, open or not.
	Erasure func(request entry.StatementID) (p Progress, ok bool, err error)

	// Members lists the nodes placed in this jurisdiction.
	Members func() ([]Member, error)

	// Sign signs a statement with this node's author key.
	Sign func(d entry.Draft) (*entry.Statement, error)

	// Attest signs a message that is no statement with the same key; see
	// AttestWith.
	Attest func(message []byte) (signature []byte, err error)
}

// Validate names every function that is missing.
func (e Env) Validate() error {
	return missing("Env.", map[string]bool{
		"Propose": e.Propose == nil, "Barrier": e.Barrier == nil, "Leads": e.Leads == nil,
		"Append": e.Append == nil, "Tick": e.Tick == nil, "Entry": e.Entry == nil, "At": e.At == nil,
		"Owner": e.Owner == nil, "Receipt": e.Receipt == nil, "Erasures": e.Erasures == nil,
		"Erasure": e.Erasure == nil, "Members": e.Members == nil, "Sign": e.Sign == nil, "Attest": e.Attest == nil,
	})
}

// AttestWith makes Env.Attest from a node's author key: an Ed25519 signature,
// or a P-256 one over SHA-256, in ASN.1.
func AttestWith(random io.Reader, key crypto.Signer) func(message []byte) ([]byte, error) {
	return func(message []byte) ([]byte, error) {
		hash := crypto.SHA256
		digest := message
		if _, ok := key.Public().(ed25519.PublicKey); ok {
			hash = 0
		} else {
			sum := sha256.Sum256(message)
			digest = sum[:]
		}
		signature, err := key.Sign(random, digest, hash)
		if err != nil {
			return nil, fmt.Errorf("vault: attest: %w", err)
		}
		return signature, nil
	}
}
