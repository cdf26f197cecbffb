package ledger

import "indelible/ledger/entry"

// mayRole refuses a role that may not sign the kind or step, and a device
// without a sequence or anyone else with one (FORMATS §1 and §3).
func mayRole(s *entry.Statement, role entry.Role) *entry.Refusal {
	if !roleSigns(s, role) {
		return entry.Refuse(entry.CodeRoleForbidden, "the role %s may not sign this %s", role, s.Kind)
	}
	switch device := role == entry.RoleDevice; {
	case device && s.Request != nil:
		return entry.Refuse(entry.CodeFieldMissing, "a device's statement has boot and seq, not a request id")
	case !device && s.Request == nil:
		return entry.Refuse(entry.CodeFieldMissing, "a statement by the role %s has a request id, not boot and seq", role)
	}
	return nil
}

func roleSigns(s *entry.Statement, role entry.Role) bool {
	switch s.Kind {
	case entry.KindAuthor, entry.KindCA, entry.KindBinding, entry.KindPolicy:
		return role == entry.RoleRegistrar
	case entry.KindHandle:
		return role == entry.RoleRegistrar || role == entry.RoleNode
	case entry.KindReading:
		return role == entry.RoleDevice
	case entry.KindCorrection:
		return role == entry.RoleDevice || role == entry.RoleService
	case entry.KindConsent:
		return role == entry.RoleConsentService || role == entry.RoleOfficer
	case entry.KindAccess, entry.KindIndex:
		return role == entry.RoleNode
	case entry.KindErasure:
		if e, ok := s.Body.(*entry.Erasure); ok && (e.Step == entry.StepExecuted || e.Step == entry.StepComplete) {
			return role == entry.RoleNode
		}
		return role == entry.RoleOfficer
	case entry.KindHold:
		return role == entry.RoleOfficer
	case entry.KindNode:
		return role == entry.RoleOperator
	}
	return false
}

// twoPersons reports whether a statement takes effect only once a second author
// has confirmed it. target is the author that an author statement is about, nil
// when it is about a new key.
func twoPersons(s *entry.Statement, target *Author) bool {
	switch body := s.Body.(type) {
	case *entry.CAChange, *entry.PolicyChange, *entry.NodeChange:
		return true
	case *entry.Hold:
		return body.Action == entry.HoldRelease
	case *entry.AuthorChange:
		switch body.Action {
		case entry.AuthorEnrol:
			return body.Role.NeedsTwo()
		case entry.AuthorResume:
			return target != nil && target.Role.NeedsTwo()
		}
	}
	return false
}
