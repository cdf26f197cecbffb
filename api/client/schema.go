package client

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
)

// SchemaRevision is the revision of the schema (api/DESIGN.md) that this client
// speaks. A node says its own in GetLog.
const SchemaRevision = 1

// explainRevision completes a refusal that comes of node and client being of
// different times: an RPC or a field the node does not know, or a code this program
// does not know. It asks the node only then.
func (c *Client) explainRevision(ctx context.Context, n services, e *CallError) {
	if e.Refusal == nil {
		return
	}
	_, known := Meaning(e.Refusal.Code)
	if known && e.Refusal.Code != wire.CodeUnknownRPC && e.Refusal.Code != wire.CodeUnknownField {
		return
	}
	answer, err := n.GetLog(ctx, connect.NewRequest(&indeliblev1.GetLogRequest{}))
	if err != nil {
		return
	}
	switch revision := answer.Msg.GetSchemaRevision(); {
	case revision < SchemaRevision:
		e.Refusal.Text += fmt.Sprintf(" The node is older than this program: it speaks revision %d of the schema, the program needs %d.", revision, SchemaRevision)
	case revision > SchemaRevision:
		e.Refusal.Text += fmt.Sprintf(" The node is newer than this program: it speaks revision %d of the schema, the program knows %d.", revision, SchemaRevision)
	}
}
