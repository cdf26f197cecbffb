package vault

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/entry"
	"indelible/ledger/state"
)

// change is what a batch of commands means to those who hold keys or names in
// memory.
type change struct {
	effect effect
	people []uint64 // subjects whose identity key was condemned
}

type effect uint8

const (
	treeGrew    effect = 1 << iota // nodes were rewritten under keys that stay
	keysDied                       // keys were condemned, or left the tree
	newPerson                      // a registration
	wakesWorker                    // the worker should look
)

// applier folds the commands of one batch.
type applier struct {
	view
	s   *Store
	b   *pebble.Batch
	now uint64 // the command's time, Unix milliseconds
	change
}

// handlers is the table of commands; what is not in it stops the node.
var handlers = [commandTypes]func(*applier, *reader) (Result, error){
	CommandReserveRoot:   handle(readReserveRoot, (*applier).reserveRoot),
	CommandAbandonRoot:   handle(readAbandonRoot, (*applier).abandonRoot),
	CommandPlant:         handle(readPlant, (*applier).plant),
	CommandMint:          handle(readMint, (*applier).mint),
	CommandRekey:         handle(readRekey, (*applier).rekey),
	CommandVerdict:       handle(readVerdict, (*applier).verdict),
	CommandDestroyRoot:   handle(readDestroyRoot, (*applier).destroyRoot),
	CommandAttest:        handle(readAttest, (*applier).attest),
	CommandMembers:       handle(readMembers, (*applier).members),
	CommandAllocate:      handle(readAllocate, (*applier).allocate),
	CommandRegister:      handle(readRegister, (*applier).register),
	CommandPutRecords:    handle(readPutRecords, (*applier).putRecords),
	CommandRaiseGuard:    handle(readRaiseGuard, (*applier).raiseGuard),
	CommandBeginErasure:  handle(readBeginErasure, (*applier).beginErasure),
	CommandCancelErasure: handle(readCancelErasure, (*applier).cancelErasure),
	CommandCondemn:       handle(readCondemn, (*applier).condemn),
	CommandKeepStatement: handle(readKeepStatement, (*applier).keepStatement),
	CommandFinishErasure: handle(readFinishErasure, (*applier).finishErasure),
	CommandCondemnAudit:  handle(readCondemnAudit, (*applier).condemnAudit),
	CommandSetHold:       handle(readSetHold, (*applier).setHold),
	CommandReleaseHold:   handle(readReleaseHold, (*applier).releaseHold),
	CommandSweep:         handle(readSweep, (*applier).sweep),
	CommandFollow:        handle(readFollow, (*applier).follow),
	CommandVacate:        handle(readVacate, (*applier).vacateAll),
}

func handle[T any](read func(*reader) T, apply func(*applier, T) (Result, error)) func(*applier, *reader) (Result, error) {
	return func(a *applier, r *reader) (Result, error) {
		c := read(r)
		if err := r.end(); err != nil {
			return Result{}, err
		}
		return apply(a, c)
	}
}

// Apply folds committed commands into the state, in one batch and one commit
// that is not synced: the Raft log is its write-ahead log. Commands at or below
// the applied position are skipped and answered by a zero Result. An error
// means that this node must stop: an unknown or malformed command, or a broken
// invariant; nothing of the batch was written. It belongs to one goroutine.
//
// Before it returns, everything in memory that a command made void is gone.
func (s *Store) Apply(cmds []state.Command) ([]Result, error) {
	b := s.db.NewIndexedBatch()
	results, done, err := s.fold(b, cmds)
	if err := errors.Join(err, b.Close()); err != nil {
		return nil, err
	}
	if done.effect != 0 {
		s.tell(done)
	}
	return results, nil
}

func (s *Store) fold(b *pebble.Batch, cmds []state.Command) ([]Result, change, error) {
	a := &applier{view: view{b}, s: s, b: b}
	results := make([]Result, len(cmds))
	from := s.db.Applied()
	to := from
	for i, c := range cmds {
		if c.Index <= to.Index {
			continue
		}
		result, err := a.apply(c)
		if err != nil {
			return nil, change{}, fmt.Errorf("vault: apply command of type %d at %d: %w", c.Type, c.Index, err)
		}
		results[i] = result
		to = state.Applied{Index: c.Index, Term: c.Term}
	}
	if to.Index == from.Index {
		return results, change{}, nil
	}
	return results, a.change, s.db.Commit(b, to)
}

var errUnknownCommand = errors.New("a command this program does not know")

func (a *applier) apply(c state.Command) (Result, error) {
	if c.Type >= commandTypes || handlers[c.Type] == nil {
		return Result{}, errUnknownCommand
	}
	a.now = c.Time
	return handlers[c.Type](a, &reader{b: c.Body})
}

// refuse is the answer to a command that changed nothing.
func refuse(code entry.Code, format string, args ...any) (Result, error) {
	return Result{Refusal: entry.Refuse(code, format, args...)}, nil
}

// outdated is the answer to a command built on a state that has moved on: the
// proposer reads again and builds a new one.
func outdated(what string) (Result, error) {
	return refuse(entry.CodeWrongState, "%s changed while the command was under way", what)
}

func number(n uint64) Result {
	var w writer
	w.u64(n)
	return Result{Value: w.b}
}

func (a *applier) set(k, value []byte) error {
	if err := a.b.Set(k, value, nil); err != nil {
		return fmt.Errorf("vault: write row %q: %w", k[:1], err)
	}
	return nil
}

func (a *applier) delete(k []byte) error {
	if err := a.b.Delete(k, nil); err != nil {
		return fmt.Errorf("vault: delete row %q: %w", k[:1], err)
	}
	return nil
}

// drop deletes every row with a prefix.
func (a *applier) drop(prefix []byte) error { return a.dropRange(prefix, after(prefix)) }

func (a *applier) dropRange(lower, upper []byte) error {
	if err := a.b.DeleteRange(lower, upper, nil); err != nil {
		return fmt.Errorf("vault: delete rows %q: %w", lower[:1], err)
	}
	return nil
}

func (a *applier) setCounters(c counters) error { return a.set(key(rowCounters), c.encode()) }

func (a *applier) setSlot(n uint64, s *slotRow) error { return a.set(key64(rowSlot, n), s.encode()) }

func (a *applier) setSubject(n uint64, s *subject) error {
	return a.set(key64(rowSubject, n), s.encode())
}
