package quickstart

import (
	"context"
	"errors"
	"time"

	"indelible/api/client"
	"indelible/cli/indelibled/founding"
	"indelible/cli/say"
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
	officer := s.roles[founding.Officer1]
	signed, err := s.signedErasure(p)
	if err != nil {
		return err
	}
	request := signed.Statement.ID()
	requested, err := officer.Append(ctx, signed)
	if err != nil {
		return err
	}
	s.tell("  entry %d: requested by the first officer; new records of this person are refused from here on", requested.Proven.Receipt.Index)
	approved, err := s.write(ctx, founding.Officer2, "erasure approval", entry.Draft{
		Kind: entry.KindErasure, Jurisdiction: p.jurisdiction, Body: &entry.Erasure{Step: entry.StepApprove, Request: request},
	}, nil)
	if err != nil {
		return err
	}
	s.tell("  entry %d: approved by the second; the grace of this log is 0, of a real one it is days", approved.Receipt.Index)
	return s.awaitErasure(ctx, p, request)
}

// erasureKey is where the request is kept.
const erasureKey = "erasure request"

// erasureBegun reports whether this directory's one erasure was requested, in
// this run or an earlier one.
func (s *show) erasureBegun() bool {
	_, begun := s.work.Spool.Value(journal + erasureKey)
	return begun
}

// signedErasure is the request, signed at the first run and the same afterwards.
func (s *show) signedErasure(p *subject) (*client.Signed, error) {
	var sealed map[entry.Class]client.Content
	if !s.erasureBegun() { // afterwards the registration has forgotten the handle
		content, err := entry.HandleList{p.enrolled.Handle}.EncodeContent()
		if err != nil {
			return nil, err
		}
		sealed = map[entry.Class]client.Content{entry.ClassSeries: {MediaType: entry.MediaTypeCBOR, Bytes: content}}
	}
	signed, err := s.signed(founding.Officer1, erasureKey, entry.Draft{
		Kind: entry.KindErasure, Jurisdiction: p.jurisdiction, Body: &entry.Erasure{Step: entry.StepRequest, Scope: entry.ScopeAll},
	}, sealed)
	if err != nil {
		return nil, err
	}
	s.erasedHandle, err = erasedHandle(signed)
	return signed, err
}

// erasedHandle is the handle the request names: the registration forgets it.
func erasedHandle(signed *client.Signed) (entry.Handle, error) {
	var handles entry.HandleList
	for _, o := range signed.Openings {
		opening, err := entry.ParseOpening(o.Encoded)
		if err == nil {
			handles, err = entry.ParseHandleList(opening.Content)
		}
		if err != nil {
			return entry.Handle{}, err
		}
	}
	if len(handles) == 0 {
		return entry.Handle{}, errors.New("the kept erasure request names nobody")
	}
	return handles[0], nil
}

// awaitErasure asks until the node has destroyed the keys and the log says so.
func (s *show) awaitErasure(ctx context.Context, p *subject, request entry.StatementID) error {
	ctx, cancel := context.WithTimeout(ctx, erasureWait)
	defer cancel()
	ask := time.NewTicker(erasureAsk)
	defer ask.Stop()
	for {
		state, err := s.roles[founding.Officer1].Erasure(ctx, request)
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

func (s *show) erased(p *subject, state *client.Erasure) error {
	for _, step := range state.Certificate {
		index := step.Proven.Receipt.Index
		switch body, _ := step.Proven.Statement.Body.(*entry.Erasure); {
		case body == nil:
		case body.Step == entry.StepExecuted:
			s.tell("  entry %d: executed by the node: key tree version %d, %s, strength %s", index, body.RootVersion, body.Method, body.Strength)
		case body.Step == entry.StepComplete:
			s.tell("  entry %d: complete; these entries are the erasure certificate", index)
		}
	}
	s.summary.Erased = 1
	return s.onboard.Forget(p.reference)
}
