package client

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// canary is what a hostile node says wherever it can say something.
const canary = "CANARY-7f3a\x1b[2J"

func pair(t testing.TB, code connect.Code, details ...proto.Message) error {
	t.Helper()
	err := connect.NewWireError(code, errors.New(canary))
	for _, message := range details {
		detail, detailErr := connect.NewErrorDetail(message)
		if detailErr != nil {
			t.Fatal(detailErr)
		}
		err.AddDetail(detail)
	}
	return err
}

// Which failures are worth a repetition, and which are final.
func TestRetryAfter(t *testing.T) {
	retry := &errdetails.RetryInfo{RetryDelay: durationpb.New(3 * time.Second)}
	known := &indeliblev1.Refusal{Code: string(entry.CodeAlreadyRegistered), Text: canary}
	forbidden := &indeliblev1.Refusal{Code: string(entry.CodeRoleForbidden), Text: canary}
	for _, c := range []struct {
		name  string
		err   error
		delay time.Duration
		final bool
	}{
		{"unavailable", pair(t, connect.CodeUnavailable), 0, false},
		{"overloaded", pair(t, connect.CodeResourceExhausted, retry), 3 * time.Second, false},
		{"internal", pair(t, connect.CodeInternal), 0, false},
		{"deadline", pair(t, connect.CodeDeadlineExceeded), 0, false},
		{"unknown", pair(t, connect.CodeUnknown), 0, false},
		{"aborted", pair(t, connect.CodeAborted), 0, false},
		{"unauthenticated", pair(t, connect.CodeUnauthenticated), 0, true},
		{"forbidden", pair(t, connect.CodePermissionDenied, forbidden), 0, true},
		{"registered", pair(t, connect.CodeAlreadyExists, known), 0, true},
		{"misunderstood", pair(t, connect.CodeInvalidArgument), 0, true},
		{"unimplemented", pair(t, connect.CodeUnimplemented), 0, true},
		{"elsewhere", pair(t, connect.CodeFailedPrecondition), 0, true},
	} {
		failed := failure("https://node", c.err)
		delay, again := RetryAfter(failed)
		if delay != c.delay || again == c.final {
			t.Errorf("%s: %v, %v", c.name, delay, again)
		}
		if errors.Is(failed, ErrUnreachable) == c.final {
			t.Errorf("%s: unreachable is %v", c.name, !c.final)
		}
		if strings.Contains(failed.Error(), canary) {
			t.Errorf("%s repeats the node's words", c.name)
		}
	}
	for _, err := range []error{ErrSplitView, context.Canceled} {
		if _, again := RetryAfter(err); again {
			t.Errorf("%v is repeated", err)
		}
	}
	about := failure("https://node", pair(t, connect.CodeAlreadyExists, known))
	if !errors.Is(about, &entry.Refusal{Code: entry.CodeAlreadyRegistered}) || errors.Is(about, ErrCallRefused) {
		t.Errorf("a known subject: %v", about)
	}
	refused := failure("https://node", pair(t, connect.CodePermissionDenied, forbidden))
	if !errors.Is(refused, ErrCallRefused) || !errors.Is(refused, &entry.Refusal{Code: entry.CodeRoleForbidden}) {
		t.Errorf("a forbidden call: %v", refused)
	}
}

func TestForeignRefusalsAreNotRepeated(t *testing.T) {
	for code, want := range map[string]entry.Code{
		"SOMETHING_NEW": "SOMETHING_NEW", canary: "UNKNOWN_CODE", "": "UNKNOWN_CODE", strings.Repeat("A", 41): "UNKNOWN_CODE",
	} {
		r := InOurWords(&indeliblev1.Refusal{Code: code, Text: canary, Retryable: true})
		if r.Code != want || !r.Retryable || strings.Contains(r.Text, canary) {
			t.Errorf("%s gives %+v", code, r)
		}
	}
}

// For a code that is ours the text is ours, and it says what happened.
func TestKnownRefusalsAreInOurWords(t *testing.T) {
	for _, meaning := range entry.Codes() {
		r := InOurWords(&indeliblev1.Refusal{Code: string(meaning.Code), Text: canary})
		if r.Code != meaning.Code || r.Text != meaning.Happened || r.Retryable {
			t.Errorf("%s gives %+v", meaning.Code, r)
		}
	}
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Backoff
		longest := firstPause
		for range 30 {
			start := time.Now()
			if err := b.Wait(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			took := time.Since(start)
			if took < longest/2 || took > longest {
				t.Fatalf("a pause of %v, expected %v to %v", took, longest/2, longest)
			}
			longest = min(2*longest, longPause)
		}
		asked := &Backoff{}
		start := time.Now()
		if err := asked.Wait(t.Context(), 7*time.Second); err != nil || time.Since(start) != 7*time.Second {
			t.Errorf("asked for 7 s, waited %v", time.Since(start))
		}
		start = time.Now()
		if err := asked.Wait(t.Context(), 24*time.Hour); err != nil || time.Since(start) != honouredPause {
			t.Errorf("asked for a day, waited %v", time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if err := asked.Wait(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("a context of 1 s ended after %v: %v", time.Since(start), err)
		}
	})
}
