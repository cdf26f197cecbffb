package vault

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestOnlyTheGateDecrypts reads this package's exported functions and demands
// that none but those that take a Grant can return content: bytes, texts,
// openings or Released. What stands in the list below returns such a type and
// is none of that.
func TestOnlyTheGateDecrypts(t *testing.T) {
	harmless := map[string]string{
		"Keyring.Wrap":       "ciphertext",
		"Keyring.Unwrap":     "a key of the tree, to this package; never content",
		"Store.Jurisdiction": "a name",
		"AttestWith":         "a function that signs",
		"LookupField":        "a keyed hash of what the caller gave",
		"Store.Apply":        "answers of commands, which hold ciphertext",
		"Key.String":         "a fixed text",
		"Key.GoString":       "a fixed text",
		"Key.MarshalText":    "a fixed text",
		"Released.String":    "a fixed text", "Released.GoString": "a fixed text", "Released.MarshalJSON": "a fixed text",
	}
	gated := 0
	for name, f := range exportedFunctions(t) {
		_, known := harmless[name]
		switch returns, takes := mentions(f.Type.Results, "byte", "string", "Opening", "Released", "Record", "any"), mentions(f.Type.Params, "Grant"); {
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

func exportedFunctions(t *testing.T) map[string]*ast.FuncDecl {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]*ast.FuncDecl)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
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
			found[name] = f
		}
	}
	return found
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
