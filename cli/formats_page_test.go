package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"indelible/api/wire"
	"indelible/ledger/entry"
)

// named makes the names of a code list: those of 1 and up, as far as there are.
func named[T interface {
	~uint8
	String() string
}]() []string {
	var names []string
	for code := T(1); !strings.Contains(code.String(), "("); code++ {
		names = append(names, strings.ToLower(code.String()))
	}
	return names
}

// TestThePageListsTheCodes: the code lists of FORMATS §3.3 are those of
// the code, in order.
func TestThePageListsTheCodes(t *testing.T) {
	page := string(readFile(t, filepath.Join(root, "docs", "FORMATS.md")))
	for list, names := range map[string][]string{
		"role": named[entry.Role](), "author action": named[entry.AuthorAction](), "ca action": named[entry.CAAction](),
		"handle action, binding action": named[entry.OpenClose](), "handle class": named[entry.HandleClass](),
		"consent action": named[entry.ConsentAction](), "access action": named[entry.AccessAction](),
		"access outcome": named[entry.Outcome](), "erasure step": named[entry.ErasureStep](), "scope": named[entry.Scope](),
		"hold action": named[entry.HoldAction](), "policy type": named[entry.PolicyType](), "node action": named[entry.NodeAction](),
		"regime": named[entry.Regime](), "purpose (HL7 v3-ActReason)": named[entry.Purpose](), "basis": named[entry.Basis](),
		"method": named[entry.Method](), "strength": named[entry.Strength](),
	} {
		_, rest, found := strings.Cut(page, "\n| "+list+" | ")
		row, _, _ := strings.Cut(rest, " |\n")
		said := strings.Split(strings.ToLower(row), ", ")
		for i := range said {
			said[i] = strings.ReplaceAll(said[i], " ", "-")
		}
		if !found || !slices.Equal(said, names) {
			t.Errorf("FORMATS §3.3 lists of %s %v, the code %v", list, said, names)
		}
	}
	at := 0
	for _, kind := range entry.Kinds() {
		next := strings.Index(page, "\n| `"+kind.String()+"` | ")
		if next < at {
			t.Errorf("FORMATS §3 has no row for %s, or out of order", kind)
		}
		at = next
	}
}

// TestRefusalsNamedInPagesExist: what a page calls a refusal is one.
func TestRefusalsNamedInPagesExist(t *testing.T) {
	known := map[string]bool{}
	for _, row := range wire.Codes() {
		known[string(row.Code)] = true
	}
	// Of Connect and of the schema.
	for _, other := range []string{"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"} {
		known[other] = true
	}
	code := regexp.MustCompile("`([A-Z]+(?:_[A-Z]+)+)`")
	found := 0
	for _, path := range writings(t) {
		if filepath.Ext(path) != ".md" {
			continue
		}
		for _, m := range code.FindAllStringSubmatch(string(readFile(t, path)), -1) {
			found++
			another := strings.HasPrefix(m[1], "WAIT_") || strings.HasPrefix(m[1], "BOUND_") || strings.HasPrefix(m[1], "INDELIBLE_")
			if !known[m[1]] && !another {
				t.Errorf("%s names %s, which nothing answers", path, m[1])
			}
		}
	}
	if found < 40 {
		t.Errorf("%d refusals were found: this test looks at too little", found)
	}
}

// TestGlossarySaysATermOnce: one word, one row, and a package that is there.
func TestGlossarySaysATermOnce(t *testing.T) {
	seen := map[string]bool{}
	place := regexp.MustCompile("`((?:[a-z]+/)*[a-z]+)`")
	for line := range strings.Lines(string(readFile(t, filepath.Join(root, "docs", "GLOSSARY.md")))) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) < 3 || cells[0] == "| ---" {
			continue
		}
		term := strings.TrimPrefix(cells[0], "| ")
		if term != "term" && seen[term] {
			t.Errorf("docs/GLOSSARY.md says %q twice", term)
		}
		seen[term] = true
		for _, m := range place.FindAllStringSubmatch(cells[2], -1) {
			if info, err := os.Stat(filepath.Join(root, filepath.FromSlash(m[1]))); strings.Contains(m[1], "/") && (err != nil || !info.IsDir()) {
				t.Errorf("docs/GLOSSARY.md puts %q into %s, which is not there", term, m[1])
			}
		}
	}
	if len(seen) < 100 {
		t.Errorf("%d terms were found", len(seen))
	}
}
