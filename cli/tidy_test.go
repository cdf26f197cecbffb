package cli

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The law of size. Generated code is exempt.
const (
	maxFileLines = 400
	maxFuncLines = 70
)

// topLevel are the folders of DESIGN §3: the folders are the architecture.
// Only dot-folders, and what .gitignore names, may stand beside them.
var topLevel = []string{"api", "bench", "cli", "deploy", "docs", "ingest", "ledger", "proof", "raft", "test"}

// bins are names under which things pile up that belong to no one.
var bins = []string{"base", "common", "core", "helper", "helpers", "internal", "lib", "manager", "misc", "pkg", "shared", "types", "util", "utils"}

func TestTopLevelFolders(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	ignored := ignoredFolders(t)
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."), e.IsDir() && slices.Contains(ignored, name):
		case e.IsDir() && !slices.Contains(topLevel, name):
			t.Errorf("folder %s at the top level: the folders are %v", name, topLevel)
		case filepath.Ext(name) == ".go":
			t.Errorf("%s: there is no root package", name)
		}
	}
}

// ignoredFolders are the lines of .gitignore of the form /name/.
func ignoredFolders(t *testing.T) []string {
	raw, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "/") && strings.HasSuffix(line, "/") {
			names = append(names, strings.Trim(line, "/"))
		}
	}
	return names
}

func TestFilesAndFunctionsAreSmall(t *testing.T) {
	for _, file := range goFiles(t) {
		raw := readSource(t, file)
		if lines := bytes.Count(raw, []byte("\n")); lines > maxFileLines {
			t.Errorf("%s has %d lines, at most %d", file, lines, maxFileLines)
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, raw, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			name, body := function(n)
			if body == nil {
				return true
			}
			if lines := set.Position(n.End()).Line - set.Position(n.Pos()).Line + 1; lines > maxFuncLines {
				t.Errorf("%s: %s has %d lines, at most %d", set.Position(n.Pos()), name, lines, maxFuncLines)
			}
			return true
		})
	}
}

func function(n ast.Node) (string, *ast.BlockStmt) {
	switch f := n.(type) {
	case *ast.FuncDecl:
		return f.Name.Name, f.Body
	case *ast.FuncLit:
		return "a function literal", f.Body
	}
	return "", nil
}

func TestNoBins(t *testing.T) {
	for _, file := range goFiles(t) {
		dir, base := path.Split(file)
		words := strings.Split(strings.Trim(dir, "/"), "/")
		stem := strings.TrimSuffix(strings.TrimSuffix(base, ".go"), "_test")
		for _, word := range append(words, stem) {
			if slices.Contains(bins, word) {
				t.Errorf("%s: %q is no noun of this system", file, word)
			}
		}
		for _, part := range strings.Split(stem, "_") {
			if slices.Contains([]string{"util", "utils", "helper", "helpers", "manager", "misc", "common"}, part) {
				t.Errorf("%s: %q is no noun of this system", file, part)
			}
		}
	}
}

// The words are put together here so that this file does not name itself.
var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b|panic\("unwritten"\)`)

func TestNothingIsLeftUnfinished(t *testing.T) {
	for _, file := range goFiles(t) {
		for i, line := range bytes.Split(readSource(t, file), []byte("\n")) {
			if mark := unfinished.Find(line); mark != nil {
				t.Errorf("%s:%d: %s", file, i+1, mark)
			}
		}
	}
}

// Waiting is for an event, or on a timer that a test can turn.
func TestNobodySleeps(t *testing.T) {
	for _, file := range goFiles(t) {
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, readSource(t, file), parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok || call.Sel.Name != "Sleep" {
				return true
			}
			if pkg, ok := call.X.(*ast.Ident); ok && pkg.Name == "time" {
				t.Errorf("%s: time.Sleep", set.Position(n.Pos()))
			}
			return true
		})
	}
}

func TestEveryPackageStatesItsLaw(t *testing.T) {
	documented, product := map[string]bool{}, map[string]bool{}
	for _, file := range goFiles(t) {
		dir, base := path.Split(file)
		if !strings.HasSuffix(base, "_test.go") {
			product[dir] = true
		}
		if base == "doc.go" {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, readSource(t, file), parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			documented[dir] = parsed.Doc != nil && len(parsed.Doc.Text()) > 80
		}
	}
	for dir := range product {
		if !documented[dir] {
			t.Errorf("%s has no doc.go that states the law of the package", dir)
		}
	}
}

func readSource(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
