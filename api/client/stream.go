package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// Stream sends many batches of one jurisdiction over one call, several of them
// under way at once: the n-th answer belongs to the n-th batch. Send and Receive may
// be called from different goroutines, each from one at a time.
type Stream struct {
	c   *Client
	ctx context.Context //nolint:containedctx // of the call the stream is
	rpc *connect.BidiStreamForClient[indeliblev1.AppendStreamRequest, indeliblev1.AppendStreamResponse]

	mu   sync.Mutex
	sent [][]*Signed // batches without an answer, oldest first
}

// Stream opens a stream. It ends with ctx.
func (c *Client) Stream(ctx context.Context, jurisdiction string) *Stream {
	n, _ := c.node(jurisdiction)
	s := &Stream{c: c, ctx: ctx, rpc: n.AppendStream(ctx)}
	s.rpc.RequestHeader().Set(wire.JurisdictionHeader, jurisdiction)
	return s
}

// Send journals and sends a batch of at most 1,024 statements. io.EOF says that the
// node has ended the stream; Receive says why.
func (s *Stream) Send(list []*Signed) error {
	if err := s.c.cfg.Journal(list); err != nil {
		return err
	}
	message := &indeliblev1.AppendStreamRequest{}
	for _, one := range list {
		message.Submissions = append(message.Submissions, one.Submission())
	}
	s.mu.Lock()
	s.sent = append(s.sent, list)
	s.mu.Unlock()
	if err := s.rpc.Send(message); err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return s.failure(err)
	}
	return nil
}

// Receive waits for the answer to the oldest batch without one and returns its
// outcomes, as Submit does. A batch for which the node had no room is a *CallError
// with the code RESOURCE_EXHAUSTED: wait for RetryAfter and send it again. io.EOF
// says that every batch is answered after Close. Any other error ends the stream:
// the outcomes of the batches under way are unknown.
func (s *Stream) Receive() ([]Outcome, error) {
	answer, err := s.rpc.Receive()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, s.failure(err)
	}
	s.mu.Lock()
	if len(s.sent) == 0 {
		s.mu.Unlock()
		return nil, fmt.Errorf("%w: an answer to nothing", ErrAnswer)
	}
	list := s.sent[0]
	s.sent = s.sent[1:]
	s.mu.Unlock()
	if wait := answer.GetRetryAfterMs(); wait > 0 && len(answer.GetOutcomes()) == 0 {
		return nil, &CallError{
			Server: s.c.cfg.URL, Code: connect.CodeResourceExhausted, RetryAfter: milliseconds(wait),
			Refusal: InOurWords(&indeliblev1.Refusal{Code: string(entry.CodeOverloaded), Retryable: true}),
		}
	}
	return s.c.resolve(s.ctx, list, answer.GetOutcomes())
}

// Close says that no batch follows. Go on with Receive until io.EOF.
func (s *Stream) Close() error {
	if err := s.rpc.CloseRequest(); err != nil {
		return s.failure(err)
	}
	return nil
}

func (s *Stream) failure(err error) error {
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	return failure(s.c.cfg.URL, err)
}
