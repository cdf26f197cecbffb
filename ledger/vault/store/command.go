package store

import (
	"reflect"
	"slices"

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
	CommandVacate        uint16 = 24 // give up allocations that were never registered
)

// Proposal is one of the commands above, before it is encoded: what a member
// proposes. Its fields, in order, are the bytes of the command.
type Proposal interface {
	apply(a *applier) *entry.Refusal
}

// proposals is the table of commands; what is not in it stops the node.
var proposals = [...]Proposal{
	CommandReserveRoot:   (*ReserveRoot)(nil),
	CommandAbandonRoot:   (*AbandonRoot)(nil),
	CommandPlant:         (*Plant)(nil),
	CommandMint:          (*Mint)(nil),
	CommandRekey:         (*Rekey)(nil),
	CommandVerdict:       (*Verdict)(nil),
	CommandDestroyRoot:   (*DestroyRoot)(nil),
	CommandAttest:        (*Attest)(nil),
	CommandMembers:       (*Members)(nil),
	CommandAllocate:      (*Allocate)(nil),
	CommandRegister:      (*Register)(nil),
	CommandPutRecords:    (*PutRecords)(nil),
	CommandRaiseGuard:    (*RaiseGuard)(nil),
	CommandBeginErasure:  (*BeginErasure)(nil),
	CommandCancelErasure: (*CancelErasure)(nil),
	CommandCondemn:       (*Condemn)(nil),
	CommandKeepStatement: (*KeepStatement)(nil),
	CommandFinishErasure: (*FinishErasure)(nil),
	CommandCondemnAudit:  (*CondemnAudit)(nil),
	CommandSetHold:       (*SetHold)(nil),
	CommandReleaseHold:   (*ReleaseHold)(nil),
	CommandSweep:         (*Sweep)(nil),
	CommandFollow:        (*Follow)(nil),
	CommandVacate:        (*Vacate)(nil),
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
	number := slices.IndexFunc(proposals[:], func(q Proposal) bool { return reflect.TypeOf(p) == reflect.TypeOf(q) })
	return Command{uint16(number), layout.Append(body, p)}
}

// Decode reads a command, strictly.
func Decode(c Command) (Proposal, error) {
	if int(c.Type) >= len(proposals) || proposals[c.Type] == nil {
		return nil, errUnknownCommand
	}
	p, ok := reflect.New(reflect.TypeOf(proposals[c.Type]).Elem()).Interface().(Proposal)
	if !ok {
		return nil, errUnknownCommand
	}
	return p, layout.Decode(c.Body, p)
}

// Result is what Apply answers to one command. It is plain data, so that a
// member may propose through the leader.
type Result struct {
	Refusal *entry.Refusal // the command changed nothing; the reason
	Value   []byte         // what the proposer reads, by type of command
}
