package api

import "indelible/ledger/entry"

// route is what one RPC takes into the log. A statement of another kind or
// action is refused by it, whoever signed it.
type route struct {
	takes func(*entry.Statement) bool
	open  bool // no jurisdiction is named
}

// The routes: the two by which a statement's kind decides, and those of the RPCs
// for single kinds.
var (
	routeAppend         = &route{takes: func(*entry.Statement) bool { return true }}
	routeOpenStatements = &route{takes: func(*entry.Statement) bool { return true }, open: true}
	routeEnrol          = &route{takes: func(s *entry.Statement) bool {
		return enrolsDevice(s) || changesBinding(s, entry.ActionOpen)
	}}
	routeChangeState = &route{open: true, takes: func(s *entry.Statement) bool {
		change, ok := s.Body.(*entry.AuthorChange)
		return ok && change.Action != entry.AuthorEnrol
	}}
	routeBind   = &route{open: true, takes: func(s *entry.Statement) bool { return changesBinding(s, entry.ActionOpen) }}
	routeUnbind = &route{open: true, takes: func(s *entry.Statement) bool { return changesBinding(s, entry.ActionClose) }}
	routeOpen   = &route{takes: func(s *entry.Statement) bool { return changesHandle(s, entry.ActionOpen) }}
	routeClose  = &route{takes: func(s *entry.Statement) bool { return changesHandle(s, entry.ActionClose) }}

	routeRequestErasure = erasureRoute(entry.StepRequest)
	routeApproveErasure = erasureRoute(entry.StepApprove)
	routeCancelErasure  = erasureRoute(entry.StepCancel)
	routeDeclareLost    = erasureRoute(entry.StepLost)

	routeSetHold = &route{takes: func(s *entry.Statement) bool {
		hold, ok := s.Body.(*entry.Hold)
		return ok && hold.Action == entry.HoldSet
	}}
	routeReleaseHold = &route{takes: func(s *entry.Statement) bool {
		hold, ok := s.Body.(*entry.Hold)
		return s.Kind == entry.KindHold && (s.Confirms != nil || ok && hold.Action == entry.HoldRelease)
	}}
)

func erasureRoute(step entry.ErasureStep) *route {
	return &route{takes: func(s *entry.Statement) bool {
		erasure, ok := s.Body.(*entry.Erasure)
		return ok && erasure.Step == step
	}}
}

func changesBinding(s *entry.Statement, action entry.OpenClose) bool {
	change, ok := s.Body.(*entry.BindingChange)
	return ok && change.Action == action
}

func changesHandle(s *entry.Statement, action entry.OpenClose) bool {
	change, ok := s.Body.(*entry.HandleChange)
	return ok && change.Action == action
}
