package ledger

import "indelible/ledger/entry"

func (t *tx) judgeErasure(s *entry.Statement, body *entry.Erasure, author *Author) *entry.Refusal {
	if body.Step == entry.StepRequest {
		return nil
	}
	e := t.erasures.get(t, body.Request)
	if e == nil {
		return entry.Refuse(entry.CodeUnknownStatement, "no erasure was requested by statement %s", body.Request)
	}
	if refusal := inJurisdiction(s, e.Jurisdiction); refusal != nil {
		return refusal
	}
	switch body.Step {
	case entry.StepApprove:
		return judgeApprove(e, author)
	case entry.StepCancel:
		return t.judgeCancel(e)
	case entry.StepExecuted:
		return t.judgeExecuted(e, author)
	case entry.StepLost:
		return t.judgeLost(e, body)
	case entry.StepComplete:
		return t.judgeComplete(e)
	}
	return entry.Refuse(entry.CodeUnknownCode, "no such step")
}

func judgeApprove(e *Erasure, author *Author) *entry.Refusal {
	switch {
	case e.Ended() || e.Approved != nil:
		return entry.Refuse(entry.CodeWrongState, "the erasure is not waiting for approval")
	case e.Requested.Author == author.ID:
		return entry.Refuse(entry.CodeNotYourRequest, "the erasure was requested by the same officer")
	}
	return nil
}

// judgeCancel refuses from the end of grace on, not from the first execution
// (decision 0004). A vault that has seen ledger time pass that
// end may destroy keys without a cancel overtaking it.
func (t *tx) judgeCancel(e *Erasure) *entry.Refusal {
	switch {
	case e.Ended():
		return entry.Refuse(entry.CodeWrongState, "the erasure has ended")
	case e.Approved != nil && t.now >= t.graceEnd(e):
		return entry.Refuse(entry.CodeGraceOver, "grace ended at %d, ledger time is %d", t.graceEnd(e), t.now)
	}
	return nil
}

// graceEnd is when an approved erasure may be executed, Unix milliseconds.
func (t *tx) graceEnd(e *Erasure) uint64 {
	return e.Approved.Time + t.l.genesis.rules[e.Jurisdiction].Grace
}

func (t *tx) judgeExecuted(e *Erasure, author *Author) *entry.Refusal {
	switch {
	case e.Cancelled != nil, e.Approved == nil, e.HasExecuted(author.Node):
		return entry.Refuse(entry.CodeWrongState, "the erasure is not waiting for this node")
	case e.Completed != nil && !e.IsLost(author.Node):
		return entry.Refuse(entry.CodeWrongState, "the erasure is complete")
	case t.now < t.graceEnd(e):
		return entry.Refuse(entry.CodeGraceRunning, "grace ends at %d, ledger time is %d", t.graceEnd(e), t.now)
	}
	return nil
}

func (t *tx) judgeLost(e *Erasure, body *entry.Erasure) *entry.Refusal {
	node := t.authors.get(t, body.Node)
	switch {
	case e.Ended(), e.Approved == nil:
		return entry.Refuse(entry.CodeWrongState, "the erasure is not waiting for nodes")
	case node == nil:
		return entry.Refuse(entry.CodeUnknownAuthor, "author %s is not enrolled", body.Node)
	case node.Role != entry.RoleNode || !node.May(e.Jurisdiction):
		return entry.Refuse(entry.CodeWrongJurisdiction, "author %s is no node placed in the jurisdiction", node.ID)
	case e.HasExecuted(node.Node), e.IsLost(node.Node):
		return entry.Refuse(entry.CodeWrongState, "the node has executed or was declared lost before")
	}
	if m := t.nodes.get(t, node.Node); m == nil || !m.present || m.author != node.ID {
		return entry.Refuse(entry.CodeWrongState, "author %s is not the present key of a node", node.ID)
	}
	return nil
}

// judgeComplete: every node placed in the jurisdiction has executed or was
// declared lost. Before the end of grace a cancel is still possible, so there is
// nothing to complete.
func (t *tx) judgeComplete(e *Erasure) *entry.Refusal {
	switch {
	case e.Ended(), e.Approved == nil:
		return entry.Refuse(entry.CodeWrongState, "the erasure is not waiting for completion")
	case t.now < t.graceEnd(e):
		return entry.Refuse(entry.CodeGraceRunning, "grace ends at %d, ledger time is %d", t.graceEnd(e), t.now)
	}
	members := t.members()
	for _, m := range members {
		node := t.authors.get(t, m.author)
		if node.May(e.Jurisdiction) && !e.HasExecuted(m.name) && !e.IsLost(m.name) {
			return entry.Refuse(entry.CodeWrongState, "node %s has neither executed nor been declared lost", node.ID)
		}
	}
	return nil
}

func (t *tx) judgeHold(s *entry.Statement, body *entry.Hold) *entry.Refusal {
	if body.Action == entry.HoldSet {
		return nil
	}
	h := t.holds.get(t, body.Set)
	if h == nil {
		return entry.Refuse(entry.CodeUnknownStatement, "no hold was set by statement %s", body.Set)
	}
	if refusal := inJurisdiction(s, h.Jurisdiction); refusal != nil {
		return refusal
	}
	if h.Released != nil {
		return entry.Refuse(entry.CodeWrongState, "the hold was released at entry %d", h.Released.Index)
	}
	return nil
}
