package api

import (
	"indelible/ledger/entry"
	"indelible/raft"
)

// route is what one RPC takes into the log. A statement of another kind or
// action is refused by it, whoever signed it.
type route struct {
	takes func(*entry.Statement) bool
	lane  raft.Lane
}

// The routes. access, index and genesis have none: nodes write the first two,
// the third is written before there is a node.
var (
	routeAppend = &route{takes: func(s *entry.Statement) bool {
		return s.Kind == entry.KindReading || s.Kind == entry.KindCorrection || s.Kind == entry.KindConsent
	}}
	routeOpenStatements = &route{takes: func(s *entry.Statement) bool {
		switch s.Kind {
		case entry.KindCA, entry.KindPolicy, entry.KindNode:
			return true
		case entry.KindAuthor:
			return !enrolsDevice(s)
		}
		return false
	}}
	routeEnrol = &route{takes: func(s *entry.Statement) bool {
		return enrolsDevice(s) || changesBinding(s, entry.ActionOpen)
	}}
	routeChangeState = &route{takes: func(s *entry.Statement) bool {
		change, ok := s.Body.(*entry.AuthorChange)
		return ok && change.Action != entry.AuthorEnrol
	}}
	routeBind   = &route{takes: func(s *entry.Statement) bool { return changesBinding(s, entry.ActionOpen) }}
	routeUnbind = &route{takes: func(s *entry.Statement) bool { return changesBinding(s, entry.ActionClose) }}
	routeOpen   = &route{takes: func(s *entry.Statement) bool { return changesHandle(s, entry.ActionOpen) }}
	routeClose  = &route{takes: func(s *entry.Statement) bool { return changesHandle(s, entry.ActionClose) }}

	routeRequestErasure = erasureRoute(entry.StepRequest)
	routeApproveErasure = erasureRoute(entry.StepApprove)
	routeCancelErasure  = erasureRoute(entry.StepCancel)
	routeDeclareLost    = erasureRoute(entry.StepLost)

	routeSetHold = &route{lane: raft.LaneReserved, takes: func(s *entry.Statement) bool {
		hold, ok := s.Body.(*entry.Hold)
		return ok && hold.Action == entry.HoldSet
	}}
	routeReleaseHold = &route{lane: raft.LaneReserved, takes: func(s *entry.Statement) bool {
		hold, ok := s.Body.(*entry.Hold)
		return s.Kind == entry.KindHold && (s.Confirms != nil || ok && hold.Action == entry.HoldRelease)
	}}
)

func erasureRoute(step entry.ErasureStep) *route {
	return &route{lane: raft.LaneReserved, takes: func(s *entry.Statement) bool {
		erasure, ok := s.Body.(*entry.Erasure)
		return ok && erasure.Step == step
	}}
}

func enrolsDevice(s *entry.Statement) bool {
	change, ok := s.Body.(*entry.AuthorChange)
	return ok && change.Action == entry.AuthorEnrol && change.Role == entry.RoleDevice
}

func changesBinding(s *entry.Statement, action entry.OpenClose) bool {
	change, ok := s.Body.(*entry.BindingChange)
	return ok && change.Action == action
}

func changesHandle(s *entry.Statement, action entry.OpenClose) bool {
	change, ok := s.Body.(*entry.HandleChange)
	return ok && change.Action == action
}

// mayRelay decides whether the caller may hand in a statement signed by this
// author: its own, one by somebody of its own role, or, as a service, one by a
// device. The log judges what the author may say; this keeps one role's
// credential from being used to push another's statements.
func mayRelay(who *caller, author entry.AuthorID, role entry.Role) bool {
	return who.ID == author || who.Role == role && role != entry.RoleDevice ||
		who.Role == entry.RoleService && role == entry.RoleDevice
}
