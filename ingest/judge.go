package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

const (
	firstPause = 50 * time.Millisecond
	longPause  = 10 * time.Second
	// honouredPause bounds how long a node may make a client wait.
	honouredPause = 30 * time.Second
)

// backoff spaces repeated calls: doubling pauses, the upper half of each random,
// so that clients that failed together do not come back together.
type backoff struct{ attempts int }

// next is the following pause, at least as long as the node asked for.
func (b *backoff) next(asked time.Duration) time.Duration {
	pause := longPause
	if b.attempts < 8 { // 50 ms doubled 8 times is beyond longPause
		pause = min(longPause, firstPause<<b.attempts)
	}
	b.attempts++
	pause = pause/2 + time.Duration(rand.Int64N(int64(pause/2)+1))
	return max(pause, min(asked, honouredPause))
}

// wait sleeps for the following pause or until ctx ends.
func (b *backoff) wait(ctx context.Context, asked time.Duration) error {
	return sleep(ctx, b.next(asked))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ErrCallRefused says that the node will not take calls like this one from this
// caller: a wrong certificate, a role that may not, a request it does not
// understand. Nothing left the spool; repair the configuration and start again.
var ErrCallRefused = errors.New("ingest: the node refuses the call")

// ErrUnreachable says that calls failed in a way that may pass: no connection, an
// overloaded node, no leader.
var ErrUnreachable = errors.New("ingest: no node takes the call now")

// callCode names a call's failure for a log, without a word of the node.
func callCode(err error) string { return connect.CodeOf(err).String() }

// judge says of a failed call whether it is worth repeating, and after how long.
func judge(err error) (delay time.Duration, final error) {
	var failure *connect.Error
	if !errors.As(err, &failure) || errors.Is(err, context.Canceled) {
		return 0, err // not of the call: our own disk, a split view, or the end of ctx
	}
	var refusal *entry.Refusal
	message := new(indeliblev1.Refusal)
	if detail(err, message) {
		refusal = ownRefusal(message)
	}
	code := failure.Code()
	switch code {
	case connect.CodeUnauthenticated, connect.CodePermissionDenied, connect.CodeInvalidArgument, connect.CodeUnimplemented,
		connect.CodeFailedPrecondition, connect.CodeAlreadyExists, connect.CodeNotFound, connect.CodeOutOfRange:
		switch {
		case refusal == nil:
		case code == connect.CodeAlreadyExists || refusal.Code == entry.CodeSubjectErased:
			return 0, refusal // of what the call is about, not of the call
		default:
			return 0, fmt.Errorf("%w (%s): %w", ErrCallRefused, code, refusal)
		}
		return 0, fmt.Errorf("%w (%s)", ErrCallRefused, code)
	}
	retry := new(errdetails.RetryInfo)
	if detail(err, retry) && retry.RetryDelay.IsValid() {
		return retry.RetryDelay.AsDuration(), nil
	}
	return 0, nil
}

// ownRefusal puts a node's refusal into our words: its text could hold anything,
// so for a code we know ours is taken. What the node says about trying again is
// kept.
func ownRefusal(message *indeliblev1.Refusal) *entry.Refusal {
	code := entry.Code(message.Code)
	if meaning, ok := entry.Meaning(code); ok {
		return &entry.Refusal{Code: code, Text: meaning.Happened, Retryable: message.Retryable}
	}
	if !plainCode(message.Code) {
		code = "UNKNOWN_CODE"
	}
	return &entry.Refusal{Code: code, Text: "The node gave a reason this program does not know.", Retryable: message.Retryable}
}

func plainCode(code string) bool {
	for _, c := range []byte(code) {
		if (c < 'A' || c > 'Z') && c != '_' {
			return false
		}
	}
	return code != "" && len(code) <= 40
}
