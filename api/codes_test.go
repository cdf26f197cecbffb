package api

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/api/wire"
	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/raft"
	"indelible/test/logs"
)

// exportedErrors are the sentinels of the packages below, by name.
var exportedErrors = map[string]error{
	"raft.ErrNotLeader":      raft.ErrNotLeader,
	"raft.ErrOutcomeUnknown": raft.ErrOutcomeUnknown,
	"raft.ErrStopped":        raft.ErrStopped,
	"raft.ErrUnknownGroup":   raft.ErrUnknownGroup,
	"raft.ErrTooLarge":       raft.ErrTooLarge,
	"raft.ErrBroken":         raft.ErrBroken,
	"ledger.ErrBeyond":       ledger.ErrBeyond,
}

// TestEveryExportedErrorIsDecided reads the sources of the packages below the
// edge and fails on a sentinel nobody has put into the table.
func TestEveryExportedErrorIsDecided(t *testing.T) {
	found := 0
	for _, dir := range []string{"../raft", "../ledger", "../ledger/vault", "../ledger/state", "../ledger/entry"} {
		for _, name := range sentinelsIn(t, dir) {
			found++
			err, ok := exportedErrors[name]
			if !ok {
				t.Errorf("%s is not decided: put it into the table in errors.go and into this test", name)
				continue
			}
			decided := false
			for _, row := range sentinels {
				decided = decided || row.err == err
			}
			if !decided {
				t.Errorf("%s is missing from the table in errors.go", name)
			}
		}
	}
	if found == 0 {
		t.Fatal("no sentinel was found: the search is broken")
	}
}

func sentinelsIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, e := range entries {
		if isSource(e) {
			names = append(names, sentinelsOf(t, dir+"/"+e.Name())...)
		}
	}
	return names
}

func isSource(e fs.DirEntry) bool {
	return !e.IsDir() && strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go")
}

func sentinelsOf(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	must(t, err)
	var names []string
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.VAR {
			continue
		}
		for _, spec := range group.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if strings.HasPrefix(name.Name, "Err") {
					names = append(names, file.Name.Name+"."+name.Name)
				}
			}
		}
	}
	return names
}

// newEdge is an edge in front of nothing, and its log.
func newEdge(t *testing.T) (*edge.Edge, *logs.Buffer) {
	t.Helper()
	out := &logs.Buffer{}
	e, err := edge.New(edge.Config{
		Rand: strings.NewReader(strings.Repeat("x", 64)), Logger: slog.New(slog.NewTextHandler(out, nil)), Foreseen: foreseen,
	})
	must(t, err)
	return e, out
}

// refusalIn takes the refusal out of an error as a client sees it.
func refusalIn(err error) *indeliblev1.Refusal {
	return detailIn[*indeliblev1.Refusal](err)
}

func detailIn[M proto.Message](err error) (none M) {
	var c *connect.Error
	if !errors.As(err, &c) {
		return none
	}
	for _, detail := range c.Details() {
		if value, err := detail.Value(); err == nil {
			if m, ok := value.(M); ok {
				return m
			}
		}
	}
	return none
}

// overloadIn takes what was full out of an error as a client sees it.
func overloadIn(err error) *indeliblev1.Overload {
	return detailIn[*indeliblev1.Overload](err)
}

// TestUnforeseenErrorsBecomeIncidents: a caller learns a number and nothing
// else, the operator finds the rest under it.
func TestUnforeseenErrorsBecomeIncidents(t *testing.T) {
	for _, err := range []error{
		errors.New("disk on fire"), raft.ErrBroken, fmt.Errorf("deep: %w", raft.ErrBroken),
		&entry.Refusal{Code: "INVENTED", Text: "disk on fire"},
	} {
		e, logs := newEdge(t)
		answer := e.Error(context.Background(), "/x/Y", err)
		if connect.CodeOf(answer) != connect.CodeInternal || refusalIn(answer).GetCode() != string(wire.CodeIncident) {
			t.Errorf("%v became %v", err, answer)
		}
		if strings.Contains(answer.Error(), "fire") || strings.Contains(answer.Error(), "raft") {
			t.Errorf("the caller reads %q", answer)
		}
		if id := "7878787878787878"; err.Error()[0] != 'I' && (!strings.Contains(answer.Error(), id) || !strings.Contains(logs.String(), id)) {
			t.Errorf("the number is not in both the answer %q and the log %q", answer, logs)
		}
	}
}

func TestForeseenErrorsKeepTheirMeaning(t *testing.T) {
	cases := []struct {
		err   error
		code  entry.Code
		wire  connect.Code
		retry bool
	}{
		{fmt.Errorf("x: %w", raft.ErrOutcomeUnknown), entry.CodeOutcomeUnknown, connect.CodeUnavailable, true},
		{&raft.NotLeaderError{Leader: "n2"}, wire.CodeNoLeader, connect.CodeUnavailable, true},
		{&raft.Overloaded{RetryAfter: 7_000_000}, entry.CodeOverloaded, connect.CodeResourceExhausted, true},
		{context.Canceled, wire.CodeCancelled, connect.CodeCanceled, false},
		{entry.Refuse(entry.CodeSubjectErased, "gone"), entry.CodeSubjectErased, connect.CodeFailedPrecondition, false},
		{connect.NewError(connect.CodeResourceExhausted, errors.New("canary")), wire.CodeRequestTooLarge, connect.CodeInvalidArgument, false},
	}
	for _, c := range cases {
		e, _ := newEdge(t)
		answer := e.Error(context.Background(), "/x/Y", c.err)
		if connect.CodeOf(answer) != c.wire || refusalIn(answer).GetCode() != string(c.code) {
			t.Errorf("%v became %v", c.err, answer)
		}
		if overload := overloadIn(answer); (c.code == entry.CodeOverloaded) != (overload.GetRetryAfterMs() == 7 && overload.GetBound() == indeliblev1.Bound_BOUND_QUEUE) {
			t.Errorf("%v: %v", c.err, overload)
		}
		if got := len(answer.(*connect.Error).Details()) > 1; got != c.retry {
			t.Errorf("%v: retry detail is %v, expected %v", c.err, got, c.retry)
		}
		if strings.Contains(answer.Error(), "canary") {
			t.Errorf("the library's text came through: %v", answer)
		}
	}
}

// TestAPanicIsAnIncident: a handler that panics, here because nobody passed the
// gate, costs one call and tells nothing.
func TestAPanicIsAnIncident(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{})
	_, ungated := indeliblev1connect.NewClusterServiceHandler(handlers{s.server}, s.server.edge.Options()...)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, indeliblev1connect.ClusterServiceStatusProcedure, strings.NewReader("{}"))
	must(t, err)
	request.Header.Set("Content-Type", "application/json")
	answer := &recorder{header: http.Header{}}
	ungated.ServeHTTP(answer, request)
	if !strings.Contains(answer.body.String(), string(wire.CodeIncident)) || strings.Contains(answer.body.String(), "gate") {
		t.Fatalf("answered %s", answer.body.String())
	}
	if s.counted("panics_total") != 1 || !strings.Contains(s.logs.String(), "msg=panic") {
		t.Fatal("not counted and logged")
	}
}
