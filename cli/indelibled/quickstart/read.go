package quickstart

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"indelible/api/client"
	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

var (
	errNotFoundAgain = errors.New("a registered identifier finds nobody")
	errOtherSubject  = errors.New("an identifier finds someone else")
	errNoRecord      = errors.New("a subject with readings has no record to read")
	errNotOriginal   = errors.New("a record that was read back is not the one that went in, byte for byte")
	errStillFound    = errors.New("the identifier of an erased person still finds someone")
	errStillReadable = errors.New("a record of an erased person was released")
	errNoDenial      = errors.New("a refused read left no access entry in the log")
)

// broken is a promise the quickstart saw broken. It ends the show.
func broken(err error) *say.Problem {
	p := say.Refused("PROMISE_BROKEN", err.Error(), "the quickstart stopped here", "keep the directory and report it: this must not happen")
	p.Err = err
	return p
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

// readOne looks a person up and reads one record, as the clinician.
func (s *show) readOne(ctx context.Context) error {
	p := s.shownSubject()
	if p == nil {
		return nil
	}
	clinician := s.roles[founding.Clinician]
	s.scene("A clinician looks a person up and reads one record; each is an entry before it is an answer")
	found, err := clinician.Find(ctx, p.jurisdiction, p.reference, entry.PurposeTREAT)
	if err != nil {
		return err
	}
	if !found.Known {
		return broken(errNotFoundAgain)
	}
	if found.Handle != p.enrolled.Handle {
		return broken(errOtherSubject)
	}
	s.tell("  the lookup:  %s", accessLine(found.Access))
	page, err := clinician.Read(ctx, client.ReadRequest{
		Jurisdiction: p.jurisdiction, Handle: found.Handle, Identity: true, Purpose: entry.PurposeTREAT, Limit: 1,
	})
	if err != nil {
		return err
	}
	s.tell("  the read:    %s", accessLine(page.Access))
	return s.showRecord(p, page)
}

func (s *show) showRecord(p *subject, page *client.Page) error {
	if len(page.Records) == 0 {
		return broken(errNoRecord)
	}
	record := page.Records[0]
	original, err := ingest.Original(record.Parts)
	if err != nil || !p.originals[sha256.Sum256(original)] {
		return broken(errNotOriginal)
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
	clinician := s.roles[founding.Clinician]
	s.scene("The same clinician asks again")
	found, err := clinician.Find(ctx, p.jurisdiction, p.reference, entry.PurposeTREAT)
	if err != nil {
		return err
	}
	if found.Known {
		return broken(errStillFound)
	}
	s.tell("  the identifier finds nobody:  %s", accessLine(found.Access))
	return s.readRefused(ctx, p)
}

func (s *show) readRefused(ctx context.Context, p *subject) error {
	page, err := s.roles[founding.Clinician].Read(ctx, client.ReadRequest{
		Jurisdiction: p.jurisdiction, Handle: s.erasedHandle, Identity: true, Purpose: entry.PurposeTREAT, Limit: 1,
	})
	if err == nil {
		for _, record := range page.Records {
			if len(record.Parts) > 0 {
				return broken(errStillReadable)
			}
		}
		return broken(errNoDenial)
	}
	var denied *client.CallError
	if !errors.As(err, &denied) || denied.Access == nil {
		return err
	}
	if access, ok := denied.Access.Statement.Body.(*entry.Access); !ok || access.Outcome == entry.OutcomePermit {
		return broken(errNoDenial)
	}
	s.tell("  the read is refused:          %s", accessLine(denied.Access))
	s.tell("  %s", say.AsProblem(say.Client(denied, s.url, "")).What)
	return nil
}
