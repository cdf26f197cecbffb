package ledger_test

import (
	"slices"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
)

// TestRoles puts everything that can be signed before every role, as the table
// of FORMATS §3 has it: those named there are refused for something else
// or not at all, all others for their role.
func TestRoles(t *testing.T) {
	s := tell(t, 9)
	one, parts := s.subjects[0], s.Hash()
	people := map[entry.Role]*ledgertest.Key{
		entry.RoleRegistrar: s.Registrars[0], entry.RoleOperator: s.Operators[0], entry.RoleOfficer: s.Officers[0],
		entry.RoleConsentService: s.ConsentService, entry.RoleService: s.Service, entry.RoleNode: s.Nodes[0].Author,
		entry.RoleDevice: one.Device.Key, entry.RoleAuditor: s.Auditor, entry.RoleClinician: s.Clinician,
	}
	sub, bound := entry.SubOfHandle(one.Handle), entry.SubOfBinding(one.Binding)
	erasure := func(step entry.ErasureStep) entry.Draft {
		e := &entry.Erasure{Step: step, Request: entry.StatementID{1}}
		switch step {
		case entry.StepRequest:
			e = &entry.Erasure{Step: step, Scope: entry.ScopeAll}
		case entry.StepExecuted:
			e.RootVersion, e.Method, e.Strength = 1, entry.MethodOverwriteUnlink, entry.StrengthBestEffort
		case entry.StepLost:
			e.Node = s.Nodes[0].Author.ID()
		}
		return entry.Draft{Kind: entry.KindErasure, Jurisdiction: "eu", Body: e}
	}
	officer, node, registrar := []entry.Role{entry.RoleOfficer}, []entry.Role{entry.RoleNode}, []entry.Role{entry.RoleRegistrar}
	for name, c := range map[string]struct {
		draft entry.Draft
		by    []entry.Role
	}{
		"author": {entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
			Action: entry.AuthorEnrol, Key: s.Key().SPKI(), Role: entry.RoleAuditor, Jurisdictions: []string{"eu"},
		}}, registrar},
		"ca":     {entry.Draft{Kind: entry.KindCA, Body: &entry.CAChange{Action: entry.CAActivate, Key: s.Key().SPKI()}}, registrar},
		"policy": {entry.Draft{Kind: entry.KindPolicy, Body: &entry.PolicyChange{Type: entry.PolicyBundle, Hash: parts, Regime: entry.RegimeGDPR}}, registrar},
		"binding": {entry.Draft{Kind: entry.KindBinding, Jurisdiction: "eu", Body: &entry.BindingChange{
			Action: entry.ActionOpen, Binding: s.ID(), Handle: one.Handle, Author: one.Device.Key.ID(), From: s.Now,
		}}, registrar},
		"handle": {entry.Draft{Kind: entry.KindHandle, Sub: entry.SubOfHandle(s.ID()), Jurisdiction: "eu", Body: &entry.HandleChange{
			Action: entry.ActionOpen, Class: entry.HandleStaff, At: s.Now,
		}}, []entry.Role{entry.RoleRegistrar, entry.RoleNode}},
		"reading": {entry.Draft{Kind: entry.KindReading, Sub: bound, Jurisdiction: "eu", Parts: &parts}, []entry.Role{entry.RoleDevice}},
		"correction": {entry.Draft{Kind: entry.KindCorrection, Sub: bound, Jurisdiction: "eu", Parts: &parts,
			Body: &entry.Correction{Corrects: *one.Device.Prev}}, []entry.Role{entry.RoleDevice, entry.RoleService}},
		"consent": {entry.Draft{Kind: entry.KindConsent, Sub: sub, Jurisdiction: "eu", Body: &entry.Consent{
			Action: entry.ConsentGrant, Purposes: []entry.Purpose{entry.PurposeTREAT}, Regime: entry.RegimeGDPR,
			Basis: entry.BasisExplicitConsent, From: s.Now, Document: parts,
		}}, []entry.Role{entry.RoleConsentService, entry.RoleOfficer}},
		"access": {entry.Draft{Kind: entry.KindAccess, Sub: sub, Jurisdiction: "eu", Body: &entry.Access{
			Accessor: s.staff, Action: entry.AccessRead, Outcome: entry.OutcomePermit, Purpose: entry.PurposeTREAT, Position: 1,
		}}, node},
		"request":  {erasure(entry.StepRequest), officer},
		"approve":  {erasure(entry.StepApprove), officer},
		"cancel":   {erasure(entry.StepCancel), officer},
		"lost":     {erasure(entry.StepLost), officer},
		"executed": {erasure(entry.StepExecuted), node},
		"complete": {erasure(entry.StepComplete), node},
		"hold":     {entry.Draft{Kind: entry.KindHold, Jurisdiction: "eu", Body: &entry.Hold{Action: entry.HoldSet}}, officer},
		"release":  {entry.Draft{Kind: entry.KindHold, Jurisdiction: "eu", Body: &entry.Hold{Action: entry.HoldRelease, Set: entry.StatementID{1}}}, officer},
		"node": {entry.Draft{Kind: entry.KindNode, Body: &entry.NodeChange{
			Action: entry.NodeRemoved, Node: s.NewNode(ledgertest.NodeSpec{Name: "nobody"}).Record,
		}}, []entry.Role{entry.RoleOperator}},
	} {
		for role, key := range people {
			code := s.verdict(t, key, c.draft)
			if may := slices.Contains(c.by, role); may == (code == entry.CodeRoleForbidden) {
				t.Errorf("%s by a %s: %q, may it sign? %t", name, role, code, may)
			}
		}
	}
}

// verdict signs a draft in whichever shape its kind has, and asks what would
// become of it: the code of its refusal, or none.
func (s *story) verdict(t *testing.T, key *ledgertest.Key, draft entry.Draft) (code entry.Code) {
	t.Helper()
	sealed, numbered := draft, draft
	parts := s.Hash()
	sealed.Parts = &parts
	numbered.Parts, numbered.Boot, numbered.Seq = &parts, s.subjects[0].Device.Boot, s.subjects[0].Device.Seq+1
	for _, shape := range []entry.Draft{draft, sealed, numbered} {
		signed, err := s.TrySign(key, shape)
		if err != nil {
			continue
		}
		out, err := s.l.Precheck(s.Now, []*entry.Statement{signed}, nil)
		must(t, err)
		if out[0].Refusal != nil {
			code = out[0].Refusal.Code
		}
		return code
	}
	t.Fatalf("a %s of no shape can be signed", draft.Kind)
	return ""
}
