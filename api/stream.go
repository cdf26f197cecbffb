package api

import (
	"context"
	"errors"
	"io"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

type (
	appendStream = connect.BidiStream[indeliblev1.AppendStreamRequest, indeliblev1.AppendStreamResponse]
	answers      = chan *indeliblev1.AppendStreamResponse
)

// AppendStream implements indeliblev1connect.LedgerServiceHandler. Several
// batches of a stream are under way at once, at most Limits.StreamBatches;
// answers leave in the order of the requests.
func (s ledgers) AppendStream(ctx context.Context, stream *appendStream) error {
	group, ctx := errgroup.WithContext(ctx)
	turns := make(chan answers, s.limits.StreamBatches) // one for each batch under way, in order
	group.Go(func() error {
		defer close(turns)
		return s.receiveBatches(ctx, stream, turns)
	})
	group.Go(func() error { return sendAnswers(ctx, stream, turns) })
	return group.Wait()
}

// receiveBatches starts a batch for each request until the client is done.
func (s ledgers) receiveBatches(ctx context.Context, stream *appendStream, turns chan<- answers) error {
	group, ctx := errgroup.WithContext(ctx)
	for {
		if err := patience(ctx); err != nil {
			return errors.Join(err, group.Wait())
		}
		in, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return group.Wait()
		}
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		turn := make(answers, 1)
		select {
		case turns <- turn:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), group.Wait())
		}
		group.Go(func() error {
			out, err := s.takeBatch(ctx, in)
			turn <- out
			return err
		})
	}
}

// takeBatch takes one batch of a stream. What would end a unary call for the
// moment only, a full queue or an election, is an answer here, so that the
// batches behind it are not lost.
func (s ledgers) takeBatch(ctx context.Context, in *indeliblev1.AppendStreamRequest) (*indeliblev1.AppendStreamResponse, error) {
	began := s.cfg.Now()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	who, size := callerOf(ctx), int64(proto.Size(in))
	err := s.admission.hold(who.ID, size)
	var outcomes []*indeliblev1.Outcome
	if err == nil {
		defer s.admission.release(who.ID, size)
		outcomes, err = s.take(ctx, routeAppend, in.GetSubmissions(), in.GetWait())
	}
	s.metrics.seconds.WithLabelValues(appendStreamProcedure).Observe(s.cfg.Now().Sub(began).Seconds())
	if err == nil {
		return &indeliblev1.AppendStreamResponse{Outcomes: outcomes}, nil
	}
	refusal, wait := s.faults.refusal(ctx, appendStreamProcedure, err)
	if !refusal.Retryable || refusal.Code == CodeIncident || refusal.Code == CodeCancelled {
		return nil, err
	}
	return s.postponed(len(in.GetSubmissions()), refusal, wait), nil
}

// postponed answers a batch that was not taken: each of its statements with the
// same refusal, and when to try again.
func (s *Server) postponed(count int, with *entry.Refusal, wait time.Duration) *indeliblev1.AppendStreamResponse {
	out := &indeliblev1.AppendStreamResponse{RetryAfterMs: uint64(max(wait, retryDelay).Milliseconds())}
	status := indeliblev1.Outcome_STATUS_REFUSED
	if with.Code == CodeDeadline || with.Code == entry.CodeOutcomeUnknown {
		status = indeliblev1.Outcome_STATUS_UNKNOWN
	}
	for range count {
		outcome := &indeliblev1.Outcome{Status: status, Refusal: wireRefusal(with)}
		s.metrics.outcome(0, outcome)
		out.Outcomes = append(out.Outcomes, outcome)
	}
	return out
}

func sendAnswers(ctx context.Context, stream *appendStream, turns <-chan answers) error {
	for turn := range turns {
		select {
		case out := <-turn:
			if out == nil {
				return nil // its error ends the stream
			}
			if err := stream.Send(out); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
