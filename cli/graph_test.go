package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "indelible"

// root is the module's folder as seen from this one.
const root = ".."

// node is a package: ours by its path in the module, another by its full path.
type node struct {
	path        string
	standard    bool
	imports     []string // of product code
	testImports []string
}

// graph is everything the module is built from.
type graph struct {
	packages map[string]*node // ours
	all      map[string]*node
}

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath   string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func readGraph(t *testing.T) *graph {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Standard,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	g := &graph{packages: make(map[string]*node), all: make(map[string]*node)}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		g.add(l)
	}
	if len(g.packages) < 3 {
		t.Fatalf("go list found %d packages of the module", len(g.packages))
	}
	return g
}

func (g *graph) add(l listed) {
	n := &node{path: relative(l.ImportPath), standard: l.Standard}
	for _, to := range l.Imports {
		n.imports = append(n.imports, relative(to))
	}
	for _, to := range slices.Concat(l.TestImports, l.XTestImports) {
		n.testImports = append(n.testImports, relative(to))
	}
	g.all[n.path] = n
	if strings.HasPrefix(l.ImportPath, module+"/") || l.ImportPath == module {
		g.packages[n.path] = n
	}
}

func relative(importPath string) string { return strings.TrimPrefix(importPath, module+"/") }

// own are the packages of the module, in order.
func (g *graph) own() []*node {
	var own []*node
	for _, n := range g.packages {
		own = append(own, n)
	}
	slices.SortFunc(own, func(a, b *node) int { return strings.Compare(a.path, b.path) })
	return own
}

func (g *graph) standard(path string) bool {
	if n := g.all[path]; n != nil {
		return n.standard
	}
	// Imported by tests alone, so not listed: a dot is in every module's name.
	return g.packages[path] == nil && !strings.Contains(strings.Split(path, "/")[0], ".")
}

// chain is the shortest road of imports from a package to one that is wanted,
// both included, or nil.
func (g *graph) chain(from string, wanted func(path string) bool) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if wanted(at) {
			var chain []string
			for ; at != ""; at = before[at] {
				chain = append([]string{at}, chain...)
			}
			return chain
		}
		if g.all[at] == nil {
			continue
		}
		for _, to := range g.all[at].imports {
			if _, seen := before[to]; !seen {
				before[to] = at
				queue = append(queue, to)
			}
		}
	}
	return nil
}

// chainTo names the road from a program to a forbidden import of a package.
func (g *graph) chainTo(via, to string) string {
	for _, program := range []string{"cli/indelible", "cli/indelibled"} {
		if chain := g.chain(program, func(p string) bool { return p == via }); chain != nil {
			return strings.Join(append(chain, to), " → ")
		}
	}
	return via + " → " + to
}

// importSpec is one import of one file, as written.
type importSpec struct {
	file, pkg  string
	name, path string
}

func readImports(t *testing.T) []importSpec {
	t.Helper()
	var specs []importSpec
	for _, file := range goFiles(t) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range parsed.Imports {
			to, err := strconv.Unquote(s.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			spec := importSpec{file: file, pkg: path.Dir(file), path: to}
			if s.Name != nil {
				spec.name = s.Name.Name
			}
			specs = append(specs, spec)
		}
	}
	return specs
}

// goFiles are all Go files of the module but generated ones, with slashes.
// Folders that begin with a dot, testdata, and modules of their own are not in
// it.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if d.IsDir() && rel != "." && notOurs(name, d.Name()) {
			return filepath.SkipDir
		}
		if !d.IsDir() && filepath.Ext(name) == ".go" && !isGenerated(filepath.ToSlash(rel)) {
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d Go files found, %v", len(files), err)
	}
	return files
}

func notOurs(dir, base string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil || strings.HasPrefix(base, ".") || base == "testdata"
}

func isGenerated(file string) bool { return strings.HasPrefix(file, "api/gen/") }
