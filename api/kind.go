package api

import (
	"slices"

	"indelible/api/edge"
	"indelible/api/wire"
	"indelible/ledger/entry"
	"indelible/raft"
)

// kindRule says how clients hand in the statements of some kinds: by which RPC,
// as callers of which roles, and in which lane of the log. What an author may
// sign is for the log to judge; this keeps one role's credential from being used
// for the statements of another, a repeated one included.
type kindRule struct {
	sealed bool // by Append and AppendStream: the call names the statement's jurisdiction
	open   bool // by AppendOpen, at any node: nothing is sealed and no vault is touched
	roles  []entry.Role
	lane   raft.Lane
}

// The kinds and steps that clients write. Nodes alone write the others, and
// genesis is there before a node is.
var (
	clinical = &kindRule{sealed: true, roles: []entry.Role{
		entry.RoleService, entry.RoleDevice, entry.RoleConsentService, entry.RoleOfficer,
	}}
	registry = &kindRule{sealed: true, roles: []entry.Role{entry.RoleRegistrar}}
	bindings = &kindRule{sealed: true, open: true, roles: []entry.Role{entry.RoleRegistrar}}
	erasing  = &kindRule{sealed: true, roles: []entry.Role{entry.RoleOfficer}, lane: raft.LaneReserved}
	public   = &kindRule{open: true, roles: []entry.Role{
		entry.RoleRegistrar, entry.RoleOperator, entry.RoleOfficer, entry.RoleConsentService,
	}}
)

// kindRuleOf finds the rule of a statement; nil when no client writes such a
// one. A confirmation has no body of its own.
func kindRuleOf(s *entry.Statement) *kindRule {
	switch body := s.Body.(type) {
	case *entry.HandleChange:
		return registry
	case *entry.BindingChange:
		return bindings
	case *entry.Erasure:
		switch body.Step {
		case entry.StepRequest, entry.StepApprove, entry.StepCancel, entry.StepLost:
			return erasing
		}
		return nil
	}
	switch s.Kind {
	case entry.KindReading, entry.KindCorrection, entry.KindConsent:
		return clinical
	case entry.KindHold:
		return erasing
	case entry.KindCA, entry.KindPolicy, entry.KindNode:
		return public
	case entry.KindAuthor:
		if enrolsDevice(s) {
			return registry
		}
		return public
	}
	return nil
}

// refusal is why the caller may not hand in a statement of this rule here; nil
// if it may.
func (k *kindRule) refusal(who *edge.Caller, open bool) *entry.Refusal {
	switch {
	case k == nil, open && !k.open, !open && !k.sealed:
		return wire.Refuse(wire.CodeKindNotHere)
	case !slices.Contains(k.roles, who.Role):
		return wire.Refuse(wire.CodeCallerForbidden)
	}
	return nil
}

func enrolsDevice(s *entry.Statement) bool {
	change, ok := s.Body.(*entry.AuthorChange)
	return ok && change.Action == entry.AuthorEnrol && change.Role == entry.RoleDevice
}

// mayRelay decides whether the caller may hand in a statement signed by this
// author: its own, one by an author of its own role, or, as a service, one by a
// device. The log judges what the author may say; this keeps one role's
// credential from being used to push another's statements.
func mayRelay(who *edge.Caller, author entry.AuthorID, role entry.Role) bool {
	return who.ID == author || who.Role == role && role != entry.RoleDevice ||
		who.Role == entry.RoleService && role == entry.RoleDevice
}
