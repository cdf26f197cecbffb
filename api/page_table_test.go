package api

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"indelible/ledger/entry"
	"indelible/raft"
)

// TestThePageSaysWhoMayWriteAndRead compares the tables of docs/API.md about
// statements and about reads with kind.go and permit.go.
func TestThePageSaysWhoMayWriteAndRead(t *testing.T) {
	page, err := os.ReadFile("../docs/API.md")
	must(t, err)
	has := func(row string) {
		if strings.Count("\n"+string(page), "\n"+row+"\n") != 1 {
			t.Errorf("docs/API.md has not, or not once, the row\n%s", row)
		}
	}
	of := func(k entry.Kind, b entry.Body) *entry.Statement { return &entry.Statement{Kind: k, Body: b} }
	erasure := func(s entry.ErasureStep) *entry.Statement { return of(entry.KindErasure, &entry.Erasure{Step: s}) }
	enrol := func(r entry.Role) *entry.Statement {
		return of(entry.KindAuthor, &entry.AuthorChange{Action: entry.AuthorEnrol, Role: r})
	}
	for label, said := range map[string][]*entry.Statement{
		"reading":                {of(entry.KindReading, nil)},
		"correction":             {of(entry.KindCorrection, &entry.Correction{})},
		"consent":                {of(entry.KindConsent, &entry.Consent{})},
		"handle":                 {of(entry.KindHandle, &entry.HandleChange{})},
		"author, enrol a device": {enrol(entry.RoleDevice)},
		"author, any other":      {enrol(entry.RoleAuditor), of(entry.KindAuthor, &entry.AuthorChange{Action: entry.AuthorRevoke}), of(entry.KindAuthor, nil)},
		"binding":                {of(entry.KindBinding, &entry.BindingChange{})},
		"ca":                     {of(entry.KindCA, &entry.CAChange{})},
		"policy":                 {of(entry.KindPolicy, &entry.PolicyChange{})},
		"node":                   {of(entry.KindNode, &entry.NodeChange{})},
		"erasure request, approve, cancel, lost": {
			erasure(entry.StepRequest), erasure(entry.StepApprove), erasure(entry.StepCancel), erasure(entry.StepLost),
		},
		"hold":                       {of(entry.KindHold, &entry.Hold{Action: entry.HoldSet}), of(entry.KindHold, nil)},
		"access":                     {of(entry.KindAccess, &entry.Access{})},
		"erasure executed, complete": {erasure(entry.StepExecuted), erasure(entry.StepComplete)},
	} {
		for _, s := range said {
			has(kindRow(label, kindRuleOf(s)))
		}
	}
	for _, p := range permissions {
		has(permissionRow(p))
	}
	reads := strings.Count(string(page), " | read | ") + strings.Count(string(page), " | lookup | ")
	if reads != len(permissions) {
		t.Errorf("docs/API.md has %d rows about reads, the table %d", reads, len(permissions))
	}
}

// kindRow is a rule as the page writes it. What clients do not write, nodes
// append by the reserved lane.
func kindRow(label string, k *kindRule) string {
	if k == nil {
		return fmt.Sprintf("| %s | – | – | reserved |", label)
	}
	cell := func(by bool) string {
		if !by {
			return "–"
		}
		return strings.Join(names(k.roles), ", ")
	}
	lane := "ordinary"
	if k.lane == raft.LaneReserved {
		lane = "reserved"
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", label, cell(k.sealed), cell(k.open), lane)
}

func permissionRow(p permission) string {
	var purposes, parts []string
	for _, one := range p.purposes {
		purposes = append(purposes, one.String())
	}
	for _, class := range p.classes {
		parts = append(parts, class.String())
	}
	if len(parts) == 0 {
		parts = []string{"a handle"}
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", p.role, p.action, strings.Join(purposes, ", "), strings.Join(parts, ", "))
}
