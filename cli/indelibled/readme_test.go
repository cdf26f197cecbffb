package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	namedTest = regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
	anyTest   = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
	promise   = regexp.MustCompile(`(?m)^\| (P[0-9]+) .*$`)
)

// TestReadmeNamesTestsThatExist keeps the table of promises true: every promise
// names a test, and every test it names is there.
func TestReadmeNamesTestsThatExist(t *testing.T) {
	root := filepath.Join("..", "..")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range anyTest.FindAllSubmatch(source, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := promise.FindAllString(string(readme), -1)
	if len(rows) != 12 {
		t.Errorf("%d promises in the README, want 12", len(rows))
	}
	for _, row := range rows {
		names := namedTest.FindAllStringSubmatch(row, -1)
		if len(names) == 0 {
			t.Errorf("no test is named for %.20s", row)
		}
		for _, name := range names {
			if !there[name[1]] {
				t.Errorf("the README names %s, which does not exist", name[1])
			}
		}
	}
}
