package ledger

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/state"
	"indelible/proof"
)

// MaxFaults is how many faults a report names at most; more are only counted.
const MaxFaults = 64

// fsckBatch is how many entries are folded at a time: enough for the signatures
// to be verified in full batches.
const fsckBatch = proof.TileWidth

// Fault is one thing that is not as the entries say.
type Fault struct {
	Index uint64 // the entry whose row it is, or from which on nothing can be trusted
	Row   string // which sort of row
	What  string
}

// Report is what a check of a whole ledger found.
type Report struct {
	Size   uint64     // entries that could be read
	Root   proof.Hash // of the entries folded
	Folded uint64     // entries folded before the first that did not fit; Size if all did
	Rows   uint64     // rows compared
	Faults []Fault    // in the order of Index; none in a sound ledger
	Found  uint64     // faults found, named or not
}

// Sound reports whether nothing was found.
func (r *Report) Sound() bool { return r.Found == 0 }

// Err is nil for a sound ledger and names the first bad index otherwise.
func (r *Report) Err() error {
	if r.Sound() {
		return nil
	}
	f := r.Faults[0]
	return fmt.Errorf("ledger: entry %d is the first of %d faults: %s: %s", f.Index, r.Found, f.Row, f.What)
}

// Check says how a ledger is checked.
type Check struct {
	Verifier *entry.Verifier // required; a fresh one trusts nothing that was verified before
	Logger   *slog.Logger    // required

	// Scratch is an empty place for the state that is folded anew, never
	// removed; about as large as the ledger. Nil means memory.
	Scratch    vfs.FS
	ScratchDir string

	// Progress, if set, is told now and then how many entries are folded.
	Progress func(done, total uint64)
}

// Fsck recomputes everything that is stored in db from the bytes of its entries:
// it folds them into a fresh ledger, signatures and all rules included, and
// compares every row. What cannot be recomputed from entries, the seal times
// and ticks of commands, is taken as given. The error is for what kept it from
// checking; what it found stands in the report.
func Fsck(ctx context.Context, db pebble.Reader, c Check) (*Report, error) {
	if c.Verifier == nil || c.Logger == nil {
		return nil, errors.New("ledger: a check needs a verifier and a logger")
	}
	f := &fsck{db: db, check: c, report: &Report{}}
	err := f.run(ctx)
	slices.SortStableFunc(f.report.Faults, func(a, b Fault) int { return cmp.Compare(a.Index, b.Index) })
	return f.report, err
}

// Fsck checks the ledger as it is committed now; applying may go on.
func (l *Ledger) Fsck(ctx context.Context, progress func(done, total uint64)) (report *Report, err error) {
	snapshot := l.db.NewSnapshot()
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	return Fsck(ctx, snapshot, Check{
		Verifier: entry.NewVerifier(entry.VerifierConfig{}), Logger: l.log, Progress: progress,
	})
}

// FsckDir checks the ledger in a directory, opened for reading only; no node may
// be using it.
func FsckDir(ctx context.Context, o state.Options, c Check) (report *Report, err error) {
	o.ReadOnly = true
	db, err := state.Open(o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return Fsck(ctx, db, c)
}

type fsck struct {
	db     pebble.Reader
	check  Check
	report *Report
	fresh  *Ledger
}

func (f *fsck) fault(index uint64, prefix byte, format string, args ...any) {
	f.report.Found++
	name, ok := rowNames[prefix]
	if !ok {
		name = "unknown"
	}
	fault := Fault{Index: index, Row: name, What: fmt.Sprintf(format, args...)}
	if len(f.report.Faults) < MaxFaults {
		f.report.Faults = append(f.report.Faults, fault)
		return
	}
	// Keep the lowest: the first bad index must be named.
	worst := 0
	for i := range f.report.Faults {
		if f.report.Faults[i].Index > f.report.Faults[worst].Index {
			worst = i
		}
	}
	if fault.Index < f.report.Faults[worst].Index {
		f.report.Faults[worst] = fault
	}
}

func (f *fsck) run(ctx context.Context) (err error) {
	if f.report.Size, err = f.size(); err != nil {
		return err
	}
	ok, err := f.found(ctx)
	if err != nil || !ok {
		return err
	}
	defer func() { err = errors.Join(err, f.fresh.Close()) }()
	if err := f.fold(ctx); err != nil {
		return err
	}
	if f.report.Root, err = f.fresh.Root(f.report.Folded); err != nil {
		return err
	}
	return f.compare(ctx)
}

// size counts the leaves from index 0 on, without trusting the meta row.
func (f *fsck) size() (uint64, error) {
	key, _, err := lastBelow(f.db, []byte{keyLeaf})
	if err != nil || len(key) != 1+indexSize {
		return 0, err
	}
	return lastNumber(key) + 1, nil
}

// found founds the fresh ledger; ok is false when entry 0 does not allow it.
func (f *fsck) found(ctx context.Context) (ok bool, err error) {
	leaf, err := f.leaf(0)
	if err != nil || leaf == nil {
		return false, err
	}
	founding, err := foundingOf(leaf, f.check.Verifier)
	if err != nil {
		f.fault(0, keyLeaf, "not a genesis: %v", err)
		return false, nil
	}
	fs, dir := f.check.Scratch, f.check.ScratchDir
	if fs == nil {
		fs, dir = vfs.NewMem(), "fsck"
	}
	f.fresh, err = Open(Config{
		State: state.Options{
			FS: fs, Dir: dir, Logger: f.check.Logger,
			Broken: func(reason error) {
				f.check.Logger.LogAttrs(ctx, slog.LevelError, "scratch of a check failed", slog.String("reason", reason.Error()))
			},
		},
		Genesis: founding.statement.Bytes(), Verifier: f.check.Verifier, Logger: f.check.Logger,
	})
	if err != nil {
		return false, err
	}
	f.report.Folded = 1
	return true, nil
}

// leaf reads one leaf; nil, with a fault, when it is missing.
func (f *fsck) leaf(index uint64) ([]byte, error) {
	var leaf []byte
	found, err := readRow(f.db, leafKey(index), func(row []byte) error {
		leaf = bytes.Clone(row)
		return nil
	})
	if err == nil && !found {
		f.fault(index, keyLeaf, "missing")
	}
	return leaf, err
}

// fold applies the entries, each as a command of its own ledger time, until one
// does not fit. That one is a fault; what follows cannot be judged.
func (f *fsck) fold(ctx context.Context) error {
	for next := uint64(1); next < f.report.Size; next = f.report.Folded {
		if err := ctx.Err(); err != nil {
			return err
		}
		cmds, err := f.read(next, min(next+fsckBatch, f.report.Size))
		if err != nil {
			return err
		}
		outcomes, err := f.fresh.Apply(cmds)
		if err != nil {
			return fmt.Errorf("ledger: fold entries from %d on: %w", next, err)
		}
		for i, o := range outcomes {
			index := next + uint64(i)
			if !f.fits(index, cmds[i].Time, o[0]) {
				return nil
			}
			f.report.Folded++
		}
		if uint64(len(cmds)) < min(fsckBatch, f.report.Size-next) {
			return nil
		}
		if f.check.Progress != nil {
			f.check.Progress(f.report.Folded, f.report.Size)
		}
	}
	return nil
}

// read makes commands of the leaves from (inclusive) to (exclusive), or of
// those before the first that is no leaf, which is a fault.
func (f *fsck) read(from, to uint64) ([]state.Command, error) {
	cmds := make([]state.Command, 0, to-from)
	for index := from; index < to; index++ {
		leaf, err := f.leaf(index)
		if err != nil || leaf == nil {
			return cmds, err
		}
		time, raw, err := entry.ParseLeaf(leaf)
		if err != nil || time > entry.MaxTime {
			f.fault(index, keyLeaf, "not a leaf: %v", err)
			return cmds, nil
		}
		item := Item{Statement: raw}
		if s, err := entry.Parse(raw); err == nil && s.Parts != nil {
			item.SealedAt = max(time, 1)
		}
		body, err := EncodeAppend([]Item{item})
		if err != nil {
			return cmds, err
		}
		cmds = append(cmds, state.Command{Index: index, Term: 1, Time: time, Type: CommandAppend, Body: body})
	}
	return cmds, nil
}

// fits compares what folding an entry gave with where the entry stands.
func (f *fsck) fits(index, time uint64, o Outcome) bool {
	switch {
	case o.Refusal != nil:
		f.fault(index, keyLeaf, "should have been refused: %v", error(o.Refusal))
	case o.Duplicate:
		f.fault(index, keyLeaf, "stands at index %d already", o.Index)
	case o.Index != index:
		f.fault(index, keyLeaf, "would stand at index %d", o.Index)
	case o.LedgerTime != time:
		f.fault(index, keyLeaf, "ledger time goes back from %d to %d", o.LedgerTime, time)
	default:
		return true
	}
	return false
}
