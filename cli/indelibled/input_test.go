package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// input is a small file of Observations about made-up people.
type input struct {
	file  string
	lines []string
	who   []string // references in order of appearance
}

// newInput writes readings Observations of people patients in turn. tag makes
// every value in it recognisable.
func newInput(t testing.TB, people, readings int, tag string) input {
	t.Helper()
	in := input{file: filepath.Join(t.TempDir(), "input.ndjson")}
	for p := range people {
		in.who = append(in.who, fmt.Sprintf("urn:uuid:%s-%012d", tag, p))
	}
	for i := range readings {
		p := i % people
		in.lines = append(in.lines, fmt.Sprintf(
			`{"resourceType":"Observation","id":"%[1]s-id-%[2]d","status":"final","code":{"text":"%[1]s-code"},`+
				`"subject":{"reference":"%[3]s","display":"%[1]s-name-%[4]d"},"performer":[{"display":"%[1]s-performer"}],`+
				`"effectiveDateTime":"2026-01-02T03:04:05Z","valueQuantity":{"value":%[2]d.50,"unit":"%[1]s-unit"},`+
				`"note":[{"text":"%[1]s-note"}]}`, tag, i, in.who[p], p))
	}
	if err := os.WriteFile(in.file, []byte(strings.Join(in.lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return in
}
