package client

import (
	"context"
	"strings"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// Erasure is how far an erasure has come. The certificate is proven; the rest is
// what the node says.
type Erasure struct {
	State        string // requested, approved, executing, complete, cancelled
	Scope        entry.Scope
	Jurisdiction string
	GraceEnds    uint64 // ledger time, Unix milliseconds; 0 before approval
	Nodes        []ErasureNode
	Certificate  []Outcome // the proven entries of the erasure, in log order
}

// ErasureNode is one node's part.
type ErasureNode struct {
	Name     string
	Executed bool
	Lost     bool // declared so by an officer
}

// Complete reports whether every node has executed or was declared lost, and the
// log says so.
func (e *Erasure) Complete() bool { return e.State == "complete" }

// Erasure fetches how far an erasure has come, by the id of its request, and
// proves its entries.
func (c *Client) Erasure(ctx context.Context, request entry.StatementID) (*Erasure, error) {
	answer, err := call(ctx, c, "", &indeliblev1.GetErasureRequest{Request: request[:]}, services.GetErasure)
	if err != nil {
		return nil, err
	}
	out := &Erasure{
		State: stateName(answer.GetState().String()), Scope: entry.Scope(answer.GetScope()),
		Jurisdiction: plain(answer.GetJurisdiction()), GraceEnds: answer.GetGraceEndsMs(),
	}
	for _, n := range answer.GetNodes() {
		out.Nodes = append(out.Nodes, ErasureNode{Name: plain(n.GetName()), Executed: n.GetExecuted(), Lost: n.GetDeclaredLost()})
	}
	for _, step := range answer.GetCertificate() {
		p, err := c.proveBytes(ctx, step.GetEntry().GetStatement(), step.GetEntry().GetReceipt())
		if err != nil {
			return nil, err
		}
		out.Certificate = append(out.Certificate, Outcome{Proven: p, Duplicate: true})
	}
	return out, c.keep(out.Certificate...)
}

// stateName is the last word of an enum value's name, in small letters.
func stateName(value string) string {
	return strings.ToLower(value[strings.LastIndexByte(value, '_')+1:])
}
