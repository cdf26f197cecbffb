package proof

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

// What product code of this package may import: nothing that reads a clock, a
// disk, a network or chance.
var pureImports = []string{
	"bytes", "crypto/ed25519", "crypto/sha256", "encoding/base64", "encoding/binary", "encoding/hex", "errors", "fmt",
	"math", "math/bits", "slices", "strconv", "strings", "unicode", "unicode/utf8",
	"filippo.io/mldsa",
	"github.com/transparency-dev/merkle/compact", "github.com/transparency-dev/merkle/proof", "github.com/transparency-dev/merkle/rfc6962",
}

// What its tests may import besides: chance from a seed, and the vectors.
var pureTestImports = []string{
	"encoding/json", "flag", "go/ast", "go/parser", "go/token", "io/fs", "math/big", "math/rand/v2", "os", "path/filepath",
	"reflect", "runtime", "sync", "testing", "time",
	"golang.org/x/mod/sumdb/note",
	"indelible/proof", "indelible/test/example", "indelible/test/seed",
}

func TestPackageIsPure(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) < 20 {
		t.Fatalf("%d files found, %v", len(names), err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		checkImports(t, name, file)
		if !strings.HasSuffix(name, "_test.go") {
			checkNoConcurrency(t, name, file)
		}
	}
}

func checkImports(t *testing.T, name string, file *ast.File) {
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		isTest := strings.HasSuffix(name, "_test.go")
		if !slices.Contains(pureImports, path) && !(isTest && slices.Contains(pureTestImports, path)) {
			t.Errorf("%s imports %s, which the law of this package does not allow", name, path)
		}
	}
}

func checkNoConcurrency(t *testing.T, name string, file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
			t.Errorf("%s starts a goroutine or uses a channel", name)
		}
		return true
	})
}
