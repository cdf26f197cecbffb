package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/ledger/vault/layout"
)

// errUnknownCommand stops a node that meets a command of a later version.
var errUnknownCommand = errors.New("a command this program does not know")

// Change is what a batch of commands means to those who hold keys or names in
// memory.
type Change struct {
	TreeWritten bool     // nodes were written anew; opened ones are outdated
	KeysDied    bool     // keys were condemned, or left the tree
	Due         bool     // there is something for the worker to do
	Persons     []uint64 // subjects whose identity key was condemned
}

// applier folds the commands of one batch. It remembers the first error of a
// read or a write, and fold asks for it after each command: then the batch is
// dropped with all that was written into it, no result is given out, and the
// node stops. So no command looks at errors, and what one decides after an error
// has no effect.
type applier struct {
	View
	s      *Store
	b      *pebble.Batch
	now    uint64 // the command's time, Unix milliseconds
	answer []byte // the command's, for its proposer
	change Change
	err    error
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
	results, change, err := s.fold(b, cmds)
	if err := errors.Join(err, b.Close()); err != nil {
		return nil, err
	}
	if change.TreeWritten || change.KeysDied || change.Due || len(change.Persons) > 0 {
		s.tell(change)
	}
	return results, nil
}

func (s *Store) fold(b *pebble.Batch, cmds []state.Command) ([]Result, Change, error) {
	a := &applier{View: View{b}, s: s, b: b}
	results := make([]Result, len(cmds))
	from := s.db.Applied()
	to := from
	for i, c := range cmds {
		if c.Index <= to.Index {
			continue
		}
		p, err := Decode(Command{c.Type, c.Body})
		if err == nil {
			a.now, a.answer = c.Time, nil
			refusal := p.apply(a)
			results[i] = Result{Refusal: refusal, Value: a.answer}
			err = a.err
		}
		if err != nil {
			return nil, Change{}, fmt.Errorf("vault: apply command of type %d at %d: %w", c.Type, c.Index, err)
		}
		to = state.Applied{Index: c.Index, Term: c.Term}
	}
	if to.Index == from.Index {
		return results, Change{}, nil
	}
	return results, a.change, s.db.Commit(b, to)
}

// outdated is the answer to a command built on a state that has moved on: the
// proposer reads again and builds a new one.
func outdated(what string) *entry.Refusal {
	return entry.Refuse(entry.CodeWrongState, "%s changed while the command was under way", what)
}

// UnlessOutdated drops the refusal of a command built on a state that has moved
// on; any other error it returns.
func UnlessOutdated(err error) error {
	if errors.Is(err, &entry.Refusal{Code: entry.CodeWrongState}) {
		return nil
	}
	return err
}

// Erased is the refusal where the keys that are asked for are gone, or are to
// go.
func Erased() *entry.Refusal {
	return entry.Refuse(entry.CodeSubjectErased, "the subject's erasure was requested, or its keys are destroyed")
}

// fail notes the first error.
func (a *applier) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// found is a row that an invariant says exists; where the state is broken, an
// empty one.
func found[T any](a *applier, row *T, err error) *T {
	if row != nil {
		return row
	}
	if err == nil {
		err = layout.ErrMalformed
	}
	a.fail(err)
	return new(T)
}

// read gives an answer of View, and notes its error; so do readAt and is.
func read[T any](a *applier, f func() (T, error)) T {
	t, err := f()
	a.fail(err)
	return t
}

func readAt[K, T any](a *applier, f func(K) (T, error), at K) T {
	t, err := f(at)
	a.fail(err)
	return t
}

func (a *applier) is(yes bool, err error) bool {
	a.fail(err)
	return yes
}

func (a *applier) has(k []byte) bool { return a.is(a.View.has(k)) }

func (a *applier) set(k, value []byte) {
	if err := a.b.Set(k, value, nil); err != nil {
		a.fail(fmt.Errorf("vault: write row %q: %w", k[:1], err))
	}
}

func (a *applier) put(k []byte, row any) { a.set(k, layout.Encode(row)) }

func (a *applier) delete(k []byte) {
	if err := a.b.Delete(k, nil); err != nil {
		a.fail(fmt.Errorf("vault: delete row %q: %w", k[:1], err))
	}
}

// drop deletes every row with a prefix.
func (a *applier) drop(prefix []byte) { a.dropRange(prefix, state.After(prefix)) }

func (a *applier) dropRange(lower, upper []byte) {
	if err := a.b.DeleteRange(lower, upper, nil); err != nil {
		a.fail(fmt.Errorf("vault: delete rows %q: %w", lower[:1], err))
	}
}
