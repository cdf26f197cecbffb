package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// ErrCallRefused says that the node will not take calls like this one from this
// caller: a wrong certificate, a role that may not, a request it does not
// understand. Nothing was done; repair the configuration and start again.
var ErrCallRefused = errors.New("client: the node refuses the call")

// ErrUnreachable says that a call failed in a way that may pass: no connection, an
// overloaded node, no leader.
var ErrUnreachable = errors.New("client: no node takes the call now")

// CallError is a call that failed as a whole, in words of this program.
// errors.Is(err, ErrCallRefused) or errors.Is(err, ErrUnreachable) says which of
// the two it is; it is neither when Refusal is about what was asked and not about
// the call, such as ALREADY_REGISTERED or SUBJECT_ERASED.
type CallError struct {
	Server     string         // Config.URL, also where another node was asked on its word
	Code       connect.Code   // of the RPC
	Refusal    *entry.Refusal // the node's reason, in our words; nil when it gave none
	RetryAfter time.Duration  // how long the node asked to wait; 0 when it did not
	Cause      *Cause         // why there was no answer; nil when there was one
	Access     *Proven        // the access entry that records the refusal of a read or a lookup; nil without one

	denied *indeliblev1.Evidence
}

// Error says what is known of the failure.
func (e *CallError) Error() string {
	switch {
	case e.Refusal != nil:
		return fmt.Sprintf("client: the call was refused (%s): %v", e.Code, e.Refusal)
	case e.Cause != nil:
		return fmt.Sprintf("client: no answer from %s: %s", e.Server, e.Cause.Text)
	}
	return fmt.Sprintf("client: the call failed (%s)", e.Code)
}

// Unwrap gives the refusal.
func (e *CallError) Unwrap() error {
	if e.Refusal == nil {
		return nil
	}
	return e.Refusal
}

// Is reports what kind of failure it is.
func (e *CallError) Is(target error) bool {
	switch target {
	case ErrUnreachable:
		return !e.final()
	case ErrCallRefused:
		return e.final() && !e.aboutSubject()
	}
	return false
}

// final says that the same call will fail again. A checkpoint that this node has not
// published yet comes later.
func (e *CallError) final() bool {
	return !errors.Is(e, errBehind) && slices.Contains([]connect.Code{
		connect.CodeUnauthenticated, connect.CodePermissionDenied, connect.CodeInvalidArgument, connect.CodeUnimplemented,
		connect.CodeFailedPrecondition, connect.CodeAlreadyExists, connect.CodeNotFound, connect.CodeOutOfRange,
	}, e.Code)
}

// aboutSubject says that the refusal is of what the call is about, not of the call.
func (e *CallError) aboutSubject() bool {
	return e.Refusal != nil && (e.Code == connect.CodeAlreadyExists || e.Refusal.Code == entry.CodeSubjectErased)
}

// RetryAfter says of an error whether the same call may succeed later, and how long
// the node asked to wait before it. It is false for what no repetition changes:
// refusals for good, a split view, a fault of this machine, the end of a context.
func RetryAfter(err error) (delay time.Duration, again bool) {
	var failed *CallError
	if !errors.As(err, &failed) || failed.final() {
		return 0, false
	}
	return failed.RetryAfter, true
}

// method is one RPC of a node.
type method[Req, Res any] func(services, context.Context, *connect.Request[Req]) (*connect.Response[Res], error)

// call makes one RPC under a jurisdiction ("" for those that need none) and follows
// placement. Its error is a *CallError or that of the context.
func call[Req, Res any](ctx context.Context, c *Client, jurisdiction string, message *Req, rpc method[Req, Res]) (*Res, error) {
	limited, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for hop := 0; ; hop++ {
		request := connect.NewRequest(message)
		if jurisdiction != "" {
			request.Header().Set(wire.JurisdictionHeader, jurisdiction)
		}
		n, base := c.node(jurisdiction)
		response, err := rpc(n, limited, request)
		if err == nil {
			return response.Msg, nil
		}
		c.leave(jurisdiction, base, err)
		if hop < maxHops && c.follow(jurisdiction, err) {
			continue
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		failed := failure(c.cfg.URL, err)
		c.explainRevision(limited, n, failed)
		return nil, failed
	}
}

// failure puts an RPC's error into words of this program.
func failure(server string, err error) *CallError {
	e := &CallError{Server: server, Code: connect.CodeOf(err)}
	refusal, denied, retry := new(indeliblev1.Refusal), new(indeliblev1.AccessDenied), new(errdetails.RetryInfo)
	if detail(err, refusal) {
		e.Refusal = InOurWords(refusal)
	}
	if detail(err, denied) {
		e.denied = denied.Access
	}
	if detail(err, retry) && retry.RetryDelay.IsValid() {
		e.RetryAfter = retry.RetryDelay.AsDuration()
	}
	var answered *connect.Error
	if !errors.As(err, &answered) || !connect.IsWireError(err) {
		e.Cause = causeOf(err)
	}
	return e
}

// follow remembers the node that an answer names as placed in a jurisdiction and
// says whether it is another one. Its certificate must be of the same pinned CA.
func (c *Client) follow(jurisdiction string, err error) bool {
	placement := new(indeliblev1.Placement)
	if jurisdiction == "" || !detail(err, placement) || placement.Jurisdiction != jurisdiction {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range placement.Nodes {
		if httpsURL(n.Url) && n.Url != c.placed[jurisdiction] {
			c.placed[jurisdiction] = n.Url
			return true
		}
	}
	return false
}

// leave forgets a node that does not answer, so that the configured one is asked
// again, which knows who took its place.
func (c *Client) leave(jurisdiction, base string, err error) {
	if code := connect.CodeOf(err); code != connect.CodeUnavailable && code != connect.CodeDeadlineExceeded {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.placed[jurisdiction] == base {
		delete(c.placed, jurisdiction)
	}
}

// detail reads the first detail of a type out of an RPC's error.
func detail(err error, into proto.Message) bool {
	var answered *connect.Error
	if !errors.As(err, &answered) {
		return false
	}
	for _, d := range answered.Details() {
		value, err := d.Value()
		if err == nil && value.ProtoReflect().Descriptor().FullName() == into.ProtoReflect().Descriptor().FullName() {
			proto.Merge(into, value)
			return true
		}
	}
	return false
}
