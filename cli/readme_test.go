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
