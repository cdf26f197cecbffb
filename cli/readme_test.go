package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestReadmeNamesTestsThatExist keeps the table of promises honest: a test that
// was renamed or removed must not go on being promised.
func TestReadmeNamesTestsThatExist(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	declared := declaredTests(t)
	named := namedTest.FindAllStringSubmatch(string(readme), -1)
	if len(named) < 12 {
		t.Fatalf("the README names %d tests for 12 promises", len(named))
	}
	for _, n := range named {
		if !declared[n[1]] {
			t.Errorf("the README promises %s, which no test file declares", n[1])
		}
	}
	if rows := regexp.MustCompile(`(?m)^\| P\d+ `).FindAll(readme, -1); len(rows) != 12 {
		t.Errorf("the README has %d promises, want 12", len(rows))
	}
	for p := 1; p <= 12; p++ {
		if !regexp.MustCompile(`(?m)^\| P` + strconv.Itoa(p) + ` [^|]+\|[^|]+\|.*Test`).Match(readme) {
			t.Errorf("the README has no row with a test for promise P%d", p)
		}
	}
}

// TestDocsNameTestsThatExist: the same for the law and its records.
func TestDocsNameTestsThatExist(t *testing.T) {
	declared := declaredTests(t)
	for _, path := range writings(t) {
		if filepath.Ext(path) != ".md" {
			continue
		}
		for _, n := range namedTest.FindAllStringSubmatch(string(readFile(t, path)), -1) {
			if !declared[n[1]] {
				t.Errorf("%s names %s, which no test file declares", path, n[1])
			}
		}
	}
}

var namedTest = regexp.MustCompile("`(Test[A-Za-z0-9]+)`")

func declaredTests(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declaration.FindAllSubmatch(source, -1) {
			found[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestReadmeNamesFilesThatExist: every file the README names is there, and says
// every word named after it: the road, and two hops from a question to its answer.
func TestReadmeNamesFilesThatExist(t *testing.T) {
	readme := string(readFile(t, filepath.Join(root, "README.md")))
	hops := namedFile.FindAllStringSubmatch(readme, -1)
	if len(hops) < 20 {
		t.Fatalf("the README names %d files with a word each: this test looks at too little", len(hops))
	}
	for _, hop := range hops {
		source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(hop[1])))
		switch {
		case err != nil:
			t.Errorf("the README sends the reader to %s, which is not there", hop[1])
		case !regexp.MustCompile(`\b` + regexp.QuoteMeta(hop[2]) + `\b`).Match(source):
			t.Errorf("the README says that %s has %q, which it has not", hop[1], hop[2])
		}
	}
	for _, link := range linked.FindAllStringSubmatch(readme, -1) {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(link[1]))); err != nil {
			t.Errorf("the README links to %s, which is not there", link[1])
		}
	}
}

var (
	namedFile = regexp.MustCompile("`([a-z][a-z0-9_/]*\\.[a-z]+)`, `([^`]+)`")
	linked    = regexp.MustCompile(`\]\(([^)#:]+)\)`)
)

// TestPagesNameFilesThatExist: every file of ours that a page names is there, by its
// path, or by its name alone somewhere.
func TestPagesNameFilesThatExist(t *testing.T) {
	names, found := map[string]bool{}, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		names[d.Name()] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range writings(t) {
		if filepath.Ext(page) != ".md" {
			continue
		}
		for _, m := range pagesFile.FindAllStringSubmatch(string(readFile(t, page)), -1) {
			found++
			_, fromRoot := os.Stat(filepath.Join(root, filepath.FromSlash(m[1])))
			_, fromPage := os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(m[1])))
			if fromRoot != nil && fromPage != nil && (strings.Contains(m[1], "/") || !names[m[1]]) {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
	}
	if found < 60 {
		t.Errorf("%d files were found: this test looks at too little", found)
	}
}

var pagesFile = regexp.MustCompile("`([a-z.][a-z0-9_./-]*\\.(?:go|md|proto|cddl|sh|binpb))`")
