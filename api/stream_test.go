package api

import (
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// opened is a stream that has answered one batch.
func (s *site) opened(d *device) *connect.BidiStreamForClient[indeliblev1.AppendStreamRequest, indeliblev1.AppendStreamResponse] {
	t := s.t
	t.Helper()
	stream := s.people["service"].calls(home).ledger.AppendStream(t.Context())
	statement, in := d.reading()
	must(t, stream.Send(&indeliblev1.AppendStreamRequest{Submissions: []*indeliblev1.Submission{in}}))
	answer, err := stream.Receive()
	must(t, err)
	s.accepted(answer.GetOutcomes()[0], statement)
	return stream
}

// TestAStreamEndsWithItsCallersStanding: a key that is suspended or revoked
// gets nothing more in, on a stream that was opened before either. The client
// learns it without sending another message.
func TestAStreamEndsWithItsCallersStanding(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	registrar := s.people["registrar"]
	change := func(action entry.AuthorAction) {
		t.Helper()
		s.appendOpen(registrar, registrar.sign(entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
			Action: action, Author: s.people["service"].id,
		}}))
	}
	ends := func(after func(), code entry.Code) {
		t.Helper()
		stream := s.opened(d)
		after()
		size := s.log.Size()
		_, in := d.reading()
		d.seq--
		must(t, stream.Send(&indeliblev1.AppendStreamRequest{Submissions: []*indeliblev1.Submission{in}}))
		ended := make(chan error, 1)
		go func() {
			_, err := stream.Receive()
			ended <- err
		}()
		select {
		case err := <-ended:
			if refusalIn(err).GetCode() != string(code) {
				t.Fatalf("the stream goes on: %v, expected %s", err, code)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("the stream is silent until the client's next message")
		}
		if s.log.Size() != size {
			t.Fatal("the log grew")
		}
	}
	ends(func() { change(entry.AuthorSuspend) }, wire.CodeCallerSuspended)
	change(entry.AuthorResume)
	ends(func() { change(entry.AuthorRevoke) }, wire.CodeCallerRevoked)
}

// TestAStreamCountsWhatItReceives: half a message is held like a whole one, so
// that many streams with unfinished messages do not fill the node, and nothing
// stays counted after the end.
func TestAStreamCountsWhatItReceives(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	const half = 1 << 20
	body := &halting{Reader: strings.NewReader("\x00\x00\x20\x00\x00" + strings.Repeat("x", half)), more: make(chan struct{})}
	ended := make(chan wireError, 1)
	go func() {
		ended <- post(t, s.people["service"].http, s.url+"/indelible.v1.LedgerService/AppendStream", "application/connect+proto", body, wire.JurisdictionHeader, home)
	}()
	s.eventually("the half message is counted", func() bool { return gauge(t, s) == half })
	close(body.more)
	<-ended
	s.eventually("nothing stays counted", func() bool { return gauge(t, s) == 0 })
}

// TestStreamsAreTimedByBatch: how long a stream is open says nothing about how
// long a batch takes.
func TestStreamsAreTimedByBatch(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	stream := s.opened(s.patient(home))
	s.eventually("an answered batch is no longer counted", func() bool { return gauge(t, s) == 0 })
	must(t, stream.CloseRequest())
	_, err := stream.Receive()
	if err == nil {
		t.Fatal("the stream goes on")
	}
	s.eventually("the call is over", func() bool {
		return s.counted("calls_total", appendStreamProcedure, "ok") == 1
	})
	if n := s.metric("call_seconds", appendStreamProcedure).GetHistogram().GetSampleCount(); n != 1 {
		t.Fatalf("one batch was timed %d times", n)
	}
}

// TestAStreamIsToldThatTheNodeStops: at once, after the answers that are due,
// and without keeping the node from stopping.
func TestAStreamIsToldThatTheNodeStops(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	stream := s.opened(d)
	statement, in := d.reading()
	must(t, stream.Send(&indeliblev1.AppendStreamRequest{Submissions: []*indeliblev1.Submission{in}}))
	answer, err := stream.Receive()
	must(t, err)
	s.accepted(answer.GetOutcomes()[0], statement)
	ended := make(chan error, 1)
	go func() {
		_, err := stream.Receive()
		ended <- err
	}()
	s.stop()
	select {
	case err := <-ended:
		if refusalIn(err).GetCode() != string(wire.CodeNodeStopping) {
			t.Fatalf("the stream ended with %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the stream keeps the node from stopping")
	}
}

// TestAPostponedBatchSaysWhatIsKnown: refused is a promise that it is not in the
// log, and a deadline allows none.
func TestAPostponedBatchSaysWhatIsKnown(t *testing.T) {
	e, _ := newEdge(t)
	s := &Server{edge: e, metrics: newMetrics(e.Metrics(), nil, nil)}
	for code, want := range map[entry.Code]indeliblev1.Outcome_Status{
		entry.CodeOverloaded: indeliblev1.Outcome_STATUS_REFUSED, wire.CodeNoLeader: indeliblev1.Outcome_STATUS_REFUSED,
		wire.CodeDeadline: indeliblev1.Outcome_STATUS_UNKNOWN, entry.CodeOutcomeUnknown: indeliblev1.Outcome_STATUS_UNKNOWN,
	} {
		out := s.postponed(2, edge.Answer{Refusal: wire.Refuse(code), Wait: 7 * time.Second})
		if len(out.GetOutcomes()) != 2 || out.GetOutcomes()[1].GetStatus() != want || out.GetRetryAfterMs() != 7000 {
			t.Errorf("%s: %v", code, out)
		}
		if out := s.postponed(0, edge.Answer{Refusal: wire.Refuse(code)}); out.GetRetryAfterMs() == 0 {
			t.Errorf("%s: again at once", code)
		}
	}
}
