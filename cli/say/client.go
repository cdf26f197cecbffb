package say

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"indelible/api/client"
	"indelible/api/wire"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// NotProven is an answer that does not hold against the pinned policy.
func NotProven(err error) *Problem {
	return Refused("NOT_PROVEN", "the server's proof does not hold: "+oneLine(err), "the answer was not believed",
		"keep the files and tell whoever answers for the log: an honest node does not send this").Because(err)
}

// Client explains why a client of a server, with the credential of a folder, did not
// get what it asked for. Errors of other kinds are returned as they are.
func Client(err error, server, credential string) error {
	var problem *Problem
	var failed *client.CallError
	var refusal *entry.Refusal
	switch {
	case err == nil, errors.As(err, &problem), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, client.ErrSplitView):
		problem = Refused("SPLIT_VIEW", "the log has shown this program two histories, both signed", "the answer was not believed",
			"keep what you have of both and tell an auditor: one of them was made to deceive somebody")
	case errors.As(err, &refusal):
		problem = refused(refusal)
		if errors.As(err, &failed) && failed.Access != nil {
			problem.What = fmt.Sprintf("%s (access entry %d)", strings.TrimSuffix(problem.What, "."), failed.Access.Receipt.Index)
		}
	case errors.Is(err, client.ErrUnknown):
		problem = refused(&entry.Refusal{Code: entry.CodeOutcomeUnknown})
	case errors.Is(err, client.ErrAnswer):
		return NotProven(err)
	case errors.As(err, &failed):
		problem = unanswered(failed, server, credential)
	default:
		return err
	}
	return problem.Because(err)
}

// refused is a refusal in the words of its code.
func refused(r *entry.Refusal) *Problem {
	meaning, _ := client.Meaning(r.Code)
	if r.Text == "" {
		r.Text = meaning.Happened
	}
	return Refused(string(r.Code), r.Text, meaning.NotDone, meaning.Next)
}

// unanswered explains a call without an answer, or with one that says nothing.
func unanswered(failed *client.CallError, server, credential string) *Problem {
	if failed.Cause == nil {
		return Unreachable(failed, fmt.Sprintf("the server %s failed (%s)", server, failed.Code),
			"ask again; what was sent before may be sent again, it is logged once")
	}
	p := &Problem{Exit: ExitUnreachable, Code: "SERVER_NOT_TRUSTED", NotDone: "nothing was sent"}
	switch failed.Cause.Kind {
	case client.CauseWrongName:
		p.What = "the server's certificate is not for the name in " + server + "; it is for " + strings.Join(failed.Cause.Names, ", ")
		p.Next = "name the server by one of these with --server; indelibled init puts those of --host into the certificate"
	case client.CauseNotTrusted:
		p.What = "the server " + server + " does not show a certificate of the authority in " + credential
		p.Next = "check that --credentials and --server belong to the same log; if they do, someone else is answering"
	case client.CauseCallerUntrusted:
		p.Code = "CERTIFICATE_REFUSED"
		p.What = "the server " + server + " does not accept the certificate in " + credential
		p.Next = "use a credential of this log that is still valid"
	case client.CauseNobodyListens:
		p.Code, p.What = "UNREACHABLE", "nobody answers at "+server
		p.Next = "start the node, or name another one with --server"
	default:
		return Unreachable(failed, fmt.Sprintf("no answer from %s (%s)", server, failed.Cause.Text),
			"check that the node runs and that --server names it; what was sent before may be sent again, it is logged once")
	}
	return p
}

// Input explains why the file of --data is no input.
func Input(path string, err error) *Problem {
	return Usage("name a file of FHIR Observations, one a line", "--data %s cannot be read: %s", path, Reason(err))
}

// Ingest explains why bringing an input into the log stopped. patience is how long
// the job was allowed to go without a reading reaching the log.
func Ingest(err error, patience time.Duration) error {
	var problem *Problem
	var refusal *entry.Refusal
	switch {
	case errors.As(err, &problem), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, ingest.ErrSourceChanged):
		return Refused("INPUT_CHANGED", "the input was changed before the place that was reached", "nothing more was ingested",
			"restore it, or give the new readings as a file of their own; adding lines at the end is fine")
	case errors.Is(err, ingest.ErrNoProgress):
		return stuck(err, patience)
	case errors.As(err, &refusal):
		return ingestRefusal(refusal).Because(err)
	}
	p := Local(err, "the ingest stopped", "run it again: it goes on where it was")
	p.NotDone = "the readings after that were not sent; those spooled are safe"
	return p
}

// stuck is a job that gave up waiting: with the log's newest reason, if it gave one.
func stuck(err error, patience time.Duration) error {
	p := Unreachable(err, "nothing reached the log for "+patience.String(),
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

// ingestReasons are what the codes of calls mean at a command that speaks as two.
var ingestReasons = map[entry.Code][2]string{
	wire.CodeCallerForbidden:    {"the role of the credential may not do this", "ingest as the ingest service, and register as a registrar (--registrar)"},
	wire.CodeCallerJurisdiction: {"the credential is not enrolled for the jurisdiction", "use one that is enrolled there, or name another --jurisdiction"},
	wire.CodeCallerUnknown:      {"the key of the credential is not enrolled in this log", "let a registrar enrol it: indelible author enrol"},
	wire.CodeNotPlacedHere:      {"the log has no such jurisdiction, or no node of it answers here", "correct --jurisdiction"},
	entry.CodeAlreadyRegistered: {"a person of the input is registered already, but not by this folder", "give the folder (--work) that registered this person: its devices can go on"},
}

func ingestRefusal(r *entry.Refusal) *Problem {
	const again = "run it again: it goes on where it was"
	p := Refused(string(r.Code), r.Text, "nothing after that was sent; the input was not moved on", "correct that and "+again)
	if known, ok := ingestReasons[r.Code]; ok {
		p.What, p.Next = known[0], known[1]
	} else if meaning, ok := entry.Meaning(r.Code); ok {
		p.Next = meaning.Next + " Then " + again
	}
	return p
}
