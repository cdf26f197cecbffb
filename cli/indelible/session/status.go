package session

import (
	"context"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// Erasure is how far an erasure has come, with the proven entries that say so.
type Erasure struct {
	Request      entry.StatementID
	State        string // requested, approved, executing, complete, cancelled
	Scope        entry.Scope
	Jurisdiction string
	GraceEnds    uint64 // ledger time, Unix milliseconds; 0 before approval
	Nodes        []ErasureNode
	Certificate  []*Entry // in log order
}

// ErasureNode is one node's part.
type ErasureNode struct {
	Name     string
	Executed bool
	Lost     bool
}

var erasureStates = map[indeliblev1.ErasureState]string{
	indeliblev1.ErasureState_ERASURE_STATE_REQUESTED: "requested",
	indeliblev1.ErasureState_ERASURE_STATE_APPROVED:  "approved",
	indeliblev1.ErasureState_ERASURE_STATE_EXECUTING: "executing",
	indeliblev1.ErasureState_ERASURE_STATE_COMPLETE:  "complete",
	indeliblev1.ErasureState_ERASURE_STATE_CANCELLED: "cancelled",
}

// Complete reports whether every node has executed or was declared lost, and
// the log says so.
func (e *Erasure) Complete() bool { return e.State == "complete" }

// ErasureStatus fetches the state of an erasure and verifies its entries.
func (s *Session) ErasureStatus(ctx context.Context, requested entry.StatementID) (*Erasure, error) {
	answer, err := call(ctx, s, "", s.Erasure.GetErasure, &indeliblev1.GetErasureRequest{Request: requested[:]})
	if err != nil {
		return nil, err
	}
	out := &Erasure{
		Request: requested, State: erasureStates[answer.GetState()], Scope: entry.Scope(answer.GetScope()),
		Jurisdiction: answer.GetJurisdiction(), GraceEnds: answer.GetGraceEndsMs(),
	}
	for _, n := range answer.GetNodes() {
		out.Nodes = append(out.Nodes, ErasureNode{Name: n.GetName(), Executed: n.GetExecuted(), Lost: n.GetDeclaredLost()})
	}
	for _, step := range answer.GetCertificate() {
		e, err := s.evidence(step.GetEntry())
		if err != nil {
			return nil, err
		}
		out.Certificate = append(out.Certificate, e)
	}
	return out, nil
}

// Status asks the node how it is.
func (s *Session) Status(ctx context.Context) (*indeliblev1.StatusResponse, error) {
	return call(ctx, s, "", s.Cluster.Status, &indeliblev1.StatusRequest{})
}
