package say_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"indelible/api/client"
	"indelible/api/wire"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// Whoever names a node by a name its certificate is not for must not be told that
// someone else is answering.
func TestAWrongNameIsNotAnImpostor(t *testing.T) {
	failed := &client.CallError{Cause: &client.Cause{Kind: client.CauseWrongName, Names: []string{"localhost", "127.0.0.1"}}}
	p := say.AsProblem(say.Client(fmt.Errorf("call: %w", failed), "https://0.0.0.0:1", "d"))
	if p.Exit != say.ExitUnreachable || !strings.Contains(p.What, "https://0.0.0.0:1; it is for localhost, 127.0.0.1") || strings.Contains(p.Next, "someone else") {
		t.Errorf("%+v", p)
	}
	failed.Cause = &client.Cause{Kind: client.CauseNotTrusted}
	if p := say.AsProblem(say.Client(failed, "https://0.0.0.0:1", "d")); !strings.Contains(p.Next, "someone else") {
		t.Errorf("another authority: %+v", p)
	}
}

// Every code a node can give has all three texts of its own for a person.
func TestRefusalsHaveTexts(t *testing.T) {
	for _, row := range wire.Codes() {
		p := say.AsProblem(say.Client(&entry.Refusal{Code: row.Code, Text: row.Happened}, "", ""))
		if p.Exit != say.ExitRefused || p.Code != string(row.Code) || p.What != row.Happened || p.NotDone != row.NotDone || p.Next != row.Next || p.Next == "" {
			t.Errorf("%s: %+v", row.Code, p)
		}
	}
}

// What stops an ingest is said in words a person can act on.
func TestWhyAnIngestStopped(t *testing.T) {
	for code, says := range map[entry.Code]string{
		"CALLER_FORBIDDEN": "role", "NOT_PLACED_HERE": "jurisdiction", "CALLER_UNKNOWN": "not enrolled",
		entry.CodeAlreadyRegistered: "--work",
	} {
		refused := fmt.Errorf("ingest: %w: %w", client.ErrCallRefused, entry.Refuse(code, "a reason"))
		p := say.AsProblem(say.Ingest(refused, time.Minute))
		if p.Exit != say.ExitRefused || p.Code != string(code) || !strings.Contains(p.What+p.Next, says) || p.NotDone == "" {
			t.Errorf("%s: %+v", code, p)
		}
		stuck := fmt.Errorf("%w: %w", ingest.ErrNoProgress, refused)
		if p := say.AsProblem(say.Ingest(stuck, time.Minute)); p.Exit != say.ExitUnreachable || !strings.Contains(p.What, "last word") {
			t.Errorf("%s, stuck: %+v", code, p)
		}
	}
	if p := say.AsProblem(say.Ingest(ingest.ErrNoProgress, time.Minute)); p.Exit != say.ExitUnreachable || strings.Contains(p.What, "last word") {
		t.Errorf("no answer at all: %+v", p)
	}
}
