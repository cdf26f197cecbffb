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
)

// sharedData finds the folder of example data: SHARED_DATA, or shared/data
// beside the repository.
func sharedData(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("SHARED_DATA"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		candidate := filepath.Join(dir, "shared", "data")
		if _, err := os.Stat(candidate); err == nil {
			return candidate
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("the example data is missing: set SHARED_DATA")
	}
	t.Skip("the example data is missing: set SHARED_DATA")
	return ""
}

func TestEverySyntheaObservation(t *testing.T) {
	file, err := os.Open(filepath.Join(sharedData(t), "fhir-r4", "synthea", "Observation.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, MaxResource+1)
	count := 0
	for lines.Scan() {
		if count%scale == 0 {
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
	if count != 4534 {
		t.Errorf("read %d Observations, want 4534", count)
	}
}

func TestEveryExampleResource(t *testing.T) {
	observations, others, deepest := 0, 0, 0
	err := filepath.WalkDir(filepath.Join(sharedData(t), "fhir-r4"), func(path string, entry fs.DirEntry, err error) error {
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
	if observations < 100 || others < 100 {
		t.Errorf("found %d Observations and %d other resources", observations, others)
	}
	if deepest >= MaxDepth {
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
