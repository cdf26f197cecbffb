package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

func newErase(a *app) *cobra.Command {
	return say.Group("erase", "Erase a person, as two officers",
		newEraseRequest(a),
		newEraseStep(a, "approve", "Approve, as another officer, what one has requested; the grace period begins", entry.StepApprove),
		newEraseStep(a, "cancel", "Cancel an erasure, until a node has executed it", entry.StepCancel),
		newEraseStatus(a))
}

func newEraseRequest(a *app) *cobra.Command {
	var jurisdiction, scope string
	cmd := a.writes("request HANDLE… --jurisdiction J --scope identity|all", "Request an erasure", "", cobra.MinimumNArgs(1),
		func(args []string) (*written, error) {
			what, err := entry.ParseScope(scope)
			if err != nil {
				return nil, say.Usage("give --scope identity or --scope all", "--scope %q is neither", scope)
			}
			handles, err := each(parseHandle, args)
			if err != nil {
				return nil, err
			}
			content, err := entry.HandleList(handles).EncodeContent()
			if err != nil {
				return nil, say.Local(err, "the handles cannot be listed", "give each handle once")
			}
			return &written{
				draft:  entry.Draft{Kind: entry.KindErasure, Jurisdiction: jurisdiction, Body: &entry.Erasure{Step: entry.StepRequest, Scope: what}},
				sealed: sealedCBOR(entry.ClassSeries, content),
				note:   "Another officer has to approve:\n  indelible erase approve {id} --jurisdiction " + jurisdiction,
			}, nil
		})
	cmd.Long = `Request the erasure of the person behind the handles (all of one person). Scope identity destroys
who it is and keeps a pseudonymous series that still verifies, where a retention rule demands it;
scope all destroys everything. A legal hold or a retention floor refuses it by name. Once requested,
no new record of the person is taken. Another officer has to approve.`
	cmd.Flags().StringVar(&scope, "scope", "", "identity or all")
	return required(inJurisdiction(cmd, &jurisdiction, "of the handles"), "scope")
}

func newEraseStep(a *app, use, short string, step entry.ErasureStep) *cobra.Command {
	var jurisdiction string
	cmd := a.writes(use+" REQUEST --jurisdiction J", short, "", cobra.ExactArgs(1), func(args []string) (*written, error) {
		request, err := parseStatementID(args[0])
		return &written{
			draft: entry.Draft{Kind: entry.KindErasure, Jurisdiction: jurisdiction, Body: &entry.Erasure{Step: step, Request: request}},
			note:  "How far it has come: indelible erase status " + request.String(),
		}, err
	})
	return inJurisdiction(cmd, &jurisdiction, "of the request")
}

// jsonErasure is how far an erasure has come.
type jsonErasure struct {
	Request      string     `json:"request"`
	State        string     `json:"state"`
	Scope        string     `json:"scope"`
	Jurisdiction string     `json:"jurisdiction"`
	GraceEnds    uint64     `json:"grace_ends_ms,omitempty"`
	Nodes        []jsonNode `json:"nodes"`
	Certificate  []jsonStep `json:"certificate"`
}

// jsonNode is one node's part in it.
type jsonNode struct {
	Name     string `json:"name"`
	Executed bool   `json:"executed"`
	Lost     bool   `json:"declared_lost"`
}

// jsonStep is one proven entry of the certificate.
type jsonStep struct {
	jsonEntry
	Step string `json:"step"`
}

func newEraseStatus(a *app) *cobra.Command {
	return a.asks("status REQUEST", "Show how far an erasure has come, with its proven entries", cobra.ExactArgs(1),
		func(ctx context.Context, c *client.Caller, args []string) error {
			request, err := parseStatementID(args[0])
			if err != nil {
				return err
			}
			e, err := c.Erasure(ctx, request)
			if err != nil {
				return err
			}
			out := toErasure(request, e)
			return a.Result(out, out.show)
		})
}

func toErasure(request entry.StatementID, e *client.Erasure) jsonErasure {
	out := jsonErasure{
		Request: request.String(), State: e.State, Scope: e.Scope.String(), Jurisdiction: e.Jurisdiction,
		GraceEnds: e.GraceEnds, Nodes: []jsonNode{}, Certificate: []jsonStep{},
	}
	for _, n := range e.Nodes {
		out.Nodes = append(out.Nodes, jsonNode(n))
	}
	for _, c := range e.Certificate {
		c.Duplicate = false // of a step it says nothing that it was there before this call
		step := jsonStep{jsonEntry: toJSON(c)}
		if body, ok := c.Proven.Statement.Body.(*entry.Erasure); ok {
			step.Step = body.Step.String()
		}
		out.Certificate = append(out.Certificate, step)
	}
	return out
}

// cancelled is the state in which nothing will be executed any more.
const cancelled = "cancelled"

func (out jsonErasure) show(p *say.Page) {
	p.Row("state", out.State)
	p.Row("scope", out.Scope)
	p.Row("jurisdiction", out.Jurisdiction)
	if out.GraceEnds != 0 && out.State != cancelled {
		p.Row("grace ends", clock(out.GraceEnds))
	}
	done := 0
	for _, n := range out.Nodes {
		if n.Executed {
			done++
		}
	}
	if out.State != cancelled {
		p.Row("executed", fmt.Sprintf("%d of %d nodes", done, len(out.Nodes)))
	}
	p.Table("ENTRY", "LEDGER TIME", "STEP", "STATEMENT")
	for _, c := range out.Certificate {
		p.Row(c.Index, clock(c.LedgerTime), c.Step, c.StatementID)
	}
}
