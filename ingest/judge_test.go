package ingest

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

func failure(t testing.TB, code connect.Code, details ...proto.Message) error {
	t.Helper()
	err := connect.NewError(code, errors.New(canary))
	for _, message := range details {
		detail, detailErr := connect.NewErrorDetail(message)
		if detailErr != nil {
			t.Fatal(detailErr)
		}
		err.AddDetail(detail)
	}
	return err
}

func TestJudge(t *testing.T) {
	retry := &errdetails.RetryInfo{RetryDelay: durationpb.New(3 * time.Second)}
	known := &indeliblev1.Refusal{Code: string(entry.CodeAlreadyRegistered), Text: canary}
	forbidden := &indeliblev1.Refusal{Code: string(entry.CodeRoleForbidden), Text: canary}
	for _, c := range []struct {
		name  string
		err   error
		delay time.Duration
		final bool
	}{
		{"unavailable", failure(t, connect.CodeUnavailable), 0, false},
		{"overloaded", failure(t, connect.CodeResourceExhausted, retry), 3 * time.Second, false},
		{"internal", failure(t, connect.CodeInternal), 0, false},
		{"deadline", failure(t, connect.CodeDeadlineExceeded), 0, false},
		{"unknown", failure(t, connect.CodeUnknown), 0, false},
		{"aborted", failure(t, connect.CodeAborted), 0, false},
		{"unauthenticated", failure(t, connect.CodeUnauthenticated), 0, true},
		{"forbidden", failure(t, connect.CodePermissionDenied, forbidden), 0, true},
		{"registered", failure(t, connect.CodeAlreadyExists, known), 0, true},
		{"misunderstood", failure(t, connect.CodeInvalidArgument), 0, true},
		{"unimplemented", failure(t, connect.CodeUnimplemented), 0, true},
		{"elsewhere", failure(t, connect.CodeFailedPrecondition), 0, true},
		{"split view", ErrSplitView, 0, true},
		{"ended", context.Canceled, 0, true},
	} {
		delay, final := judge(c.err)
		if delay != c.delay || (final != nil) != c.final {
			t.Errorf("%s: %v, %v", c.name, delay, final)
		}
		if final != nil && strings.Contains(final.Error(), canary) {
			t.Errorf("%s repeats the node's words", c.name)
		}
	}
	_, final := judge(failure(t, connect.CodeAlreadyExists, known))
	if !errors.Is(final, &entry.Refusal{Code: entry.CodeAlreadyRegistered}) || errors.Is(final, ErrCallRefused) {
		t.Errorf("a known subject: %v", final)
	}
	_, final = judge(failure(t, connect.CodePermissionDenied, forbidden))
	if !errors.Is(final, ErrCallRefused) || !errors.Is(final, &entry.Refusal{Code: entry.CodeRoleForbidden}) {
		t.Errorf("a forbidden call: %v", final)
	}
}

func TestForeignRefusalsAreNotRepeated(t *testing.T) {
	for code, want := range map[string]entry.Code{
		"SOMETHING_NEW": "SOMETHING_NEW", canary: "UNKNOWN_CODE", "": "UNKNOWN_CODE", strings.Repeat("A", 41): "UNKNOWN_CODE",
	} {
		r := ownRefusal(&indeliblev1.Refusal{Code: code, Text: canary, Retryable: true})
		if r.Code != want || !r.Retryable || strings.Contains(r.Text, canary) {
			t.Errorf("%s gives %+v", code, r)
		}
	}
}

// For a code that is ours the text is ours, and it says what happened.
func TestKnownRefusalsAreInOurWords(t *testing.T) {
	for _, meaning := range entry.Codes() {
		r := ownRefusal(&indeliblev1.Refusal{Code: string(meaning.Code), Text: canary})
		if r.Code != meaning.Code || r.Text != meaning.Happened || r.Retryable {
			t.Errorf("%s gives %+v", meaning.Code, r)
		}
	}
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b backoff
		longest := firstPause
		for range 30 {
			start := time.Now()
			if err := b.wait(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			took := time.Since(start)
			if took < longest/2 || took > longest {
				t.Fatalf("a pause of %v, expected %v to %v", took, longest/2, longest)
			}
			longest = min(2*longest, longPause)
		}
		asked := &backoff{}
		start := time.Now()
		if err := asked.wait(t.Context(), 7*time.Second); err != nil || time.Since(start) != 7*time.Second {
			t.Errorf("asked for 7 s, waited %v", time.Since(start))
		}
		start = time.Now()
		if err := asked.wait(t.Context(), 24*time.Hour); err != nil || time.Since(start) != honouredPause {
			t.Errorf("asked for a day, waited %v", time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if err := asked.wait(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("a context of 1 s ended after %v: %v", time.Since(start), err)
		}
	})
}
