package cli

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The law is in docs. A citation has one of three forms, DESIGN §n, FORMATS §n,
// decision NNNN, and what it names exists.
var (
	cited    = regexp.MustCompile(`\b(DESIGN|FORMATS) §(\d[0-9a-z.]*)((?:,| and| to) §\d[0-9a-z.]*)*`)
	section  = regexp.MustCompile(`§(\d+[a-z]?(?:\.\d+)?)`)
	decided  = regexp.MustCompile(`\b[Dd]ecisions? (\d{4})((?:,| and|, and) \d{4})*`)
	number   = regexp.MustCompile(`\d{4}`)
	heading  = regexp.MustCompile(`(?m)^#+ (\d+[a-z]?(?:\.\d+)?)\.? `)
	wayward  = regexp.MustCompile(`\b(DESIGN|FORMATS)(\.md)?,? +(sections? +\d|§§|§ )|\b(DESIGN|FORMATS)\.md §`)
	homeless = regexp.MustCompile(`\b(ENGINEERING|STANDARDS|STYLE|FIELD|HOUSE|FAULTS|REGIMES|REPORTS|HOSPITAL|ACCESS|NEXT)(\.md\b| §| section|,? \d)`)
	file     = regexp.MustCompile(`^(\d{4})-[a-z0-9-]+\.md$`)
)

func TestCitationsResolve(t *testing.T) {
	sections := map[string][]string{"DESIGN": headings(t, "DESIGN.md"), "FORMATS": headings(t, "FORMATS.md")}
	decisions := decisionFiles(t)
	found := 0
	for _, path := range writings(t) {
		for line, text := range linesOf(t, path) {
			where := func(what, why string) { t.Errorf("%s:%d: %s: %s", path, line+1, what, why) }
			for _, m := range cited.FindAllString(text, -1) {
				page, _, _ := strings.Cut(m, " ")
				for _, s := range section.FindAllStringSubmatch(m, -1) {
					found++
					if !slices.Contains(sections[page], s[1]) {
						where(m, "docs/"+page+".md has no section "+s[1])
					}
				}
			}
			for _, m := range decided.FindAllString(text, -1) {
				for _, n := range number.FindAllString(m, -1) {
					found++
					if decisions[n] == "" {
						where(m, "docs/decisions has no "+n)
					}
				}
			}
			if m := wayward.FindString(text); m != "" {
				where(m, "write DESIGN §n or FORMATS §n")
			}
			if m := homeless.FindString(text); m != "" {
				where(m, "that page is not in this repository")
			}
		}
	}
	if found < 60 {
		t.Errorf("%d citations were found: this test looks at too little", found)
	}
}

// TestDecisionsAreListed keeps the index: every record once, in order.
func TestDecisionsAreListed(t *testing.T) {
	index := string(readFile(t, filepath.Join(root, "docs", "decisions", "README.md")))
	last := -1
	for _, name := range slices.Sorted(valuesOf(decisionFiles(t))) {
		at := strings.Index(index, "]("+name+")")
		if at < 0 || strings.Count(index, "]("+name+")") != 1 {
			t.Errorf("docs/decisions/README.md lists %s %d times, once is right", name, strings.Count(index, "]("+name+")"))
		}
		if at < last {
			t.Errorf("docs/decisions/README.md lists %s out of order", name)
		}
		last = at
		title, _, _ := strings.Cut(string(readFile(t, filepath.Join(root, "docs", "decisions", name))), "\n")
		if !strings.HasPrefix(title, "# "+name[:4]+". ") || !strings.Contains(index, strings.TrimPrefix(title, "# "+name[:4]+". ")) {
			t.Errorf("%s begins with %q, which the index does not say", name, title)
		}
	}
}

func valuesOf(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

// headings are the numbers of the sections of a page in docs.
func headings(t *testing.T, page string) []string {
	var numbers []string
	for _, m := range heading.FindAllSubmatch(readFile(t, filepath.Join(root, "docs", page)), -1) {
		numbers = append(numbers, string(m[1]))
	}
	if len(numbers) < 7 {
		t.Fatalf("docs/%s has the sections %v only", page, numbers)
	}
	return numbers
}

// decisionFiles are the files of the records by number.
func decisionFiles(t *testing.T) map[string]string {
	names, err := os.ReadDir(filepath.Join(root, "docs", "decisions"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, n := range names {
		m := file.FindStringSubmatch(n.Name())
		switch {
		case n.Name() == "README.md":
		case m == nil:
			t.Errorf("docs/decisions/%s: a record is called NNNN-title.md", n.Name())
		case files[m[1]] != "":
			t.Errorf("docs/decisions has two records %s", m[1])
		default:
			files[m[1]] = n.Name()
		}
	}
	return files
}

// writings are the files in which somebody may cite. This one is not among them:
// it spells what it refuses.
func writings(t *testing.T) []string {
	var paths []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains(ignoredFolders(t), d.Name())):
			return filepath.SkipDir
		case filepath.Base(path) == "citations_test.go":
		case slices.Contains([]string{".go", ".md", ".proto", ".cddl", ".txtar", ".sh"}, filepath.Ext(path)):
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// linesOf are the lines of a file, and where a citation is broken at the end of a
// line, that line together with the next.
func linesOf(t *testing.T, path string) []string {
	var lines []string
	s := bufio.NewScanner(bytes.NewReader(readFile(t, path)))
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		line := s.Text()
		if n := len(lines); n > 0 && broken.MatchString(lines[n-1]) {
			line = broken.FindString(lines[n-1]) + " " + strings.TrimLeft(line, "/# \t*")
		}
		lines = append(lines, line)
	}
	if err := s.Err(); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return lines
}

var broken = regexp.MustCompile(`\b(DESIGN|FORMATS|ENGINEERING|STANDARDS|[Dd]ecisions?)( [§\d][^.;:]*(,| and| to))?$`)

func readFile(t *testing.T, path string) []byte {
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
