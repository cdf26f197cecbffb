package quickstart

import (
	"context"
	"errors"
	"time"

	"indelible/cli/indelible/session"
	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// How long the show waits for the node to carry an erasure out.
const (
	erasureAsk  = 50 * time.Millisecond
	erasureWait = 30 * time.Second
)

// erase erases the first subject of the input, once per directory.
func (s *show) erase(ctx context.Context) error {
	p := &s.subjects[0]
	if s.erasureBegun() {
		s.scene("One person was erased in an earlier run, once per directory; the same statements again change nothing")
	} else {
		s.scene("One person is erased, everything of them; this command plays both officers, which people never may")
	}
	signed, err := s.signedErasure(p)
	if err != nil {
		return err
	}
	request := signed.Statement.ID()
	requested, err := s.keep(s.roles[founding.Officer1].RequestErasure(ctx, signed))
	if err != nil {
		return err
	}
	s.tell("  entry %d: requested by the first officer; new records of this person are refused from here on", requested.Index)
	approval, err := s.once("erasure approval", func() (*entry.Statement, error) {
		return s.roles[founding.Officer2].SignErasureStep(p.jurisdiction, entry.StepApprove, request, entry.AuthorID{})
	})
	if err != nil {
		return err
	}
	approved, err := s.keep(s.roles[founding.Officer2].ErasureStep(ctx, approval))
	if err != nil {
		return err
	}
	s.tell("  entry %d: approved by the second; the grace of this log is 0, of a real one it is days", approved.Index)
	return s.awaitErasure(ctx, p, request)
}

// erasureKey is where the request is kept.
const erasureKey = journal + "erasure request"

// erasureBegun reports whether this directory's one erasure was requested, in
// this run or an earlier one.
func (s *show) erasureBegun() bool {
	_, begun := s.spool.Value(erasureKey)
	return begun
}

// signedErasure is the request, signed at the first run and the same ever after.
func (s *show) signedErasure(p *subject) (*ingest.Signed, error) {
	raw, err := s.spool.Once(erasureKey, func() ([]byte, error) {
		signed, err := s.roles[founding.Officer1].SignErasure(p.jurisdiction, entry.ScopeAll, []entry.Handle{p.enrolled.Handle})
		if err != nil {
			return nil, err
		}
		return ingest.EncodeSigned(signed)
	})
	if err != nil {
		return nil, err
	}
	signed, err := ingest.DecodeSigned(raw)
	if err != nil {
		return nil, err
	}
	s.erasedHandle, err = erasedHandle(signed)
	return signed, err
}

var errRequest = errors.New("the kept erasure request names nobody")

// erasedHandle is the handle the request names: the registration forgets it.
func erasedHandle(signed *ingest.Signed) (entry.Handle, error) {
	for _, o := range signed.Openings {
		opening, err := entry.ParseOpening(o.Encoded)
		if err != nil {
			return entry.Handle{}, err
		}
		handles, err := entry.ParseHandleList(opening.Content)
		if err != nil {
			return entry.Handle{}, err
		}
		if len(handles) > 0 {
			return handles[0], nil
		}
	}
	return entry.Handle{}, errRequest
}

// awaitErasure asks until the node has destroyed the keys and the log says so.
func (s *show) awaitErasure(ctx context.Context, p *subject, request entry.StatementID) error {
	ctx, cancel := context.WithTimeout(ctx, erasureWait)
	defer cancel()
	ask := time.NewTicker(erasureAsk)
	defer ask.Stop()
	for {
		state, err := s.roles[founding.Officer1].ErasureStatus(ctx, request)
		if err != nil {
			return err
		}
		if state.Complete() {
			return s.erased(p, state)
		}
		select {
		case <-ask.C:
		case <-ctx.Done():
			return say.Refused("NOT_ERASED", "the erasure is "+state.State+" and not complete", "the show stopped here",
				"run the same command again: it goes on with the same erasure")
		}
	}
}

func (s *show) erased(p *subject, state *session.Erasure) error {
	for _, step := range state.Certificate {
		if err := s.add(step); err != nil {
			return err
		}
		if body, ok := step.Statement.Body.(*entry.Erasure); ok {
			s.tellStep(step, body)
		}
	}
	s.summary.Erased = 1
	return s.onboard.Forget(p.reference)
}

func (s *show) tellStep(step *session.Entry, body *entry.Erasure) {
	switch body.Step {
	case entry.StepExecuted:
		s.tell("  entry %d: executed by the node: key tree version %d, %s, strength %s", step.Index, body.RootVersion, body.Method, body.Strength)
	case entry.StepComplete:
		s.tell("  entry %d: complete; these entries are the erasure certificate", step.Index)
	}
}
