package api

import (
	"errors"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger"
	"indelible/ledger/entry"
)

// submission is one statement on its way into the log.
type submission struct {
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
func (sub *submission) pending() bool { return sub.logged == nil && sub.refusal == nil }

// refuse ends the way of this statement if err is a refusal; another error is a
// fault of the whole call and comes back.
func (sub *submission) refuse(err error) error {
	if err == nil {
		return nil
	}
	var r *entry.Refusal
	if !errors.As(err, &r) {
		return err
	}
	sub.refusal = edge.Known(r)
	return nil
}

// kind is the statement's kind, 0 when it could not be parsed.
func (sub *submission) kind() entry.Kind {
	if sub.statement == nil {
		return 0
	}
	return sub.statement.Kind
}

// batch is what one call hands in, and by whose leave.
type batch struct {
	server      *Server
	who         *edge.Caller
	byOpen      bool // handed in by AppendOpen
	submissions []*submission
}

// pending returns what still has a way to go.
func (b *batch) pending() []*submission {
	var open []*submission
	for _, sub := range b.submissions {
		if sub.pending() {
			open = append(open, sub)
		}
	}
	return open
}

// each runs a step for every pending statement.
func (b *batch) each(step func(*submission) error) error {
	for _, sub := range b.submissions {
		if !sub.pending() {
			continue
		}
		if err := sub.refuse(step(sub)); err != nil {
			return err
		}
	}
	return nil
}

// status is what the outcome of a statement says first.
func (sub *submission) status() indeliblev1.Outcome_Status {
	switch {
	case sub.unknown:
		return indeliblev1.Outcome_STATUS_UNKNOWN
	case sub.refusal != nil:
		return indeliblev1.Outcome_STATUS_REFUSED
	case sub.logged.Duplicate:
		return indeliblev1.Outcome_STATUS_DUPLICATE
	}
	return indeliblev1.Outcome_STATUS_ACCEPTED
}
