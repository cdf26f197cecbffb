package api

import (
	"errors"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger"
	"indelible/ledger/entry"
)

// work is one statement on its way into the log.
type work struct {
	statement *entry.Statement // nil when it could not be parsed
	rule      *kindRule        // of the statement; not nil once it has passed read
	openings  map[entry.Class][]byte
	parts     entry.Parts
	owner     entry.Handle // whose slot holds the sealed parts; zero for parts of class series
	sealedAt  uint64       // Unix milliseconds; 0 when nothing is sealed

	logged  *ledger.Outcome // where it stands in the log, once it does
	refusal *entry.Refusal  // why it does not get there
	unknown bool            // whether it is there cannot be said now; refusal says more
}

// pending reports whether the next step still concerns it.
func (w *work) pending() bool { return w.logged == nil && w.refusal == nil }

// refuse ends the way of this statement if err is a refusal; another error is a
// fault of the whole call and comes back.
func (w *work) refuse(err error) error {
	if err == nil {
		return nil
	}
	var r *entry.Refusal
	if !errors.As(err, &r) {
		return err
	}
	w.refusal = known(r)
	return nil
}

// kind is the statement's kind, 0 when it could not be parsed.
func (w *work) kind() entry.Kind {
	if w.statement == nil {
		return 0
	}
	return w.statement.Kind
}

// batch is what one call hands in, and by whose leave.
type batch struct {
	*Server
	who    *caller
	byOpen bool // handed in by AppendOpen
	works  []*work
}

// pending returns what still has a way to go.
func (b *batch) pending() []*work {
	var open []*work
	for _, w := range b.works {
		if w.pending() {
			open = append(open, w)
		}
	}
	return open
}

// each runs a step for every pending statement.
func (b *batch) each(step func(*work) error) error {
	for _, w := range b.works {
		if !w.pending() {
			continue
		}
		if err := w.refuse(step(w)); err != nil {
			return err
		}
	}
	return nil
}

// status is what the outcome of a statement says first.
func (w *work) status() indeliblev1.Outcome_Status {
	switch {
	case w.unknown:
		return indeliblev1.Outcome_STATUS_UNKNOWN
	case w.refusal != nil:
		return indeliblev1.Outcome_STATUS_REFUSED
	case w.logged.Duplicate:
		return indeliblev1.Outcome_STATUS_DUPLICATE
	}
	return indeliblev1.Outcome_STATUS_ACCEPTED
}
