package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"indelible/cli/indelibled/founding"
	"indelible/test/example"
)

var referenceMember = regexp.MustCompile(`"subject"\s*:\s*\{"reference":"([^"]+)"`)

// released is what indelible read prints.
type released struct {
	Records []struct {
		Statement string `json:"statement_id"`
		Index     uint64 `json:"index"`
		Whole     bool   `json:"whole"`
		Resource  string `json:"resource"`
	} `json:"records"`
}

// TestSyntheaComesBackByteForByteAndLosesItsIdentity ingests every Observation
// of the example data, the module's own and the larger collection where that is
// there, reads all of it back, erases one person's identity, and looks at what is
// left. That openings open what the statements sign, and that every statement is
// proven, is checked by the command that reads.
func TestSyntheaComesBackByteForByteAndLosesItsIdentity(t *testing.T) {
	t.Run("own", func(t *testing.T) { comesBack(t, example.Own(t, "fhir-r4", "observations.ndjson")) })
	if file, found := example.Shared(t, "fhir-r4", "synthea", "Observation.ndjson"); found {
		t.Run("shared", func(t *testing.T) { comesBack(t, file) })
	}
}

func comesBack(t *testing.T, file string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	if len(lines) > exampleLines {
		lines = lines[:exampleLines]
		file = filepath.Join(t.TempDir(), "some.ndjson")
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	people, order := bySubject(t, lines)
	serving(t, found(t), func(r *running) {
		r.staff(t)
		if out := r.ingest(t, file, filepath.Join(t.TempDir(), "work")); out.Readings != len(lines) || out.Verified != len(lines) {
			t.Fatalf("ingested %+v of %d", out, len(lines))
		}
		for i, reference := range order {
			jurisdiction := []string{"eu", "us"}[i%2]
			checkWhole(t, r, r.handle(t, reference, jurisdiction), jurisdiction, people[reference])
		}
		eraseIdentity(t, r, order[0], people[order[0]])
		// The others are as they were.
		checkWhole(t, r, r.handle(t, order[2], "eu"), "eu", people[order[2]])
	})
}

func bySubject(t *testing.T, lines []string) (people map[string][]string, order []string) {
	t.Helper()
	people = map[string][]string{}
	for _, line := range lines {
		m := referenceMember.FindStringSubmatch(line)
		if m == nil {
			t.Fatal("an Observation without a subject")
		}
		if people[m[1]] == nil {
			order = append(order, m[1])
		}
		people[m[1]] = append(people[m[1]], line)
	}
	return people, order
}

// checkWhole reads all records of a subject and compares them with its lines. Two
// calls of ingest that are under way at once may be ordered either way, so the
// order is not compared (FORMATS §1).
func checkWhole(t *testing.T, r *running, handle, jurisdiction string, want []string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.ndjson")
	r.client(t, founding.Clinician, nil, "read", handle, "--jurisdiction", jurisdiction, "--purpose", "TREAT",
		"--all", "--limit", "100", "--out", out)
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	read := slices.Sorted(strings.Lines(string(got)))
	if !slices.Equal(read, slices.Sorted(strings.Lines(strings.Join(want, "\n")+"\n"))) {
		t.Errorf("what was read of a subject differs from its %d lines", len(want))
	}
}

// keptMembers are the members of an Observation that stay in its clinical part
// (FORMATS §2); x stands for any ending.
var keptMembers = regexp.MustCompile(`^(resourceType|status|category|code|effective[A-Z][A-Za-z]*|value[A-Z][A-Za-z]*|dataAbsentReason|interpretation|bodySite|method|referenceRange|component)$`)

func eraseIdentity(t *testing.T, r *running, reference string, lines []string) {
	t.Helper()
	handle := r.handle(t, reference, "eu")
	var before, all released
	r.client(t, founding.Clinician, &before, "read", handle, "--jurisdiction", "eu", "--purpose", "TREAT", "--all", "--limit", "100")
	originals := map[string]string{}
	for _, record := range before.Records {
		originals[record.Statement] = record.Resource
	}
	r.erase(t, handle, "eu", "identity")
	if again := r.handleOrNone(t, reference, "eu"); again != "" {
		t.Error("the identifier of a person without identity still finds a handle")
	}
	r.client(t, founding.Clinician, &all, "read", handle, "--jurisdiction", "eu", "--purpose", "TREAT", "--all", "--limit", "100")
	if len(all.Records) != len(lines) || len(originals) != len(lines) {
		t.Fatalf("%d records of %d are left, of %d before", len(all.Records), len(lines), len(originals))
	}
	for i, record := range all.Records {
		if record.Whole {
			t.Fatalf("record %d came back whole", i)
		}
		checkClinical(t, record.Resource, originals[record.Statement])
	}
}

// handleOrNone is handle for someone who may not be found.
func (r *running) handleOrNone(t *testing.T, reference, jurisdiction string) string {
	t.Helper()
	code, out, _ := r.try(t, founding.Clinician, "subject", "find", reference, "--jurisdiction", jurisdiction, "--purpose", "TREAT")
	if code == 1 && strings.Contains(out, `"found": false`) {
		return ""
	}
	return out
}

// checkClinical demands valid JSON that holds kept members only, with the very
// bytes they have in the original, and nothing of the cut ones.
func checkClinical(t *testing.T, clinical, original string) {
	t.Helper()
	var have, had map[string]json.RawMessage
	if err := json.Unmarshal([]byte(clinical), &have); err != nil {
		t.Fatalf("a clinical part is not valid JSON: %v", err)
	}
	if err := json.Unmarshal([]byte(original), &had); err != nil {
		t.Fatal(err)
	}
	for name, value := range have {
		if !keptMembers.MatchString(name) || !bytes.Equal(value, had[name]) {
			t.Errorf("member %q has no business in a clinical part, or was changed", name)
		}
	}
	for name, value := range had {
		if keptMembers.MatchString(name) && have[name] == nil && !namesSomeone(value) {
			t.Errorf("member %q is missing", name)
		}
		if !keptMembers.MatchString(name) && bytes.Contains([]byte(clinical), value) {
			t.Errorf("the value of %q is still there", name)
		}
	}
}

// namesSomeone reports whether a kept member holds what makes it be cut whole.
func namesSomeone(value []byte) bool {
	return regexp.MustCompile(`"(extension|modifierExtension|reference|identifier)"\s*:`).Match(value)
}
