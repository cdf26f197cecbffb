package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	indeliblev1 "indelible/api/gen/indelible/v1"
)

// accessRules are the access options of all RPCs of the schema, by path.
func accessRules(t *testing.T) map[string]*indeliblev1.Access {
	t.Helper()
	rules := map[string]*indeliblev1.Access{}
	protoregistry.GlobalFiles.RangeFilesByPackage("indelible.v1", func(file protoreflect.FileDescriptor) bool {
		for s := range file.Services().Len() {
			methods := file.Services().Get(s).Methods()
			for m := range methods.Len() {
				method := methods.Get(m)
				access, _ := proto.GetExtension(method.Options(), indeliblev1.E_Access).(*indeliblev1.Access)
				rules["/"+string(method.Parent().FullName())+"/"+string(method.Name())] = access
			}
		}
		return true
	})
	return rules
}

// TestEveryServiceIsServed walks every file of the package, those that somebody
// forgot to list included.
func TestEveryServiceIsServed(t *testing.T) {
	found := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("indelible.v1", func(file protoreflect.FileDescriptor) bool {
		if file.Services().Len() > 0 {
			found++
			if !slices.Contains(services(), file) {
				t.Errorf("%s is not served", file.Path())
			}
		}
		return true
	})
	if found == 0 || found != len(services()) {
		t.Errorf("%d files with services, %d served", found, len(services()))
	}
}

// TestWhereHealthDataLeaves: a file that opens records or finds subjects is one
// that has been looked at for what stands before.
func TestWhereHealthDataLeaves(t *testing.T) {
	entries, err := os.ReadDir(".")
	must(t, err)
	found := map[string]string{}
	for _, e := range entries {
		if !isSource(e) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && (s.Sel.Name == "Release" || s.Sel.Name == "Lookup") {
				found[s.Sel.Name] += e.Name() + " "
			}
			return true
		})
	}
	if want := map[string]string{"Release": "read.go ", "Lookup": "subject.go "}; !maps.Equal(found, want) {
		t.Errorf("health data leaves by %v, doc.go says %v", found, want)
	}
}
