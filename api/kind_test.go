package api

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	"indelible/api/edge"
	"indelible/api/wire"
	"indelible/ledger/entry"
	"indelible/raft"
)

// specimens are one statement of each kind and action, with the roles that may
// hand it in by Append and by AppendOpen, written down a second time. Nobody else
// may, and what has no role at all is written by nodes alone.
func specimens(t *testing.T) map[string]specimen {
	t.Helper()
	spki := spki(t, newKey(t).Public())
	digest, id, to := &entry.Hash{1}, entry.StatementID{1}, uint64(1)
	h := entry.SubOfHandle(entry.Handle{1})
	const (
		sealedRoles = "consent-service device officer service"
		openRoles   = "consent-service officer operator registrar"
	)
	device := entry.AuthorChange{Action: entry.AuthorEnrol, Key: spki, Role: entry.RoleDevice, Jurisdictions: []string{home}}
	person := entry.AuthorChange{Action: entry.AuthorEnrol, Key: spki, Role: entry.RoleAuditor, Jurisdictions: []string{home}}
	erasure := func(e entry.Erasure) entry.Draft {
		return entry.Draft{Kind: entry.KindErasure, Jurisdiction: home, Body: &e}
	}
	request, set := erasure(entry.Erasure{Step: entry.StepRequest, Scope: entry.ScopeAll}), entry.Draft{Kind: entry.KindHold, Jurisdiction: home, Body: &entry.Hold{Action: entry.HoldSet}}
	request.Parts, set.Parts = digest, digest
	return map[string]specimen{
		"reading":               {entry.Draft{Kind: entry.KindReading, Sub: entry.SubOfBinding(entry.BindingID{1}), Jurisdiction: home, Boot: 1, Seq: 1, Parts: digest}, sealedRoles, ""},
		"correction":            {entry.Draft{Kind: entry.KindCorrection, Sub: h, Jurisdiction: home, Parts: digest, Body: &entry.Correction{Corrects: id}}, sealedRoles, ""},
		"consent":               {entry.Draft{Kind: entry.KindConsent, Sub: h, Jurisdiction: home, Body: &entry.Consent{Action: entry.ConsentGrant, Purposes: []entry.Purpose{1}, Regime: 1, Basis: 1}}, sealedRoles, ""},
		"author enrol device":   {entry.Draft{Kind: entry.KindAuthor, Sub: h, Jurisdiction: home, Parts: digest, Body: &device}, "registrar", ""},
		"author enrol person":   {entry.Draft{Kind: entry.KindAuthor, Body: &person}, "", openRoles},
		"author suspend":        {entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{Action: entry.AuthorSuspend}}, "", openRoles},
		"author confirmation":   {entry.Draft{Kind: entry.KindAuthor, Confirms: &id}, "", openRoles},
		"ca":                    {entry.Draft{Kind: entry.KindCA, Body: &entry.CAChange{Action: entry.CAActivate, Key: spki}}, "", openRoles},
		"policy":                {entry.Draft{Kind: entry.KindPolicy, Body: &entry.PolicyChange{Type: 1, Regime: 1}}, "", openRoles},
		"handle open":           {entry.Draft{Kind: entry.KindHandle, Sub: h, Jurisdiction: home, Parts: digest, Body: &entry.HandleChange{Action: entry.ActionOpen, Class: 1}}, "registrar", ""},
		"handle close":          {entry.Draft{Kind: entry.KindHandle, Sub: h, Jurisdiction: home, Parts: digest, Body: &entry.HandleChange{Action: entry.ActionClose}}, "registrar", ""},
		"binding open":          {entry.Draft{Kind: entry.KindBinding, Jurisdiction: home, Body: &entry.BindingChange{Action: entry.ActionOpen}}, "registrar", "registrar"},
		"binding close":         {entry.Draft{Kind: entry.KindBinding, Jurisdiction: home, Body: &entry.BindingChange{Action: entry.ActionClose, To: &to}}, "registrar", "registrar"},
		"access":                {entry.Draft{Kind: entry.KindAccess, Sub: h, Jurisdiction: home, Parts: digest, Body: &entry.Access{Action: 1, Outcome: 1, Purpose: 1, Position: 1}}, "", ""},
		"index":                 {entry.Draft{Kind: entry.KindIndex, Body: &entry.IndexSeal{N: 1}}, "", ""},
		"erasure request":       {request, "officer", ""},
		"erasure approve":       {erasure(entry.Erasure{Step: entry.StepApprove}), "officer", ""},
		"erasure cancel":        {erasure(entry.Erasure{Step: entry.StepCancel}), "officer", ""},
		"erasure lost":          {erasure(entry.Erasure{Step: entry.StepLost}), "officer", ""},
		"erasure executed":      {erasure(entry.Erasure{Step: entry.StepExecuted, Method: 1, Strength: 1}), "", ""},
		"erasure complete":      {erasure(entry.Erasure{Step: entry.StepComplete}), "", ""},
		"hold set":              {set, "officer", ""},
		"hold release":          {entry.Draft{Kind: entry.KindHold, Jurisdiction: home, Body: &entry.Hold{Action: entry.HoldRelease}}, "officer", ""},
		"hold confirmation":     {entry.Draft{Kind: entry.KindHold, Jurisdiction: home, Confirms: &id}, "officer", ""},
		"consent's other shape": {entry.Draft{Kind: entry.KindConsent, Sub: h, Jurisdiction: home, Parts: digest, Body: &entry.Consent{Action: entry.ConsentWithdraw, Purposes: []entry.Purpose{1}, Regime: 1, Basis: 1}}, sealedRoles, ""},
	}
}

type specimen struct {
	draft        entry.Draft
	sealed, open string // who may hand it in by Append, by AppendOpen
}

// TestWhoMayHandInWhat compares every cell of kind, RPC and role. Two kinds come
// by one call, and what nodes alone write by none.
func TestWhoMayHandInWhat(t *testing.T) {
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
		for open, expected := range map[bool]string{false: specimen.sealed, true: specimen.open} {
			var taken []entry.Role
			for _, role := range everyRole {
				refusal := kindRuleOf(statement).refusal(&edge.Caller{Author: authorOf(1, role)}, open)
				if refusal == nil {
					taken = append(taken, role)
				} else if want := map[bool]entry.Code{true: wire.CodeKindNotHere, false: wire.CodeCallerForbidden}[expected == ""]; refusal.Code != want {
					t.Errorf("%s by %s, open %v: %s, expected %s", name, role, open, refusal.Code, want)
				}
			}
			if got := strings.Join(names(taken), " "); got != expected {
				t.Errorf("%s, open %v, is taken from %q, expected %q", name, open, got, expected)
			}
		}
	}
}

// TestBatchesGoByTheReservedLaneAsAWhole: what does not belong there is not
// taken along by what does.
func TestBatchesGoByTheReservedLaneAsAWhole(t *testing.T) {
	hold, consent := &submission{rule: erasing}, &submission{rule: clinical}
	if laneFor([]*submission{hold, hold}) != raft.LaneReserved || laneFor([]*submission{hold, consent}) != raft.LaneOrdinary || laneFor([]*submission{consent}) != raft.LaneOrdinary {
		t.Fatal("not the reserved lane for holds alone")
	}
}

// names are roles as the schema and the pages list them.
func names(roles []entry.Role) []string {
	var out []string
	for _, role := range roles {
		out = append(out, role.String())
	}
	slices.Sort(out)
	return out
}

var everyRole = []entry.Role{
	entry.RoleRegistrar, entry.RoleOperator, entry.RoleOfficer, entry.RoleConsentService, entry.RoleService,
	entry.RoleNode, entry.RoleDevice, entry.RoleAuditor, entry.RoleClinician,
}

// TestWhoMayRelay: services carry for devices, everybody else for their own
// role, nobody for another.
func TestWhoMayRelay(t *testing.T) {
	for _, carrier := range everyRole {
		for _, signer := range everyRole {
			want := carrier == signer && carrier != entry.RoleDevice || carrier == entry.RoleService && signer == entry.RoleDevice
			who := &edge.Caller{Author: authorOf(1, carrier)}
			if got := mayRelay(who, entry.AuthorID{2}, signer); got != want {
				t.Errorf("%s for %s: %v", carrier, signer, got)
			}
			if !mayRelay(who, who.ID, signer) {
				t.Errorf("%s for itself: refused", carrier)
			}
		}
	}
}
