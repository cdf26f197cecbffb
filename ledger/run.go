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

var runTable = table[runID, runRow]{
	prefix: keyRun,
	key:    func(id runID) []byte { return numberKey(keyRun, id.no, id.run) },
	fields: func(r *runRow, f *form) {
		f.uint(&r.into)
		f.uint(&r.rank)
		f.id(&r.next)
	},
}

type awaited struct {
	no uint64
	id entry.StatementID
}

type waitingRow struct{ run uint64 }

var waitingTable = table[awaited, waitingRow]{
	prefix: keyWaiting,
	key:    func(a awaited) []byte { return noBytesKey(keyWaiting, a.no, a.id[:]) },
	fields: func(r *waitingRow, f *form) { f.uint(&r.run) },
}

// rootRun follows merges to the run that stands for all of them.
func (t *tx) rootRun(no, run uint64) (uint64, *runRow) {
	for {
		row := t.runs.get(t, runID{no, run})
		if row == nil {
			t.fail(fmt.Errorf("%w: run %d is missing", errRow, run))
			return run, &runRow{}
		}
		if row.into == 0 {
			return run, row
		}
		run = row.into - 1
	}
}

// link finds the run of a statement that is about to be logged, joins the runs
// that it connects, and returns it.
func (t *tx) link(s *entry.Statement, d *device) uint64 {
	older, joins := t.olderRun(s, d)
	newer, awaits := t.newerRun(s, d)
	switch {
	case joins && awaits:
		return t.merge(d.no, older, newer)
	case joins:
		return older
	case awaits:
		t.nowAwaits(d.no, newer, s.Prev)
	default:
		newer = d.runs
		d.runs++
		t.runs.put(t, runID{d.no, newer}, &runRow{next: s.Prev})
	}
	if s.Prev != nil {
		d.waits = true
		t.waiting.put(t, awaited{d.no, *s.Prev}, &waitingRow{newer})
	}
	return newer
}

// olderRun is the run that a statement continues: that of its prev, or the one
// that waits for the same prev.
func (t *tx) olderRun(s *entry.Statement, d *device) (run uint64, ok bool) {
	if s.Prev == nil {
		return 0, false
	}
	if d.newest != nil && *d.newest == *s.Prev {
		return d.newestRun, true
	}
	if run, ok = t.runOf(*s.Prev, s.Author, d.no); ok || !d.waits {
		return run, ok
	}
	w := t.waiting.get(t, awaited{d.no, *s.Prev})
	if w == nil {
		return 0, false
	}
	return w.run, true
}

// newerRun is the run that waits for a statement, which it does no longer.
func (t *tx) newerRun(s *entry.Statement, d *device) (run uint64, ok bool) {
	if !d.waits {
		return 0, false
	}
	w := t.waiting.get(t, awaited{d.no, s.ID()})
	if w == nil {
		return 0, false
	}
	t.waiting.put(t, awaited{d.no, s.ID()}, nil)
	return w.run, true
}

// runOf is the run of a logged statement of an author; ok is false if the author
// has none of that id.
func (t *tx) runOf(id entry.StatementID, author entry.AuthorID, no uint64) (run uint64, ok bool) {
	p := t.sids.get(t, id)
	if p == nil {
		return 0, false
	}
	s := t.statement(p.index)
	if s.Author != author || s.Request != nil {
		return 0, false
	}
	at := number{no, s.Boot, s.Seq}
	if u := t.used.get(t, at); u != nil && u.index == p.index {
		return u.run, true
	}
	r := t.repeats.get(t, repetition{at, p.index})
	if r == nil {
		t.fail(fmt.Errorf("%w: entry %d has no number", errRow, p.index))
		return 0, false
	}
	return r.run, true
}

func (t *tx) nowAwaits(no, run uint64, next *entry.StatementID) {
	root, row := t.rootRun(no, run)
	t.runs.put(t, runID{no, root}, &runRow{rank: row.rank, next: next})
}

// merge joins two runs; what the older one waits for, both do.
func (t *tx) merge(no, older, newer uint64) uint64 {
	a, oldRow := t.rootRun(no, older)
	b, newRow := t.rootRun(no, newer)
	if a == b {
		return a
	}
	rank := oldRow.rank
	if rank == newRow.rank {
		rank++
	}
	root, merged, mergedRank := a, b, newRow.rank
	if newRow.rank > oldRow.rank {
		root, merged, mergedRank, rank = b, a, oldRow.rank, newRow.rank
	}
	t.runs.put(t, runID{no, merged}, &runRow{into: root + 1, rank: mergedRank})
	t.runs.put(t, runID{no, root}, &runRow{rank: rank, next: oldRow.next})
	return root
}

// vouched is the one statement of a revoked author that is accepted next: the
// one its revoke names or, if that is logged, what its run waits for; nil when
// nothing is missing.
func (t *tx) vouched(author *Author) *entry.StatementID {
	if t.sids.get(t, *author.Upto) == nil {
		return author.Upto
	}
	run, ok := t.runOf(*author.Upto, author.ID, author.no)
	if !ok {
		return nil
	}
	_, row := t.rootRun(author.no, run)
	return row.next
}
