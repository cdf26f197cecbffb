package quickstart

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"indelible/api/client"
	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// broken is a promise the quickstart saw broken. It ends the show.
func broken(promise string) error {
	return say.Refused("PROMISE_BROKEN", promise, "the quickstart stopped here", "keep the directory and report it: this must not happen")
}

// shownSubject is the one whose record is read back: the one who will be erased,
// or the next when that has begun in an earlier run.
func (s *show) shownSubject() *subject {
	if !s.erasureBegun() {
		return &s.subjects[0]
	}
	if len(s.subjects) > 1 {
		return &s.subjects[1]
	}
	return nil
}

// find looks a subject up by identifier, as the clinician.
func (s *show) find(ctx context.Context, p *subject) (*client.Found, error) {
	return s.roles[founding.Clinician].Find(ctx, p.jurisdiction, p.reference, entry.PurposeTREAT)
}

// read asks for one record of a subject, as the clinician.
func (s *show) read(ctx context.Context, p *subject, handle entry.Handle) (*client.Page, error) {
	return s.roles[founding.Clinician].Read(ctx, client.ReadRequest{
		Jurisdiction: p.jurisdiction, Handle: handle, Identity: true, Purpose: entry.PurposeTREAT, Limit: 1,
	})
}

// readOne looks a person up and reads one record.
func (s *show) readOne(ctx context.Context) error {
	p := s.shownSubject()
	if p == nil {
		return nil
	}
	s.scene("A clinician looks a person up and reads one record; each is an entry before it is an answer")
	found, err := s.find(ctx, p)
	switch {
	case err != nil:
		return err
	case !found.Known:
		return broken("a registered identifier finds nobody")
	case found.Handle != p.enrolled.Handle:
		return broken("an identifier finds someone else")
	}
	s.tell("  the lookup:  %s", accessLine(found.Access))
	page, err := s.read(ctx, p, found.Handle)
	if err != nil {
		return err
	}
	s.tell("  the read:    %s", accessLine(page.Access))
	if len(page.Records) == 0 {
		return broken("a subject with readings has no record to read")
	}
	record := page.Records[0]
	original, err := ingest.Original(record.Parts)
	if err != nil || !p.originals[sha256.Sum256(original)] {
		return broken("a record that was read back is not the one that went in, byte for byte")
	}
	// What it says is not shown: standard error may end up in a file.
	s.tell("  the record:  entry %d, %d bytes, the same as went in, byte for byte", record.Receipt.Index, len(original))
	return nil
}

// accessLine says what an access entry says, which is all the log knows of it.
func accessLine(e *client.Proven) string {
	access, ok := e.Statement.Body.(*entry.Access)
	if !ok {
		return fmt.Sprintf("entry %d", e.Receipt.Index)
	}
	return fmt.Sprintf("access entry %d: %s, %s, for %s, by staff handle %s…, signed by the node",
		e.Receipt.Index, access.Action, access.Outcome, access.Purpose, access.Accessor.String()[:8])
}

// readErased shows that the erased person's record and identifier are gone, and
// that asking left its own entries.
func (s *show) readErased(ctx context.Context) error {
	p := &s.subjects[0]
	s.scene("The same clinician asks again")
	found, err := s.find(ctx, p)
	if err != nil {
		return err
	}
	if found.Known {
		return broken("the identifier of an erased person still finds someone")
	}
	s.tell("  the identifier finds nobody:  %s", accessLine(found.Access))
	page, err := s.read(ctx, p, s.erasedHandle)
	var denied *client.CallError
	switch {
	case err == nil && slices.ContainsFunc(page.Records, func(r client.Record) bool { return len(r.Parts) > 0 }):
		return broken("a record of an erased person was released")
	case err != nil && (!errors.As(err, &denied) || denied.Access == nil):
		return err
	case err == nil || !isDenial(denied.Access):
		return broken("a refused read left no access entry in the log")
	}
	s.tell("  the read is refused:          %s", accessLine(denied.Access))
	s.tell("  %s", say.AsProblem(say.Client(denied, s.url, "")).What)
	return nil
}

func isDenial(e *client.Proven) bool {
	access, ok := e.Statement.Body.(*entry.Access)
	return ok && access.Outcome != entry.OutcomePermit
}
