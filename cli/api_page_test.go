package cli

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	indeliblev1 "indelible/api/gen/indelible/v1"
)

// TestThePageSaysWhoMayCall compares the table of docs/API.md with the access
// options of the schema, row by row.
func TestThePageSaysWhoMayCall(t *testing.T) {
	var want, got []string
	protoregistry.GlobalFiles.RangeFilesByPackage("indelible.v1", func(file protoreflect.FileDescriptor) bool {
		for s := range file.Services().Len() {
			methods := file.Services().Get(s).Methods()
			for m := range methods.Len() {
				want = append(want, pageRow(t, methods.Get(m)))
			}
		}
		return true
	})
	rows := regexp.MustCompile("(?m)^\\| `[A-Z][A-Za-z]+Service/.*$")
	for _, row := range rows.FindAll(readFile(t, filepath.Join(root, "docs", "API.md")), -1) {
		got = append(got, string(row))
	}
	slices.Sort(want)
	slices.Sort(got)
	for _, row := range want {
		if !slices.Contains(got, row) {
			t.Errorf("docs/API.md has not the row\n%s", row)
		}
	}
	for _, row := range got {
		if !slices.Contains(want, row) {
			t.Errorf("docs/API.md has a row of which the schema knows nothing\n%s", row)
		}
	}
	if len(got) != len(want) || len(want) < 10 {
		t.Errorf("%d rows for %d RPCs", len(got), len(want))
	}
}

func pageRow(t *testing.T, method protoreflect.MethodDescriptor) string {
	access, ok := proto.GetExtension(method.Options(), indeliblev1.E_Access).(*indeliblev1.Access)
	if !ok || access == nil {
		t.Fatalf("%s has no access option", method.FullName())
	}
	who := "anyone enrolled"
	if !access.GetAnyone() {
		var roles []string
		for _, r := range access.GetRoles() {
			roles = append(roles, strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(r.String(), "ROLE_")), "_", "-"))
		}
		slices.Sort(roles)
		who = strings.Join(roles, ", ")
	}
	recorded := map[indeliblev1.Audit]string{
		indeliblev1.Audit_AUDIT_NONE: "nothing", indeliblev1.Audit_AUDIT_STATEMENT: "statement", indeliblev1.Audit_AUDIT_ACCESS: "access entry",
	}[access.GetAudit()]
	header := map[bool]string{true: "yes", false: "no"}[access.GetPhi()]
	return fmt.Sprintf("| `%s/%s` | %s | %s | %s |", method.Parent().Name(), method.Name(), who, recorded, header)
}
