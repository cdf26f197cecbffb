package edge

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"runtime/debug"
	"time"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// RetryDelay is what a caller is told to wait when nothing better is known.
const RetryDelay = 100 * time.Millisecond

// Answer is a refusal with what the caller needs beside it. It is an error, so
// that handlers can return one.
type Answer struct {
	*entry.Refusal
	Wait   time.Duration   // before the next attempt; 0 says nothing of it
	Beside []proto.Message // details of the schema
}

// Unwrap makes the refusal visible to errors.As.
func (a Answer) Unwrap() error { return a.Refusal }

// Overloaded answers that a bound is reached: which one, and when to come back.
func Overloaded(bound indeliblev1.Bound, text string, wait time.Duration) Answer {
	wait = max(wait, time.Millisecond)
	return Answer{
		Refusal: entry.Refuse(entry.CodeOverloaded, "%s", text), Wait: wait,
		Beside: []proto.Message{&indeliblev1.Overload{Bound: bound, RetryAfterMs: uint64(wait.Milliseconds())}},
	}
}

// Answer finds what an error amounts to. Errors that are not foreseen
// become an incident.
func (e *Edge) Answer(ctx context.Context, procedure string, err error) Answer {
	var a Answer
	var r *entry.Refusal
	switch {
	case errors.As(err, &a):
		if a.Wait > 0 {
			return a
		}
		out := RefusalAnswer(Known(a.Refusal))
		out.Beside = append(out.Beside, a.Beside...)
		return out
	case errors.As(err, &r):
		return RefusalAnswer(Known(r))
	}
	if a, ok := e.cfg.Foreseen(err); ok {
		return a
	}
	for _, s := range ended {
		if errors.Is(err, s.err) {
			return Answer{Refusal: wire.Refuse(s.code)}
		}
	}
	if r := fromConnect(err); r != nil {
		return Answer{Refusal: r}
	}
	r = wire.Refuse(wire.CodeIncident)
	r.Text += " Incident " + e.Incident(ctx, procedure, err) + "."
	return Answer{Refusal: r}
}

// ended are the errors of a call whose time is over.
var ended = []struct {
	err  error
	code entry.Code
}{{context.Canceled, wire.CodeCancelled}, {context.DeadlineExceeded, wire.CodeDeadline}}

// RefusalAnswer is the answer of a refusal that came without details. Of the bounds
// below the edge only those of a vault are told that way.
func RefusalAnswer(r *entry.Refusal) Answer {
	switch r.Code {
	case entry.CodeOverloaded:
		return Overloaded(indeliblev1.Bound_BOUND_VAULT, r.Text, RetryDelay)
	case wire.CodeNoLeader, entry.CodeOutcomeUnknown:
		return Answer{Refusal: r, Wait: RetryDelay}
	}
	return Answer{Refusal: r}
}

// Known keeps codes that have a row and turns the rest into what they are: a
// fault of ours.
func Known(r *entry.Refusal) *entry.Refusal {
	if _, ok := wire.Meaning(r.Code); ok {
		return r
	}
	return wire.Refuse(wire.CodeIncident)
}

// Incident writes down what happened under a number and returns the number.
func (e *Edge) Incident(ctx context.Context, procedure string, err error) string {
	id := "unnumbered"
	var number [8]byte
	if _, randErr := io.ReadFull(e.cfg.Rand, number[:]); randErr == nil {
		id = hex.EncodeToString(number[:])
	}
	e.metrics.incidents.Inc()
	e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "incident",
		slog.String("incident", id), slog.String("procedure", procedure), slog.String("fault", err.Error()))
	return id
}

// errPanic is what a panic becomes on its way to the table.
var errPanic = errors.New("edge: a handler panicked")

// Guarded runs a call, or a part of one that has a goroutine of its own, and
// makes an error of a panic. The panic's value may hold input and is dropped.
func (e *Edge) Guarded(ctx context.Context, procedure string, part func() error) (err error) {
	defer func() {
		if recover() == nil {
			return
		}
		err = errPanic
		e.metrics.panics.Inc()
		// The stack names functions and lines only.
		e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "panic",
			slog.String("procedure", procedure), slog.String("stack", string(debug.Stack())))
	}()
	return part()
}

// Error is the error a caller gets. It is nil for nil.
func (e *Edge) Error(ctx context.Context, procedure string, err error) error {
	if err == nil {
		return nil
	}
	a := e.Answer(ctx, procedure, err)
	e.metrics.refused(a.Code)
	row, _ := wire.Meaning(a.Code) // an answer has no other code
	out := connect.NewError(row.Connect, a.Refusal)
	e.attach(out, WireRefusal(a.Refusal))
	if a.Wait > 0 {
		e.attach(out, &errdetails.RetryInfo{RetryDelay: durationpb.New(a.Wait)})
	}
	for _, detail := range a.Beside {
		e.attach(out, detail)
	}
	return out
}

func (e *Edge) attach(to *connect.Error, message proto.Message) {
	detail, err := connect.NewErrorDetail(message)
	if err != nil {
		e.cfg.Logger.LogAttrs(context.Background(), slog.LevelError, "an error detail could not be encoded",
			slog.String("message", string(message.ProtoReflect().Descriptor().FullName())))
		return
	}
	to.AddDetail(detail)
}

// WireRefusal is a refusal as callers see it.
func WireRefusal(r *entry.Refusal) *indeliblev1.Refusal {
	row, _ := wire.Meaning(r.Code)
	return &indeliblev1.Refusal{
		Code: string(r.Code), Text: r.Text, NotDone: row.NotDone, Next: row.Next, Retryable: r.Retryable,
	}
}

// fromConnect translates what the RPC library itself refuses: a message that
// breaks the schema's rules or the size limit, a call that ended. Its texts are
// dropped, except the path of the field that broke a rule.
func fromConnect(err error) *entry.Refusal {
	var invalid *protovalidate.ValidationError
	if errors.As(err, &invalid) {
		return fromViolations(invalid)
	}
	var c *connect.Error
	if !errors.As(err, &c) {
		return nil
	}
	switch c.Code() {
	case connect.CodeResourceExhausted:
		return wire.Refuse(wire.CodeRequestTooLarge)
	case connect.CodeInvalidArgument:
		return wire.Refuse(wire.CodeRequestMalformed)
	case connect.CodeCanceled:
		return wire.Refuse(wire.CodeCancelled)
	case connect.CodeDeadlineExceeded:
		return wire.Refuse(wire.CodeDeadline)
	case connect.CodeUnimplemented:
		return wire.Refuse(wire.CodeUnknownRPC)
	}
	return nil
}

// fromViolations names the first field that broke a rule and the rule; a rule
// about several fields is one of the request. Neither holds bytes of the input:
// paths are names and positions, our schema has no maps, and the rules' texts are
// constant.
func fromViolations(invalid *protovalidate.ValidationError) *entry.Refusal {
	r := wire.Refuse(wire.CodeRequestInvalid)
	if len(invalid.Violations) == 0 {
		return r
	}
	v, in := invalid.Violations[0].Proto, "The request"
	if path := protovalidate.FieldPathString(v.GetField()); path != "" {
		in = "Field " + path
	}
	r.Text = in + ": " + v.GetMessage() + "."
	return r
}
