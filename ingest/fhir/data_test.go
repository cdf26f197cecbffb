package fhir

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"indelible/test/example"
)

// TestEveryExampleObservation cuts the module's own Observations, each a shape of
// its own, and those of the larger collection where that is there.
func TestEveryExampleObservation(t *testing.T) {
	t.Run("own", func(t *testing.T) { checkEachLine(t, example.Own(t, "fhir-r4", "observations.ndjson"), 1, 185) })
	if path, found := example.Shared(t, "fhir-r4", "synthea", "Observation.ndjson"); found {
		t.Run("shared", func(t *testing.T) { checkEachLine(t, path, scale, 4534) })
	}
}

// checkEachLine cuts every line of a file, holds every step-th against all that is
// promised, and wants to have seen so many.
func checkEachLine(t *testing.T, path string, step, want int) {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, MaxResource+1)
	count := 0
	for lines.Scan() {
		if count%step == 0 {
			check(t, lines.Bytes())
		}
		o, err := Parse(lines.Bytes())
		if err != nil || !strings.HasPrefix(o.Subject, "urn:uuid:") {
			t.Fatalf("line %d: subject is missing, %v", count+1, err)
		}
		if bytes.Contains(o.Clinical, []byte(o.Subject)) {
			t.Fatalf("line %d: the clinical part names the subject", count+1)
		}
		count++
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if count != want {
		t.Errorf("read %d Observations, want %d", count, want)
	}
}

func TestEveryExampleResource(t *testing.T) {
	t.Run("own", func(t *testing.T) { checkEachResource(t, example.Own(t, "fhir-r4"), 25, 11) })
	if path, found := example.Shared(t, "fhir-r4"); found {
		t.Run("shared", func(t *testing.T) { checkEachResource(t, path, 100, 100) })
	}
}

// checkEachResource cuts the Observations in a folder, sees everything else
// refused, and wants to have met so many of both.
func checkEachResource(t *testing.T, folder string, wantObservations, wantOthers int) {
	observations, others, deepest := 0, 0, 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, resource := range resources(content) {
			deepest = max(deepest, depthOf(resource))
			var head struct{ ResourceType string }
			if err := json.Unmarshal(resource, &head); err != nil {
				return err
			}
			if head.ResourceType == "Observation" {
				observations++
				check(t, resource)
				continue
			}
			others++
			if _, _, err := Cut(resource); !errors.Is(err, ErrNotObservation) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("%s: got %v", filepath.Base(path), err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d Observations, %d other resources, nested at most %d deep", observations, others, deepest)
	if observations < wantObservations || others < wantOthers {
		t.Errorf("found %d Observations and %d other resources", observations, others)
	}
	if deepest >= maxDepth {
		t.Errorf("an example is nested %d deep", deepest)
	}
}

// resources returns the resource itself, and the resources of a Bundle's entries
// exactly as they are spelled there.
func resources(content []byte) [][]byte {
	list := [][]byte{content}
	var bundle struct {
		Entry []struct{ Resource json.RawMessage }
	}
	if json.Unmarshal(content, &bundle) == nil {
		for _, entry := range bundle.Entry {
			if len(entry.Resource) > 0 {
				list = append(list, entry.Resource)
			}
		}
	}
	return list
}

func depthOf(content []byte) int {
	depth, deepest := 0, 0
	d := json.NewDecoder(bytes.NewReader(content))
	for {
		token, err := d.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}
