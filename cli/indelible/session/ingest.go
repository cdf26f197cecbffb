package session

import (
	"context"
	"errors"
	"time"

	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// IngestProblem explains why bringing an input into the log stopped. patience is
// how long the job was allowed to go without a reading reaching the log.
func IngestProblem(err error, patience time.Duration) error {
	var problem *say.Problem
	var refusal *entry.Refusal
	switch {
	case errors.As(err, &problem), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, ingest.ErrSourceChanged):
		return say.Refused("INPUT_CHANGED", "the input was changed before the place that was reached", "nothing more was ingested",
			"restore it, or give the new readings as a file of their own; adding lines at the end is fine")
	case errors.Is(err, ingest.ErrNoProgress):
		return stuck(err, patience)
	case errors.As(err, &refusal):
		p := ingestRefusal(refusal)
		p.Err = err
		return p
	}
	p := say.Local(err, "the ingest stopped", "run it again: it goes on where it was")
	p.NotDone = "the readings after that were not sent; those spooled are safe"
	return p
}

// stuck is a job that gave up waiting: with the log's newest reason, if it gave one.
func stuck(err error, patience time.Duration) error {
	p := say.Unreachable(err, "nothing reached the log for "+patience.String(),
		"run it again when the server is back: it goes on where it was")
	p.NotDone = "the readings that wait were not acknowledged; they are safe in the spool"
	var refusal *entry.Refusal
	if errors.As(err, &refusal) {
		why := ingestRefusal(refusal)
		p.What += ", and the log's last word was: " + why.What
		p.Next = why.Next
	}
	return p
}

// edgeReasons are the sentences for what can be wrong with the caller, which the
// ingest side knows by code only.
var edgeReasons = map[entry.Code][2]string{
	"CALLER_FORBIDDEN":    {"the role of the credential may not do this", "ingest as the ingest service, and register as a registrar (--registrar)"},
	"CALLER_JURISDICTION": {"the credential is not enrolled for the jurisdiction", "use one that is enrolled there, or name another --jurisdiction"},
	"CALLER_UNKNOWN":      {"the key of the credential is not enrolled in this log", "let a registrar enrol it: indelible author enrol"},
	"NOT_PLACED_HERE":     {"the log has no such jurisdiction, or no node of it answers here", "correct --jurisdiction"},
}

func ingestRefusal(r *entry.Refusal) *say.Problem {
	p := say.Refused(string(r.Code), r.Text, "nothing after that was sent; the input was not moved on", "correct that and run it again: it goes on where it was")
	if r.Code == entry.CodeAlreadyRegistered {
		p.What = "a person of the input is registered already, but not by this folder"
		p.Next = "give the folder (--work) that registered this person: its devices can go on"
		return p
	}
	if known, ok := edgeReasons[r.Code]; ok {
		p.What, p.Next = known[0], known[1]
	} else if meaning, ok := entry.Meaning(r.Code); ok {
		p.Next = meaning.Next + " Then run it again: it goes on where it was"
	}
	return p
}
