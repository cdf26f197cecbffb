package edge

import (
	"context"
	"net/http"

	"connectrpc.com/connect"
)

// answering is the outermost interceptor: whatever comes out of a handler or of
// the interceptors within leaves as a row of the one table, counted.
type answering struct{ edge *Edge }

// WrapUnary implements connect.Interceptor.
func (a *answering) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		response, err := next(ctx, request)
		return response, a.done(ctx, request.Spec().Procedure, err)
	}
}

// WrapStreamingClient implements connect.Interceptor. The node is no client.
func (a *answering) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (a *answering) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return a.done(ctx, conn.Spec().Procedure, next(ctx, conn))
	}
}

func (a *answering) done(ctx context.Context, procedure string, err error) error {
	answer := a.edge.Error(ctx, procedure, err)
	code := "ok"
	if answer != nil {
		code = connect.CodeOf(answer).String()
	}
	a.edge.metrics.calls.WithLabelValues(procedure, code).Inc()
	return answer
}

// recovered is told of a panic. Its value may hold input and is dropped.
func (a *answering) recovered(ctx context.Context, spec connect.Spec, _ http.Header, _ any) error {
	return a.edge.panicked(ctx, spec.Procedure)
}

// strict refuses messages that do not decode or carry unknown fields. It also
// makes sure that no handler runs without having passed the gate, except those
// that are open to whoever may connect.
type strict struct{ open bool }

func (s strict) gated(ctx context.Context) {
	if !s.open {
		CallerOf(ctx)
	}
}

// WrapUnary implements connect.Interceptor.
func (s strict) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		s.gated(ctx)
		if err := inspect(request.Any()); err != nil {
			return nil, err
		}
		return next(ctx, request)
	}
}

// WrapStreamingClient implements connect.Interceptor. The node is no client.
func (strict) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (s strict) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		s.gated(ctx)
		return next(ctx, &strictConn{conn})
	}
}

type strictConn struct{ connect.StreamingHandlerConn }

// Receive implements connect.StreamingHandlerConn.
func (c *strictConn) Receive(message any) error {
	if err := c.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	return inspect(message)
}
