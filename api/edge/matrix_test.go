package edge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/ledger/entry"
)

// matrix is who may call what, written down a second time: the options of the
// schema are compared with it, so that no role gains an RPC by a slip in one
// place. After the roles stands what is recorded, "phi" where the call names its
// jurisdiction, and who is admitted in the reserved lane.
const matrix = `
LedgerService/Append          consent-service device officer registrar service | statement phi reserved officer
LedgerService/AppendStream    consent-service device officer registrar service | statement phi
LedgerService/AppendOpen      consent-service officer operator registrar | statement
LedgerService/GetReceipt      anyone | none
LedgerService/GetEntry        auditor | none
LedgerService/ListEntries     auditor | none
LedgerService/GetCheckpoint   anyone | none
LedgerService/GetConsistency  anyone | none
LedgerService/GetLog          anyone | none
DevicesService/GetDevice      auditor device officer operator registrar service | none
DevicesService/ListDevices    auditor officer operator registrar | none
SubjectsService/Register      registrar | statement phi
SubjectsService/Find          clinician consent-service officer registrar | access phi reserved clinician consent-service officer registrar
RecordsService/Read           clinician | access phi reserved clinician
ErasureService/GetErasure     auditor officer operator | none reserved auditor officer operator
ClusterService/Status         auditor officer operator registrar service | none
`

// row is a rule as the matrix writes it.
func row(r *rule) string {
	who := []string{"anyone"}
	if !r.GetAnyone() {
		who = names(r.GetRoles())
	}
	audit := map[indeliblev1.Audit]string{
		indeliblev1.Audit_AUDIT_NONE: "none", indeliblev1.Audit_AUDIT_STATEMENT: "statement", indeliblev1.Audit_AUDIT_ACCESS: "access",
	}[r.GetAudit()]
	if r.GetPhi() {
		audit += " phi"
	}
	if len(r.GetReserved()) > 0 {
		audit += " reserved " + strings.Join(names(r.GetReserved()), " ")
	}
	return fmt.Sprintf("%s %s | %s", strings.TrimPrefix(r.procedure, "/indelible.v1."), strings.Join(who, " "), audit)
}

func names(roles []indeliblev1.Role) []string {
	var out []string
	for _, role := range roles {
		out = append(out, entry.Role(role).String())
	}
	slices.Sort(out)
	return out
}

// TestTheMatrixOfRolesAndRPCs compares every cell.
func TestTheMatrixOfRolesAndRPCs(t *testing.T) {
	rules, err := rulesOf(schema())
	must(t, err)
	expected := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(matrix)) {
		expected[strings.Join(strings.Fields(line), " ")] = true
	}
	for _, r := range rules {
		if !expected[row(r)] {
			t.Errorf("not as written down: %s", row(r))
		}
		if r.stream != (r.procedure == indeliblev1connect.LedgerServiceAppendStreamProcedure) {
			t.Errorf("%s: stream is %v", r.procedure, r.stream)
		}
	}
	if len(rules) != len(expected) {
		t.Errorf("%d RPCs, %d rows", len(rules), len(expected))
	}
	for number, name := range indeliblev1.Role_name {
		own := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "ROLE_")), "_", "-")
		if number != 0 && entry.Role(number).String() != own {
			t.Errorf("role %d is %s in the schema and %s in the log", number, own, entry.Role(number))
		}
	}
}
