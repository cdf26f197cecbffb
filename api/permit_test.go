package api

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"indelible/api/edge"
	"indelible/ledger/entry"
)

// TestEveryPermission asks for everything anybody could ask for: what is
// granted is this and nothing else.
func TestEveryPermission(t *testing.T) {
	granted := map[string]bool{}
	for _, line := range []string{
		"clinician lookup TREAT ETREAT PATRQT", "registrar lookup HOPERAT", "officer lookup HOPERAT PATRQT HLEGAL",
		"consent-service lookup HOPERAT PATRQT", "clinician read TREAT ETREAT PATRQT",
	} {
		words := strings.Fields(line)
		for _, purpose := range words[2:] {
			granted[strings.Join([]string{words[0], words[1], purpose}, " ")] = true
		}
	}
	seen := map[string]bool{}
	for role := entry.RoleRegistrar; role <= entry.RoleClinician; role++ {
		for action := entry.AccessAction(1); action < 16; action++ {
			for purpose := entry.PurposeTREAT; purpose <= entry.PurposeHLEGAL; purpose++ {
				for _, class := range []entry.Class{entry.ClassClinical, entry.ClassIdentity, entry.ClassAudit, entry.ClassSeries} {
					name := fmt.Sprintf("%s %s %s", role, action, purpose)
					classes := []entry.Class{class}
					if action == entry.AccessLookup {
						classes = nil
					}
					want := granted[name] && class <= entry.ClassIdentity
					if action == entry.AccessLookup {
						want = granted[name]
					}
					if got := permitted(&edge.Caller{Author: authorOf(1, role)}, action, purpose, classes); got != want {
						t.Errorf("%s of %s: %v", name, class, got)
					}
					if want {
						seen[name] = true
					}
				}
			}
		}
	}
	if !maps.Equal(seen, granted) {
		t.Errorf("asked for %v of %v", seen, granted)
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
		who := &edge.Caller{Author: authorOf(1, c.role)}
		if got := permitted(who, c.action, c.purpose, c.classes); got != c.want {
			t.Errorf("%s %s %s %v: %v", c.role, c.action, c.purpose, c.classes, got)
		}
		who.Forbidden = true
		if permitted(who, c.action, c.purpose, c.classes) {
			t.Errorf("%s %s: permitted though forbidden", c.role, c.action)
		}
	}
}
