package vault

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestOnlyTheGateDecrypts reads the exported functions of the vault's packages
// and demands that none but those that take a Grant can return content: bytes,
// texts, openings or Released, or a cipher, or a key. What stands in the list
// below returns such a type and is none of that, or is for this package alone:
// the import law lets no other import keytree.
func TestOnlyTheGateDecrypts(t *testing.T) {
	harmless := map[string]string{
		"AttestWith":               "a function that signs",
		"LookupField":              "a keyed hash of what the caller gave",
		"Released.MarshalJSON":     "a fixed text",
		"store.Store.Jurisdiction": "a name",
		"store.View.Record":        "ciphertext",
		"store.View.Kept":          "a statement for the log",
		"store.Content.Seal":       "ciphertext",
		"store.Verdict.Message":    "what a member says of a root version",
		"store.Attest.Message":     "what a member says of a root version",
		"keytree.RecordData":       "numbers, in clear",
		"keytree.RowData":          "numbers, in clear",
		"keytree.Tree.Leaf":        "a cipher, to this package",
		"keytree.Tree.LeafOnce":    "a cipher, to this package",
		"keytree.Keyring.Wrap":     "ciphertext",
		"keytree.Keyring.Unwrap":   "a key of the tree, to keytree",
		"keytree.Key.MarshalText":  "a fixed text",
	}
	gated := 0
	for name, f := range exportedFunctions(t) {
		_, known := harmless[name]
		returns := mentions(f.Type.Results, "byte", "string", "Opening", "Released", "Record", "any", "AEAD", "Key")
		switch takes := mentions(f.Type.Params, "Grant"); {
		case known || !returns && !takes:
		case takes:
			gated++
		default:
			t.Errorf("%s can return content and takes no Grant", name)
		}
		delete(harmless, name)
	}
	for name := range harmless {
		t.Errorf("%s is in the list and does not exist", name)
	}
	if gated != 2 {
		t.Errorf("%d functions take a Grant, want Release and Lookup", gated)
	}
}

// exportedFunctions are those of this package, and of the two below it with
// their names before.
func exportedFunctions(t *testing.T) map[string]*ast.FuncDecl {
	t.Helper()
	found := make(map[string]*ast.FuncDecl)
	for dir, prefix := range map[string]string{".": "", "store": "store.", "keytree": "keytree."} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !strings.HasSuffix(name, "_test.go") {
				exportedIn(t, name, prefix, found)
			}
		}
	}
	return found
}

func exportedIn(t *testing.T, file, prefix string, found map[string]*ast.FuncDecl) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || !f.Name.IsExported() {
			continue
		}
		name := f.Name.Name
		if f.Recv != nil {
			of := receiver(f.Recv.List[0].Type)
			if !ast.IsExported(of) {
				continue
			}
			name = of + "." + name
		}
		found[prefix+name] = f
	}
}

func receiver(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

func mentions(fields *ast.FieldList, names ...string) bool {
	found := false
	if fields == nil {
		return false
	}
	ast.Inspect(fields, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			for _, name := range names {
				found = found || id.Name == name
			}
		}
		return true
	})
	return found
}
