package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"indelible/ingest/fhir"
)

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func openSource(t testing.TB, path string) *NDJSON {
	t.Helper()
	n, err := OpenNDJSON(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// rest reads a source to its end.
func rest(t testing.TB, s Source) (records []string, positions []Position) {
	t.Helper()
	for {
		record, at, err := s.Next()
		if errors.Is(err, io.EOF) {
			return records, positions
		}
		var bad *LineError
		if errors.As(err, &bad) {
			record = []byte(bad.Error())
		} else if err != nil {
			t.Fatal(err)
		}
		records, positions = append(records, string(record)), append(positions, at)
	}
}

func TestNDJSONReadsLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	long := strings.Repeat("x", fhir.MaxResource)
	writeFile(t, path, "a\n\n\nbb\r\n"+long+"\n"+long+"y\nlast")
	n := openSource(t, path)
	if total, err := n.Total(); err != nil || total != 5 {
		t.Fatal(total, err)
	}
	records, positions := rest(t, n)
	if len(records) != 5 || records[0] != "a" || records[1] != "bb\r" || records[2] != long || records[4] != "last" {
		t.Fatalf("%d records: %q", len(records), records[:2])
	}
	if records[3] != "ingest: line 6: the line is too long" {
		t.Errorf("the long line gives %.80q", records[3])
	}
	for i, want := range []uint64{1, 4, 5, 6, 7} {
		if positions[i].Line != want || positions[i].Records != uint64(i+1) {
			t.Errorf("record %d is at %+v", i, positions[i])
		}
	}
	for i, at := range positions {
		again := openSource(t, path)
		if err := again.Seek(at); err != nil {
			t.Fatal(err)
		}
		if got, _ := rest(t, again); len(got) != 4-i || (len(got) > 0 && got[0] != records[i+1]) {
			t.Errorf("after record %d come %d", i, len(got))
		}
		if total, err := again.Total(); err != nil || total != 5 {
			t.Errorf("total from the middle: %d, %v", total, err)
		}
	}
}

func TestNDJSONTotalKeepsThePlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	writeFile(t, path, "a\nb\nc\n")
	n := openSource(t, path)
	if _, _, err := n.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Total(); err != nil {
		t.Fatal(err)
	}
	if record, at, err := n.Next(); err != nil || string(record) != "b" || at.Records != 2 {
		t.Errorf("%q at %+v, %v", record, at, err)
	}
}

func TestNDJSONNoticesChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	writeFile(t, path, "first\nsecond")
	n := openSource(t, path)
	_, positions := rest(t, n)
	for content, want := range map[string]error{
		"first\nsecond\nthird\n": nil,
		"first\nsecond":          nil,
		"first\nsecond\n":        nil,
		"first\nsecond more\n":   ErrSourceChanged,
		"first\nSecond\n":        ErrSourceChanged,
		"firs\nsecond\n":         ErrSourceChanged,
		"first\n":                ErrSourceChanged,
		"":                       ErrSourceChanged,
	} {
		writeFile(t, path, content)
		if err := openSource(t, path).Seek(positions[1]); !errors.Is(err, want) {
			t.Errorf("%q: %v", content, err)
		}
	}
	writeFile(t, path, "first\nsecond\n\nthird")
	again := openSource(t, path)
	if err := again.Seek(positions[1]); err != nil {
		t.Fatal(err)
	}
	if got, at := rest(t, again); len(got) != 1 || got[0] != "third" || at[0].Records != 3 {
		t.Errorf("what was appended: %q", got)
	}
}

func TestPositionSurvivesTheJournal(t *testing.T) {
	_, positions := rest(t, newTestGenerator(t, 2, 3))
	encoded, err := json.Marshal(positions[2])
	if err != nil {
		t.Fatal(err)
	}
	var at Position
	if err := json.Unmarshal(encoded, &at); err != nil || at != positions[2] {
		t.Error(err)
	}
}

func TestGeneratorMakesObservations(t *testing.T) {
	g := newTestGenerator(t, 7, 200)
	records, positions := rest(t, g)
	if total, err := g.Total(); err != nil || total != 200 || len(records) != 200 {
		t.Fatal(total, err, len(records))
	}
	subjects, codes, ids := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i, record := range records {
		o, err := fhir.Parse([]byte(record))
		if err != nil {
			t.Fatal(err)
		}
		subjects[o.Subject] = true
		var resource struct {
			ID        string
			Status    string
			Subject   struct{ Display string }
			Code      struct{ Coding []struct{ Code string } }
			Effective time.Time `json:"effectiveDateTime"`
			Issued    time.Time
		}
		if err := json.Unmarshal([]byte(record), &resource); err != nil {
			t.Fatal(err)
		}
		codes[resource.Code.Coding[0].Code], ids[resource.ID] = true, true
		if resource.Status != "final" || !strings.HasPrefix(resource.Subject.Display, "Synthetic ") || !resource.Issued.After(resource.Effective) {
			t.Errorf("record %d: %s", i, record)
		}
		if bytes.Contains(o.Clinical, []byte("Synthetic")) || bytes.Contains(o.Clinical, []byte("urn:uuid")) {
			t.Errorf("the clinical part of record %d names somebody", i)
		}
		again := newTestGenerator(t, 7, 200)
		if err := again.Seek(positions[i]); err != nil {
			t.Fatal(err)
		}
		if next, _, err := again.Next(); i < 199 && (err != nil || string(next) != records[i+1]) {
			t.Fatalf("after record %d comes another one: %v", i, err)
		}
	}
	if len(subjects) != 7 || len(codes) != 6 || len(ids) != 200 {
		t.Errorf("%d subjects, %d codes, %d ids", len(subjects), len(codes), len(ids))
	}
	other, err := NewGenerator(GeneratorConfig{Seed: 8, Patients: 7, Readings: 200, Start: time.Unix(1_700_000_000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Seek(positions[5]); !errors.Is(err, ErrSourceChanged) {
		t.Errorf("another seed goes on: %v", err)
	}
}

// Values stay in what a living person can have.
func TestGeneratorIsPlausible(t *testing.T) {
	bounds := map[string][2]float64{
		"8867-4": {35, 130}, "59408-5": {90, 100}, "8480-6": {85, 160}, "8462-4": {55, 100},
		"8310-5": {35, 38.5}, "2339-0": {50, 160}, "55423-8": {0, 1200},
	}
	type quantity struct {
		Code  struct{ Coding []struct{ Code string } }
		Value struct{ Value float64 } `json:"valueQuantity"`
	}
	records, _ := rest(t, newTestGenerator(t, 20, 5000/scale))
	for _, record := range records {
		var resource struct {
			quantity
			Component []quantity
		}
		if err := json.Unmarshal([]byte(record), &resource); err != nil {
			t.Fatal(err)
		}
		list := resource.Component
		if len(list) == 0 {
			list = []quantity{resource.quantity}
		}
		for _, q := range list {
			b, known := bounds[q.Code.Coding[0].Code]
			if !known || q.Value.Value < b[0] || q.Value.Value > b[1] {
				t.Errorf("implausible: %s", record)
			}
		}
	}
}

func TestGeneratorConfigReportsAllFaults(t *testing.T) {
	err := GeneratorConfig{}.Validate()
	for _, want := range []string{"Patients", "Readings", "Start"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not reported: %v", want, err)
		}
	}
}
