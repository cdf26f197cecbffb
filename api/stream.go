package api

import (
	"context"
	"errors"
	"io"
	"sync"

	"connectrpc.com/connect"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

type appendStream = connect.BidiStream[indeliblev1.AppendStreamRequest, indeliblev1.AppendStreamResponse]

// turn is what one batch of a stream came to. An error ends the stream.
type turn struct {
	answer *indeliblev1.AppendStreamResponse
	err    error
}

// turns are the batches under way, in the order of their requests.
type turns chan chan turn

// AppendStream implements indeliblev1connect.LedgerServiceHandler. Several
// batches of a stream are under way at once, at most Limits.StreamBatches;
// answers leave in the order of the requests. An error is told after the
// answers before it, and without waiting for the client's next message.
func (s handlers) AppendStream(ctx context.Context, stream *appendStream) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	on, under := edge.LineOf(ctx), make(turns, s.cfg.Limits.StreamBatches)
	var batches sync.WaitGroup
	batches.Go(func() {
		defer close(under)
		if err := s.edge.Guarded(ctx, appendStreamProcedure, func() error { return s.receive(ctx, stream, on, under, &batches) }); err != nil {
			under.end(ctx, err)
		}
	})
	batches.Go(func() { s.hangUpAtTheEnd(ctx, on) })
	err := under.send(stream)
	if err != nil {
		err = errors.Join(err, on.HangUp())
	}
	cancel()
	batches.Wait()
	return err
}

// hangUpAtTheEnd stops waiting for messages when the node stops: batches under
// way are answered, and the stream does not keep the node from ending.
func (s *Server) hangUpAtTheEnd(ctx context.Context, on *edge.Line) {
	select {
	case <-s.edge.Stopping():
	case <-ctx.Done():
		return
	}
	if err := on.HangUp(); err != nil {
		s.edge.Incident(ctx, appendStreamProcedure, err)
	}
}

// stops reports whether the node is about to stop.
func (s *Server) stops() bool {
	select {
	case <-s.edge.Stopping():
		return true
	default:
		return false
	}
}

// send answers in order. The first error ends it.
func (u turns) send(stream *appendStream) error {
	for next := range u {
		t := <-next
		if t.err != nil {
			return t.err
		}
		if err := stream.Send(t.answer); err != nil {
			return err
		}
	}
	return nil
}

// begin takes the next place in the order, and waits while too many are taken.
func (u turns) begin(ctx context.Context) (chan turn, error) {
	next := make(chan turn, 1)
	select {
	case u <- next:
		return next, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// end puts an error behind the answers that come before it.
func (u turns) end(ctx context.Context, err error) {
	if next, gone := u.begin(ctx); gone == nil {
		next <- turn{err: err}
	}
}

// receive starts a batch for each request until the client is done.
func (s handlers) receive(ctx context.Context, stream *appendStream, on *edge.Line, under turns, batches *sync.WaitGroup) error {
	for {
		if err := on.Patience(); err != nil {
			return err
		}
		in, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var postponed *indeliblev1.AppendStreamResponse
		switch {
		case noRoom(err):
			postponed = s.postponed(0, s.edge.Answer(ctx, appendStreamProcedure, err))
		case err == nil:
		case s.stops():
			return wire.Refuse(wire.CodeNodeStopping)
		default:
			return err
		}
		next, err := under.begin(ctx)
		if err != nil {
			return err
		}
		if postponed != nil {
			next <- turn{answer: postponed}
			continue
		}
		done := on.HandOver()
		batches.Go(func() {
			var t turn
			t.err = s.edge.Guarded(ctx, appendStreamProcedure, func() (err error) {
				defer done()
				t.answer, err = s.takeBatch(ctx, in)
				return err
			})
			next <- t
		})
	}
}

// noRoom reports whether a message was thrown away because there was no room to
// receive it: a batch of its own, and no fault of the stream.
func noRoom(err error) bool { return errors.Is(err, &entry.Refusal{Code: entry.CodeOverloaded}) }

// takeBatch takes one batch of a stream. What would end a unary call for the
// moment only, a full queue or an election, is an answer here, so that the
// batches behind it are not lost. A caller who lost its place in the log since
// the stream began loses the stream.
func (s handlers) takeBatch(ctx context.Context, in *indeliblev1.AppendStreamRequest) (*indeliblev1.AppendStreamResponse, error) {
	began := s.cfg.Now()
	ctx, cancel := context.WithTimeout(ctx, edge.CallTimeout)
	defer cancel()
	who := edge.CallerOf(ctx)
	if err := s.edge.StillMay(who, began); err != nil {
		return nil, err
	}
	outcomes, err := s.take(ctx, false, in.GetSubmissions(), in.GetWait())
	s.edge.Timed(appendStreamProcedure, s.cfg.Now().Sub(began))
	if err == nil {
		return &indeliblev1.AppendStreamResponse{Outcomes: outcomes}, nil
	}
	answer := s.edge.Answer(ctx, appendStreamProcedure, err)
	if !answer.Retryable || answer.Code == wire.CodeIncident || answer.Code == wire.CodeCancelled {
		return nil, answer
	}
	return s.postponed(len(in.GetSubmissions()), answer), nil
}

// postponed answers a batch that was not taken: each of its statements with the
// same refusal, what was full, and when to try again.
func (s *Server) postponed(count int, with edge.Answer) *indeliblev1.AppendStreamResponse {
	out := &indeliblev1.AppendStreamResponse{RetryAfterMs: uint64(max(with.Wait, edge.RetryDelay).Milliseconds())}
	for _, detail := range with.Beside {
		if overload, ok := detail.(*indeliblev1.Overload); ok {
			out.Bound = overload.GetBound()
		}
	}
	status := indeliblev1.Outcome_STATUS_REFUSED
	if with.Code == wire.CodeDeadline || with.Code == entry.CodeOutcomeUnknown {
		status = indeliblev1.Outcome_STATUS_UNKNOWN
	}
	for range count {
		outcome := &indeliblev1.Outcome{Status: status, Refusal: edge.WireRefusal(with.Refusal)}
		s.counted(0, outcome)
		out.Outcomes = append(out.Outcomes, outcome)
	}
	return out
}
