package cli

import (
	"crypto/sha256"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The numbers here may only go down: a change that makes one smaller writes the
// smaller one.
const maxPackageFiles = 35

func TestPackagesHaveFewFiles(t *testing.T) {
	files, _ := readProduct(t)
	count := map[string]int{}
	for _, s := range files {
		count[s.pkg]++
	}
	for pkg, n := range count {
		if n > maxPackageFiles {
			t.Errorf("%s has %d product files, at most %d", pkg, n, maxPackageFiles)
		}
	}
}

// public are the packages that exist for code outside this module as well: what
// they export needs no caller in it.
var public = []string{"proof", "ledger/entry", "api/client"}

// inner is how many exported things only their own package names. Types do not
// count: a caller may hold one without naming it. Nor do methods that any product
// code calls by that name, or that interfaces of other modules ask for.
const inner = 94

// unnamed is how many no product code names at all.
const unnamed = 10

func TestExportedThingsHaveCallers(t *testing.T) {
	files, set := readProduct(t)
	u := usesOf(files)
	var own, none []string
	for _, s := range files {
		for _, d := range s.exports() {
			at := set.Position(d.pos).String() + " " + d.name
			switch {
			case slices.Contains(public, s.pkg), s.ast.Name.Name == "main", d.kind == token.TYPE, d.method && slices.Contains(asked, d.name), u.outside(d):
			case u.inside(d):
				own = append(own, at)
			default:
				none = append(none, at)
			}
		}
	}
	atMost(t, "exported things that only their own package names", own, inner)
	atMost(t, "exported things that no product code names", none, unnamed)
}

// atMost holds a list against its number, and asks for a smaller number when the
// list has become shorter.
func atMost(t *testing.T, what string, list []string, most int) {
	t.Helper()
	slices.Sort(list)
	switch {
	case len(list) > most:
		t.Errorf("%d %s, at most %d:\n%s", len(list), what, most, strings.Join(list, "\n"))
	case len(list) < most:
		t.Logf("%d %s: write that down instead of %d", len(list), what, most)
	}
}

// asked are methods that interfaces of the standard library and of the libraries
// we use ask for: nobody here calls them.
var asked = []string{
	"Error", "Unwrap", "Is", "String", "GoString", "Format", "LogValue", "MarshalText", "UnmarshalText", "MarshalJSON", "UnmarshalJSON",
	"Read", "Write", "Close", "Len", "Less", "Swap", "ServeHTTP", "RoundTrip", "Public", "Sign", "Accept", "Addr",
}

// usage is what product code names.
type usage struct {
	qualified map[string]bool // "folder.Name": things of other packages
	selected  map[string]bool // names behind a dot: methods and fields
	words     map[string]int  // "folder.Name": how often a package writes a name
}

func usesOf(files []source) usage {
	u := usage{map[string]bool{}, map[string]bool{}, map[string]int{}}
	for _, s := range files {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				u.words[s.pkg+"."+n.Name]++
			case *ast.SelectorExpr:
				u.selected[n.Sel.Name] = true
				if x, ok := n.X.(*ast.Ident); ok && s.imports[x.Name] != "" {
					u.qualified[s.imports[x.Name]+"."+n.Sel.Name] = true
				}
			}
			return true
		})
	}
	return u
}

func (u usage) outside(d declared) bool {
	return d.method && u.selected[d.name] || !d.method && u.qualified[d.pkg+"."+d.name]
}

// inside asks for a second mention, beside the declaration.
func (u usage) inside(d declared) bool { return u.words[d.pkg+"."+d.name] > 1 }

// unexplained is how many exported things have neither a sentence nor a group's.
const unexplained = 0

// TestExportedThingsAreExplained: what go doc shows has a sentence of its own, or
// one for its group.
func TestExportedThingsAreExplained(t *testing.T) {
	files, set := readProduct(t)
	explained := map[string]bool{} // methods of interfaces, by package
	for _, s := range files {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if list, ok := n.(*ast.InterfaceType); ok {
				for _, m := range list.Methods.List {
					for _, name := range m.Names {
						explained[s.pkg+"."+name.Name] = m.Doc != nil
					}
				}
			}
			return true
		})
	}
	var list []string
	for _, s := range files {
		for _, d := range s.exports() {
			if d.doc == nil && !(d.method && (slices.Contains(asked, d.name) || explained[d.pkg+"."+d.name])) {
				list = append(list, set.Position(d.pos).String()+" "+d.name)
			}
		}
	}
	atMost(t, "exported things without a doc comment", list, unexplained)
}

const runLines = 8

// repeated is how many runs of runLines lines of product code stand somewhere
// else as well. Blank lines, comments, imports and lone brackets are passed over.
const repeated = 0

func TestRunsOfLinesStandOnce(t *testing.T) {
	type place struct {
		file string
		line int
	}
	seen := map[[32]byte]place{}
	var twice []string
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") || isTestSupport(path.Dir(file)) || isGenerated(file) {
			continue
		}
		text, at := significant(string(readSource(t, file)))
		for i := 0; i+runLines <= len(text); i++ {
			sum := sha256.Sum256([]byte(strings.Join(text[i:i+runLines], "\n")))
			if first, ok := seen[sum]; ok {
				twice = append(twice, strings.Join([]string{first.file, strconv.Itoa(first.line), file, strconv.Itoa(at[i])}, ":"))
				continue
			}
			seen[sum] = place{file, at[i]}
		}
	}
	atMost(t, "runs of lines that stand somewhere else as well", twice, repeated)
}

// significant are the lines of a file that say something, with their numbers.
func significant(text string) (lines []string, at []int) {
	imports := false
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "import ("):
			imports = true
		case imports:
			imports = line != ")"
		case strings.HasPrefix(line, "//"), strings.HasPrefix(line, "import "), strings.Trim(line, "(){}[],") == "":
		default:
			lines, at = append(lines, line), append(at, i+1)
		}
	}
	return lines, at
}
