package client

import (
	"context"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"indelible/api"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// timed is a node of some revision.
type timed struct {
	indeliblev1connect.LedgerServiceClient
	revision uint32
	asked    int
}

func (n *timed) GetLog(context.Context, *connect.Request[indeliblev1.GetLogRequest]) (*connect.Response[indeliblev1.GetLogResponse], error) {
	n.asked++
	return connect.NewResponse(&indeliblev1.GetLogResponse{SchemaRevision: n.revision}), nil
}

// A client and a node of different times say so in plain words, where it matters.
func TestNodeAndClientOfDifferentTimes(t *testing.T) {
	if SchemaRevision != api.SchemaRevision {
		t.Errorf("the client speaks revision %d, the node of this module %d", SchemaRevision, api.SchemaRevision)
	}
	for _, c := range []struct {
		code     entry.Code
		revision uint32
		says     string
	}{
		{wire.CodeUnknownRPC, 0, "older than this program"}, {wire.CodeUnknownField, SchemaRevision - 1, "older"},
		{"SOMETHING_NEW", SchemaRevision + 1, "newer than this program"}, {wire.CodeUnknownRPC, SchemaRevision, ""},
		{wire.CodeCallerForbidden, 0, ""},
	} {
		n := &timed{revision: c.revision}
		failed := failure("https://node", pair(t, connect.CodeInvalidArgument, &indeliblev1.Refusal{Code: string(c.code), Text: canary}))
		(&Client{}).explainRevision(t.Context(), services{LedgerServiceClient: n}, failed)
		if text := failed.Refusal.Text; c.says == "" && strings.Contains(text, "this program:") || !strings.Contains(text, c.says) {
			t.Errorf("%s at revision %d: %s", c.code, c.revision, text)
		}
		if c.code == wire.CodeCallerForbidden && n.asked != 0 {
			t.Error("a plain refusal makes the client ask for the revision")
		}
	}
}
