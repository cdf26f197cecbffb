package store

import (
	"indelible/ledger/entry"
	"indelible/ledger/vault/layout"
)

// Commands of a jurisdiction's Raft group. Type 0 belongs to package raft. A
// number once released keeps its meaning; a new command gets a new number.
const (
	CommandReserveRoot   uint16 = 1  // take the next root version id, before its key exists
	CommandAbandonRoot   uint16 = 2  // a reserved version will not be used; destroy its key
	CommandPlant         uint16 = 3  // the first node of the key tree
	CommandMint          uint16 = 4  // 64 more keys
	CommandRekey         uint16 = 5  // fresh keys on the paths of condemned keys, under a new root
	CommandVerdict       uint16 = 6  // a member has, or has not, found every living key after a rekey
	CommandDestroyRoot   uint16 = 7  // every root version below the current one is to be destroyed
	CommandAttest        uint16 = 8  // a member has destroyed a root version
	CommandMembers       uint16 = 9  // who holds this vault
	CommandAllocate      uint16 = 10 // number and keys for a subject and its slot
	CommandRegister      uint16 = 11 // the sealed rows of an allocated subject
	CommandPutRecords    uint16 = 12 // sealed records
	CommandRaiseGuard    uint16 = 13 // a rule about these slots has changed
	CommandBeginErasure  uint16 = 14 // a request is in the log: refuse new records
	CommandCancelErasure uint16 = 15 // it was cancelled
	CommandCondemn       uint16 = 16 // it is approved and its grace is over: these keys must die
	CommandKeepStatement uint16 = 17 // the bytes a node signed, kept before they are sent
	CommandFinishErasure uint16 = 18 // it is complete: drop what can no longer be opened
	CommandCondemnAudit  uint16 = 19 // the audit floor of an erased slot has passed
	CommandSetHold       uint16 = 20 // a hold is in the log
	CommandReleaseHold   uint16 = 21 // it is released
	CommandSweep         uint16 = 22 // drop records whose entry never came
	CommandFollow        uint16 = 23 // the log has been followed up to here
	CommandVacate        uint16 = 24 // give up allocations that nobody registered
)

// Proposal is one of the commands above, before it is encoded: what a member
// proposes. Its fields are its layout; which are the types is the table below.
type Proposal interface {
	layout.Fields
	number() uint16
	apply(a *applier) Result
}

// proposals is the table of commands; what is not in it stops the node.
var proposals = [...]func() Proposal{
	CommandReserveRoot:   blank[ReserveRoot],
	CommandAbandonRoot:   blank[AbandonRoot],
	CommandPlant:         blank[Plant],
	CommandMint:          blank[Mint],
	CommandRekey:         blank[Rekey],
	CommandVerdict:       blank[Verdict],
	CommandDestroyRoot:   blank[DestroyRoot],
	CommandAttest:        blank[Attest],
	CommandMembers:       blank[Members],
	CommandAllocate:      blank[Allocate],
	CommandRegister:      blank[Register],
	CommandPutRecords:    blank[PutRecords],
	CommandRaiseGuard:    blank[RaiseGuard],
	CommandBeginErasure:  blank[BeginErasure],
	CommandCancelErasure: blank[CancelErasure],
	CommandCondemn:       blank[Condemn],
	CommandKeepStatement: blank[KeepStatement],
	CommandFinishErasure: blank[FinishErasure],
	CommandCondemnAudit:  blank[CondemnAudit],
	CommandSetHold:       blank[SetHold],
	CommandReleaseHold:   blank[ReleaseHold],
	CommandSweep:         blank[Sweep],
	CommandFollow:        blank[Follow],
	CommandVacate:        blank[Vacate],
}

func blank[T any, P interface {
	*T
	Proposal
}]() Proposal {
	return P(new(T))
}

// MaxCommand bounds a command's body, bytes: with its envelope a command stays
// below 1 MiB (FORMATS §7).
const MaxCommand = 1<<20 - 64

// Command is an encoded proposal to the Raft group of one jurisdiction. It holds
// ciphertext and wrapped keys only; all that is chance in it was drawn by the
// proposer.
type Command struct {
	Type uint16
	Body []byte
}

// Encode makes the command of a proposal.
func Encode(p Proposal) Command {
	var body []byte
	if put, ok := p.(*PutRecords); ok { // by far the largest, on the hot path: allocate once
		body = make([]byte, 0, put.size())
	}
	return Command{p.number(), layout.Append(body, p)}
}

// Decode reads a command, strictly.
func Decode(c Command) (Proposal, error) {
	if int(c.Type) >= len(proposals) || proposals[c.Type] == nil {
		return nil, ErrUnknownCommand
	}
	p := proposals[c.Type]()
	return p, layout.Decode(c.Body, p)
}

// Result is what Apply answers to one command. It is plain data, so that a
// member may propose through the leader.
type Result struct {
	Refusal *entry.Refusal // the command changed nothing; the reason
	Value   []byte         // what the proposer reads, by type of command
}
