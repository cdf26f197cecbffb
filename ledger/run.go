package ledger

import (
	"fmt"

	"indelible/ledger/entry"
)

// A device's statements name each the one before (prev). Statements so linked
// form a run, whose oldest either has no prev or waits for one that is not
// logged. Who vouches for a statement vouches for its whole run (FORMATS §1,
// "upto"), so all that must be known of a run is what its oldest waits for.
//
// Runs grow at both ends and merge; they are kept as a forest (union by rank):
// a run that was merged points to another of the same device. A device that
// sends in order has one run, whose row is written once.
type runRow struct {
	into uint64             // the run it was merged into, plus 1; 0 if it was not
	rank uint64             // bounds the depth of the forest
	next *entry.StatementID // what its oldest statement waits for; nil if that is a first one
}

type runID struct{ no, run uint64 }

func newRunTable(rows int) *table[runID, runRow] {
	return &table[runID, runRow]{
		prefix: keyRun,
		key:    func(id runID) []byte { return numberKey(keyRun, id.no, id.run) },
		kept:   newCache[runID, *runRow](rows),
		fields: func(r *runRow, f *form) {
			f.uint(&r.into)
			f.uint(&r.rank)
			f.id(&r.next)
		},
	}
}

// awaited is a statement that a device's run waits for.
type awaited struct {
	no uint64
	id entry.StatementID
}

type waitingRow struct{ run uint64 }

func newWaitingTable() *table[awaited, waitingRow] {
	return &table[awaited, waitingRow]{
		prefix: keyWaiting,
		key:    func(a awaited) []byte { return noBytesKey(keyWaiting, a.no, a.id[:]) },
		fields: func(r *waitingRow, f *form) { f.uint(&r.run) },
	}
}

// rootRun follows merges to the run that stands for all of them.
func (t *tx) rootRun(no, run uint64) (uint64, *runRow, error) {
	for {
		row, err := t.runs.get(t, runID{no, run})
		if err != nil {
			return 0, nil, err
		}
		if row == nil {
			return 0, nil, fmt.Errorf("%w: run %d is missing", errRow, run)
		}
		if row.into == 0 {
			return run, row, nil
		}
		run = row.into - 1
	}
}

// link finds the run of a statement that is about to be logged, joins the runs
// that it connects, and returns it.
func (t *tx) link(s *entry.Statement, d *device) (uint64, error) {
	older, joins, err := t.olderRun(s, d)
	if err != nil {
		return 0, err
	}
	newer, awaits, err := t.newerRun(s, d)
	if err != nil {
		return 0, err
	}
	switch {
	case joins && awaits:
		return t.merge(d.no, older, newer)
	case joins:
		return older, nil
	case awaits:
		if err := t.nowAwaits(d.no, newer, s.Prev); err != nil {
			return 0, err
		}
	default:
		newer = d.runs
		d.runs++
		if err := t.runs.put(t, runID{d.no, newer}, &runRow{next: s.Prev}); err != nil {
			return 0, err
		}
	}
	if s.Prev == nil {
		return newer, nil
	}
	d.waits = true
	return newer, t.waiting.put(t, awaited{d.no, *s.Prev}, &waitingRow{newer})
}

// olderRun is the run that a statement continues: that of its prev, or the one
// that waits for the same prev.
func (t *tx) olderRun(s *entry.Statement, d *device) (run uint64, ok bool, err error) {
	if s.Prev == nil {
		return 0, false, nil
	}
	if d.newest != nil && *d.newest == *s.Prev {
		return d.newestRun, true, nil
	}
	run, ok, err = t.runOf(*s.Prev, s.Author, d.no)
	if ok || err != nil || !d.waits {
		return run, ok, err
	}
	w, err := t.waiting.get(t, awaited{d.no, *s.Prev})
	if err != nil || w == nil {
		return 0, false, err
	}
	return w.run, true, nil
}

// newerRun is the run that waits for a statement, which it does no longer.
func (t *tx) newerRun(s *entry.Statement, d *device) (run uint64, ok bool, err error) {
	if !d.waits {
		return 0, false, nil
	}
	w, err := t.waiting.get(t, awaited{d.no, s.ID()})
	if err != nil || w == nil {
		return 0, false, err
	}
	return w.run, true, t.waiting.put(t, awaited{d.no, s.ID()}, nil)
}

// runOf is the run of a logged statement of an author; ok is false if the author
// has none of that id.
func (t *tx) runOf(id entry.StatementID, author entry.AuthorID, no uint64) (run uint64, ok bool, err error) {
	p, err := t.sids.get(t, id)
	if err != nil || p == nil {
		return 0, false, err
	}
	s, err := t.statement(p.index)
	if err != nil || s.Author != author || s.Request != nil {
		return 0, false, err
	}
	at := number{no, s.Boot, s.Seq}
	u, err := t.used.get(t, at)
	if err != nil {
		return 0, false, err
	}
	if u != nil && u.index == p.index {
		return u.run, true, nil
	}
	r, err := t.repeats.get(t, repetition{at, p.index})
	if err != nil {
		return 0, false, err
	}
	if r == nil {
		return 0, false, fmt.Errorf("%w: entry %d has no number", errRow, p.index)
	}
	return r.run, true, nil
}

// nowAwaits changes what a run's oldest statement waits for.
func (t *tx) nowAwaits(no, run uint64, next *entry.StatementID) error {
	root, row, err := t.rootRun(no, run)
	if err != nil {
		return err
	}
	return t.runs.put(t, runID{no, root}, &runRow{rank: row.rank, next: next})
}

// merge joins two runs; what the older one waits for, both do.
func (t *tx) merge(no, older, newer uint64) (uint64, error) {
	a, oldRow, err := t.rootRun(no, older)
	if err != nil {
		return 0, err
	}
	b, newRow, err := t.rootRun(no, newer)
	if err != nil || a == b {
		return a, err
	}
	rank := oldRow.rank
	if rank == newRow.rank {
		rank++
	}
	root, merged, mergedRank := a, b, newRow.rank
	if newRow.rank > oldRow.rank {
		root, merged, mergedRank, rank = b, a, oldRow.rank, newRow.rank
	}
	if err := t.runs.put(t, runID{no, merged}, &runRow{into: root + 1, rank: mergedRank}); err != nil {
		return 0, err
	}
	return root, t.runs.put(t, runID{no, root}, &runRow{rank: rank, next: oldRow.next})
}

// vouched is the one statement of a revoked author that is accepted next: the
// one its revoke names or, if that is logged, what its run waits for; nil when
// nothing is missing.
func (t *tx) vouched(author *Author) (*entry.StatementID, error) {
	p, err := t.sids.get(t, *author.Upto)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return author.Upto, nil
	}
	run, ok, err := t.runOf(*author.Upto, author.ID, author.no)
	if err != nil || !ok {
		return nil, err
	}
	_, row, err := t.rootRun(author.no, run)
	if err != nil {
		return nil, err
	}
	return row.next, nil
}
