package api

import (
	"crypto/rand"
	"slices"
	"testing"

	"indelible/ledger/entry"
)

// specimens are one statement of each kind and action, with the routes that
// take it.
func specimens(t *testing.T) map[string]struct {
	draft entry.Draft
	by    []string
} {
	t.Helper()
	spki := spki(t, newKey(t).Public())
	digest, id, to := &entry.Hash{1}, entry.StatementID{1}, uint64(1)
	h := entry.SubOfHandle(entry.Handle{1})
	type specimen = struct {
		draft entry.Draft
		by    []string
	}
	device := entry.AuthorChange{Action: entry.AuthorEnrol, Key: spki, Role: entry.RoleDevice, Jurisdictions: []string{home}}
	person := entry.AuthorChange{Action: entry.AuthorEnrol, Key: spki, Role: entry.RoleAuditor, Jurisdictions: []string{home}}
	erasure := func(e entry.Erasure) entry.Draft {
		return entry.Draft{Kind: entry.KindErasure, Jurisdiction: home, Body: &e}
	}
	request, set := erasure(entry.Erasure{Step: entry.StepRequest, Scope: entry.ScopeAll}), entry.Draft{Kind: entry.KindHold, Jurisdiction: home, Body: &entry.Hold{Action: entry.HoldSet}}
	request.Parts, set.Parts = digest, digest
	return map[string]specimen{
		"reading":               {entry.Draft{Kind: entry.KindReading, Sub: entry.SubOfBinding(entry.BindingID{1}), Jurisdiction: home, Boot: 1, Seq: 1, Parts: digest}, []string{"append"}},
		"correction":            {entry.Draft{Kind: entry.KindCorrection, Sub: h, Jurisdiction: home, Parts: digest, Body: &entry.Correction{Corrects: id}}, []string{"append"}},
		"consent":               {entry.Draft{Kind: entry.KindConsent, Sub: h, Jurisdiction: home, Body: &entry.Consent{Action: entry.ConsentGrant, Purposes: []entry.Purpose{1}, Regime: 1, Basis: 1}}, []string{"append"}},
		"author enrol device":   {entry.Draft{Kind: entry.KindAuthor, Sub: h, Jurisdiction: home, Parts: digest, Body: &device}, []string{"enrol"}},
		"author enrol person":   {entry.Draft{Kind: entry.KindAuthor, Body: &person}, []string{"open statements"}},
		"author suspend":        {entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{Action: entry.AuthorSuspend}}, []string{"change state", "open statements"}},
		"author confirmation":   {entry.Draft{Kind: entry.KindAuthor, Confirms: &id}, []string{"open statements"}},
		"ca":                    {entry.Draft{Kind: entry.KindCA, Body: &entry.CAChange{Action: entry.CAActivate, Key: spki}}, []string{"open statements"}},
		"policy":                {entry.Draft{Kind: entry.KindPolicy, Body: &entry.PolicyChange{Type: 1, Regime: 1}}, []string{"open statements"}},
		"handle open":           {entry.Draft{Kind: entry.KindHandle, Sub: h, Jurisdiction: home, Parts: digest, Body: &entry.HandleChange{Action: entry.ActionOpen, Class: 1}}, []string{"open"}},
		"handle close":          {entry.Draft{Kind: entry.KindHandle, Sub: h, Jurisdiction: home, Parts: digest, Body: &entry.HandleChange{Action: entry.ActionClose}}, []string{"close"}},
		"binding open":          {entry.Draft{Kind: entry.KindBinding, Jurisdiction: home, Body: &entry.BindingChange{Action: entry.ActionOpen}}, []string{"bind", "enrol"}},
		"binding close":         {entry.Draft{Kind: entry.KindBinding, Jurisdiction: home, Body: &entry.BindingChange{Action: entry.ActionClose, To: &to}}, []string{"unbind"}},
		"access":                {entry.Draft{Kind: entry.KindAccess, Sub: h, Jurisdiction: home, Parts: digest, Body: &entry.Access{Action: 1, Outcome: 1, Purpose: 1, Position: 1}}, nil},
		"index":                 {entry.Draft{Kind: entry.KindIndex, Body: &entry.IndexSeal{N: 1}}, nil},
		"erasure request":       {request, []string{"request erasure"}},
		"erasure approve":       {erasure(entry.Erasure{Step: entry.StepApprove}), []string{"approve erasure"}},
		"erasure cancel":        {erasure(entry.Erasure{Step: entry.StepCancel}), []string{"cancel erasure"}},
		"erasure lost":          {erasure(entry.Erasure{Step: entry.StepLost}), []string{"declare lost"}},
		"erasure executed":      {erasure(entry.Erasure{Step: entry.StepExecuted, Method: 1, Strength: 1}), nil},
		"erasure complete":      {erasure(entry.Erasure{Step: entry.StepComplete}), nil},
		"hold set":              {set, []string{"set hold"}},
		"hold release":          {entry.Draft{Kind: entry.KindHold, Jurisdiction: home, Body: &entry.Hold{Action: entry.HoldRelease}}, []string{"release hold"}},
		"hold confirmation":     {entry.Draft{Kind: entry.KindHold, Jurisdiction: home, Confirms: &id}, []string{"release hold"}},
		"consent's other shape": {entry.Draft{Kind: entry.KindConsent, Sub: h, Jurisdiction: home, Parts: digest, Body: &entry.Consent{Action: entry.ConsentWithdraw, Purposes: []entry.Purpose{1}, Regime: 1, Basis: 1}}, []string{"append"}},
	}
}

// TestEachStatementHasItsRPC: what nodes alone write comes by none, and what
// needs more than the log comes by the one that does it.
func TestEachStatementHasItsRPC(t *testing.T) {
	routes := map[string]*route{
		"append": routeAppend, "open statements": routeOpenStatements, "enrol": routeEnrol, "change state": routeChangeState,
		"bind": routeBind, "unbind": routeUnbind, "open": routeOpen, "close": routeClose,
		"request erasure": routeRequestErasure, "approve erasure": routeApproveErasure, "cancel erasure": routeCancelErasure,
		"declare lost": routeDeclareLost, "set hold": routeSetHold, "release hold": routeReleaseHold,
	}
	key := newKey(t)
	for name, specimen := range specimens(t) {
		d := specimen.draft
		d.Log, d.IssuedAt = entry.LogID{1}, nowMillis()
		if d.Seq == 0 {
			d.Request = &entry.RequestID{1}
		}
		statement, err := d.Sign(rand.Reader, key)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var taken []string
		for route, r := range routes {
			if r.takes(statement) {
				taken = append(taken, route)
			}
		}
		slices.Sort(taken)
		if !slices.Equal(taken, specimen.by) {
			t.Errorf("%s comes by %v, expected %v", name, taken, specimen.by)
		}
	}
}

// TestWhoMayRelay: services carry for devices, everybody else for their own
// role, nobody for another.
func TestWhoMayRelay(t *testing.T) {
	all := []entry.Role{
		entry.RoleRegistrar, entry.RoleOperator, entry.RoleOfficer, entry.RoleConsentService, entry.RoleService,
		entry.RoleNode, entry.RoleDevice, entry.RoleAuditor, entry.RoleClinician,
	}
	for _, carrier := range all {
		for _, signer := range all {
			want := carrier == signer && carrier != entry.RoleDevice || carrier == entry.RoleService && signer == entry.RoleDevice
			who := &caller{Author: authorOf(1, carrier)}
			if got := mayRelay(who, entry.AuthorID{2}, signer); got != want {
				t.Errorf("%s for %s: %v", carrier, signer, got)
			}
			if !mayRelay(who, who.ID, signer) {
				t.Errorf("%s for itself: refused", carrier)
			}
		}
	}
}

// TestPermissions: what no row allows is denied, and a caller the RPC's rule
// forbids is denied whatever the rows say.
func TestPermissions(t *testing.T) {
	clinical, identity := []entry.Class{entry.ClassClinical}, []entry.Class{entry.ClassClinical, entry.ClassIdentity}
	cases := []struct {
		role    entry.Role
		action  entry.AccessAction
		purpose entry.Purpose
		classes []entry.Class
		want    bool
	}{
		{entry.RoleClinician, entry.AccessRead, entry.PurposeTREAT, identity, true},
		{entry.RoleClinician, entry.AccessRead, entry.PurposeHRESCH, clinical, false},
		{entry.RoleClinician, entry.AccessRead, entry.PurposeTREAT, []entry.Class{entry.ClassAudit}, false},
		{entry.RoleClinician, entry.AccessExport, entry.PurposeTREAT, clinical, false},
		{entry.RoleAuditor, entry.AccessRead, entry.PurposeHLEGAL, clinical, false},
		{entry.RoleOfficer, entry.AccessRead, entry.PurposeHLEGAL, clinical, false},
		{entry.RoleOfficer, entry.AccessLookup, entry.PurposeHLEGAL, nil, true},
		{entry.RoleRegistrar, entry.AccessLookup, entry.PurposeHOPERAT, nil, true},
		{entry.RoleRegistrar, entry.AccessLookup, entry.PurposeTREAT, nil, false},
		{entry.RoleService, entry.AccessLookup, entry.PurposeHOPERAT, nil, false},
	}
	for _, c := range cases {
		who := &caller{Author: authorOf(1, c.role)}
		if got := permitted(who, c.action, c.purpose, c.classes); got != c.want {
			t.Errorf("%s %s %s %v: %v", c.role, c.action, c.purpose, c.classes, got)
		}
		who.forbidden = true
		if permitted(who, c.action, c.purpose, c.classes) {
			t.Errorf("%s %s: permitted though forbidden", c.role, c.action)
		}
	}
}
