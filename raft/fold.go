package raft

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	hraft "github.com/hashicorp/raft"

	"indelible/ledger/state"
)

// fold is one group's state machine as the library sees it. ApplyBatch is
// called from one goroutine; Persist from another, hence mu.
type fold struct {
	db       *state.DB
	apply    applier
	fault    *fault
	watchdog watchdog
	applied  *watermark    // newest index folded in
	opened   atomic.Uint64 // term of the newest TermOpen folded in
	folded   atomic.Uint64 // commands folded in since the node was opened

	mu      sync.Mutex // one writer of db at a time
	stopped bool       // guarded by mu: an apply failed, nothing may follow

	flushed     atomic.Pointer[state.Applied] // what a power cut would leave of db
	flushedHook func() error                  // called after flushed has moved; set before the library starts
}

// newFold starts from what the state database holds on disk.
func newFold(db *state.DB, apply applier, f *fault, w watchdog) (*fold, error) {
	durable, err := db.Durable()
	if err != nil {
		return nil, fmt.Errorf("raft: read the durable position: %w", err)
	}
	fo := &fold{
		db: db, apply: apply, fault: f, watchdog: w, applied: newWatermark(db.Applied().Index),
		flushedHook: func() error { return nil },
	}
	fo.flushed.Store(&durable)
	return fo, nil
}

// position says how far the state machine has come, see groupLog.
func (f *fold) position() (durable, applied uint64) {
	applied, _ = f.applied.load()
	return f.flushed.Load().Index, applied
}

// errNotFolded answers commands behind one that could not be folded in.
var errNotFolded = errors.New("raft: not folded in, the node is stopping")

// ApplyBatch implements hraft.BatchingFSM. Effects depend on entries alone,
// never on where a batch begins or ends.
func (f *fold) ApplyBatch(logs []*hraft.Log) []any {
	defer f.watchdog.watch("fold in committed commands")()
	f.mu.Lock()
	defer f.mu.Unlock()
	results := make([]any, len(logs))
	for done := 0; done < len(logs); {
		n, err := f.step(logs[done:], results[done:])
		if err != nil || f.stopped {
			f.stop(err)
			for i := done; i < len(logs); i++ {
				results[i] = errNotFolded
			}
			return results
		}
		done += n
	}
	return results
}

func (f *fold) stop(err error) {
	f.stopped = true
	if err != nil {
		f.fault.fail("fold in a committed command", err)
	}
}

// step folds in the longest run of commands at the front, or the one entry
// that only moves the position, and says how many entries that was.
func (f *fold) step(logs []*hraft.Log, results []any) (int, error) {
	if f.stopped {
		return 0, nil
	}
	var cmds []state.Command
	for _, l := range logs {
		if l.Type != hraft.LogCommand {
			break
		}
		e, err := decodeCommand(l.Data)
		if err != nil {
			return 0, fmt.Errorf("entry %d: %w", l.Index, err)
		}
		if e.kind == commandTermOpen {
			break
		}
		cmds = append(cmds, state.Command{Index: l.Index, Term: l.Term, Time: e.time, Type: e.kind, Body: e.body})
	}
	if len(cmds) == 0 {
		return 1, f.pass(logs[0])
	}
	out, err := f.apply(cmds)
	if err != nil {
		return 0, err
	}
	if len(out) != len(cmds) {
		return 0, fmt.Errorf("%d results for %d commands", len(out), len(cmds))
	}
	copy(results, out)
	f.folded.Add(uint64(len(cmds)))
	f.applied.raise(cmds[len(cmds)-1].Index)
	return len(cmds), nil
}

// pass moves the position over an entry that is none of the state machine's
// business: a membership configuration or a term opening.
func (f *fold) pass(l *hraft.Log) error {
	to := state.Applied{Index: l.Index, Term: l.Term}
	if l.Type == hraft.LogConfiguration {
		to.ConfigIndex, to.Config = l.Index, append([]byte(nil), l.Data...)
	}
	if err := f.db.FastForward(to); err != nil {
		return err
	}
	if l.Type == hraft.LogCommand {
		f.opened.Store(l.Term)
	}
	f.applied.raise(l.Index)
	return nil
}

// Apply implements hraft.FSM; the library prefers ApplyBatch.
func (f *fold) Apply(l *hraft.Log) any { return f.ApplyBatch([]*hraft.Log{l})[0] }

// Snapshot implements hraft.FSM: the state is its own snapshot.
func (f *fold) Snapshot() (hraft.FSMSnapshot, error) { return persisted{f}, nil }

// errRestore is unreachable: state travels outside the library.
var errRestore = errors.New("raft: a state machine is never restored through the Raft library")

func (f *fold) Restore(body io.ReadCloser) error {
	f.fault.fail("restore", errRestore)
	return errors.Join(errRestore, body.Close())
}
