package edge

import (
	"context"

	"connectrpc.com/connect"
)

// answering is the outermost interceptor. It refuses messages that do not decode
// or carry unknown fields, makes sure that no handler runs without having passed
// the gate, and catches panics, whose value may hold input and is dropped.
// Whatever comes out leaves as a row of the one table, counted.
type answering struct {
	edge *Edge
	open bool // what it serves is for all who may connect
}

// WrapUnary implements connect.Interceptor.
func (a *answering) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (response connect.AnyResponse, err error) {
		err = a.done(ctx, request.Spec().Procedure, func() (err error) {
			if err = inspect(request.Any()); err == nil {
				response, err = next(ctx, request)
			}
			return err
		})
		return response, err
	}
}

// WrapStreamingClient implements connect.Interceptor. The node is no client.
func (a *answering) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (a *answering) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return a.done(ctx, conn.Spec().Procedure, func() error { return next(ctx, &strictConn{conn}) })
	}
}

func (a *answering) done(ctx context.Context, procedure string, handle func() error) error {
	return a.edge.counted(ctx, procedure, a.edge.Guarded(ctx, procedure, func() error {
		if !a.open {
			CallerOf(ctx)
		}
		return handle()
	}))
}

// strictConn inspects every message of a stream.
type strictConn struct{ connect.StreamingHandlerConn }

// Receive implements connect.StreamingHandlerConn.
func (c *strictConn) Receive(message any) error {
	if err := c.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	return inspect(message)
}
