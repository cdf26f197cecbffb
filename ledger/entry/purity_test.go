package entry

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pureImports is all that product code of this package may import: nothing with
// a file, a network, a clock, randomness or a goroutine behind it. io and fmt are
// there for interfaces and texts, log/slog for the value a redacted type shows.
var pureImports = []string{
	"bytes", "crypto", "crypto/ecdsa", "crypto/ed25519", "crypto/elliptic", "crypto/rsa", "crypto/sha256",
	"encoding/asn1", "encoding/binary", "encoding/hex", "errors", "fmt", "hash", "io", "log/slog", "math", "math/big",
	"slices", "strconv", "strings", "sync", "unicode", "unicode/utf8",
	"github.com/oasisprotocol/curve25519-voi/curve",
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519",
}

func productFiles(t *testing.T) (files []*ast.File, fset *token.FileSet) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset = token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	if len(files) < 10 {
		t.Fatalf("only %d files found", len(files))
	}
	return files, fset
}

func TestPurity(t *testing.T) {
	files, fset := productFiles(t)
	for _, f := range files {
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(pureImports, path) {
				t.Errorf("%s imports %s", fset.Position(spec.Pos()), path)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s starts a goroutine", fset.Position(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "slog" && !slices.Contains([]string{"Value", "StringValue", "LogValuer"}, n.Sel.Name) {
					t.Errorf("%s logs", fset.Position(n.Pos()))
				}
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "fmt" && strings.HasPrefix(n.Sel.Name, "Print") {
					t.Errorf("%s prints", fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// TestCodeTableIsComplete finds every Code constant in the source: each has a
// row with all its texts, and no row is there twice.
func TestCodeTableIsComplete(t *testing.T) {
	declared := map[string]bool{}
	files, _ := productFiles(t)
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if id, ok := spec.Type.(*ast.Ident); ok && id.Name == "Code" {
				for _, v := range spec.Values {
					code, err := strconv.Unquote(v.(*ast.BasicLit).Value)
					if err != nil {
						t.Fatal(err)
					}
					declared[code] = true
				}
			}
			return true
		})
	}
	rows := map[string]bool{}
	for _, row := range Codes() {
		if rows[string(row.Code)] {
			t.Errorf("%s has two rows", row.Code)
		}
		rows[string(row.Code)] = true
		for _, text := range []string{row.Happened, row.NotDone, row.Next} {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q is not a sentence", row.Code, text)
			}
		}
		if r := Refuse(row.Code, "x"); r.Retryable != row.Retryable {
			t.Errorf("%s: retryable %v, table %v", row.Code, r.Retryable, row.Retryable)
		}
	}
	for code := range declared {
		if !rows[code] {
			t.Errorf("%s has no row", code)
		}
	}
	if len(rows) != len(declared) || len(rows) < 40 {
		t.Errorf("%d rows, %d codes", len(rows), len(declared))
	}
}
