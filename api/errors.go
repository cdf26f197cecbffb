package api

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"time"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/raft"
)

// sentinels is the one table from the errors of the packages below to codes.
// What it names INCIDENT is known and still nothing a caller can act on. An
// error that is neither here nor a refusal becomes an incident too, and the
// test that reads the sources of those packages fails until it is decided.
var sentinels = []struct {
	err  error
	code entry.Code
}{
	{raft.ErrNotLeader, wire.CodeNoLeader},
	{raft.ErrOutcomeUnknown, entry.CodeOutcomeUnknown},
	{raft.ErrStopped, wire.CodeNodeStopping},
	{raft.ErrUnknownGroup, wire.CodeNotPlacedHere},
	{raft.ErrTooLarge, entry.CodeTooLarge},
	{raft.ErrBroken, wire.CodeIncident},
	{ledger.ErrBeyond, wire.CodeSizeBeyondLog},
	{context.Canceled, wire.CodeCancelled},
	{context.DeadlineExceeded, wire.CodeDeadline},
}

// retryDelay is what a caller is told to wait when nothing better is known.
const retryDelay = 100 * time.Millisecond

// detailed is a refusal with what the caller needs beside it.
type detailed struct {
	*entry.Refusal
	beside proto.Message
}

// Unwrap makes the refusal visible to errors.As.
func (d *detailed) Unwrap() error { return d.Refusal }

// faults turns errors into answers.
type faults struct {
	rand    io.Reader
	logger  *slog.Logger
	metrics *metrics
}

// refusal finds the refusal an error amounts to, and how long to wait before
// the next attempt. Errors nobody foresaw become an incident.
func (f *faults) refusal(ctx context.Context, procedure string, err error) (*entry.Refusal, time.Duration) {
	var r *entry.Refusal
	if errors.As(err, &r) {
		return known(r), f.delay(r.Code)
	}
	var over *raft.Overloaded
	if errors.As(err, &over) {
		return wire.Refuse(entry.CodeOverloaded), over.RetryAfter
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) && s.code != wire.CodeIncident {
			return wire.Refuse(s.code), f.delay(s.code)
		}
	}
	if r := fromConnect(err); r != nil {
		return r, 0
	}
	r = wire.Refuse(wire.CodeIncident)
	r.Text += " Incident " + f.incident(ctx, procedure, err) + "."
	return r, 0
}

// known keeps codes that have a row and turns the rest into what they are: a
// fault of ours.
func known(r *entry.Refusal) *entry.Refusal {
	if _, ok := wire.Meaning(r.Code); ok {
		return r
	}
	return wire.Refuse(wire.CodeIncident)
}

func (f *faults) delay(code entry.Code) time.Duration {
	switch code {
	case entry.CodeOverloaded, wire.CodeNoLeader, entry.CodeOutcomeUnknown:
		return retryDelay
	}
	return 0
}

// incident writes down what happened under a number and returns the number.
func (f *faults) incident(ctx context.Context, procedure string, err error) string {
	id := "unnumbered"
	var number [8]byte
	if _, randErr := io.ReadFull(f.rand, number[:]); randErr == nil {
		id = hex.EncodeToString(number[:])
	}
	f.metrics.incidents.Inc()
	f.logger.LogAttrs(ctx, slog.LevelError, "incident",
		slog.String("incident", id), slog.String("procedure", procedure), slog.String("fault", err.Error()))
	return id
}

// answer is the error a caller gets. It is nil for nil.
func (f *faults) answer(ctx context.Context, procedure string, err error) error {
	if err == nil {
		return nil
	}
	r, wait := f.refusal(ctx, procedure, err)
	f.metrics.refused(r.Code)
	row, _ := wire.Meaning(r.Code) // refusal gives no other
	out := connect.NewError(row.Connect, r)
	f.attach(out, wireRefusal(r))
	if wait > 0 {
		f.attach(out, &errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
	}
	var d *detailed
	if errors.As(err, &d) {
		f.attach(out, d.beside)
	}
	return out
}

func (f *faults) attach(to *connect.Error, message proto.Message) {
	detail, err := connect.NewErrorDetail(message)
	if err != nil {
		f.logger.LogAttrs(context.Background(), slog.LevelError, "an error detail could not be encoded",
			slog.String("message", string(message.ProtoReflect().Descriptor().FullName())))
		return
	}
	to.AddDetail(detail)
}

// wireRefusal is a refusal as callers see it.
func wireRefusal(r *entry.Refusal) *indeliblev1.Refusal {
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

// fromViolations names the first field that broke a rule and the rule. Neither
// holds bytes of the input: paths are names and positions, our schema has no
// maps, and the rules' texts are constant.
func fromViolations(invalid *protovalidate.ValidationError) *entry.Refusal {
	r := wire.Refuse(wire.CodeRequestInvalid)
	if len(invalid.Violations) == 0 {
		return r
	}
	v := invalid.Violations[0].Proto
	r.Text = "Field " + protovalidate.FieldPathString(v.GetField()) + ": " + v.GetMessage() + "."
	return r
}
