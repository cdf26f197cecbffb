package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
)

func TestObservationDoesNotPrint(t *testing.T) {
	o, err := Parse([]byte(`{"resourceType":"Observation","valueString":"CANARY","subject":{"reference":"CANARY"}}`))
	if err != nil {
		t.Fatal(err)
	}
	spans, err := parseSpans(o.Spans)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, v := range []any{o, *o, spans, spans[0]} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			fmt.Fprintf(&out, verb, v)
		}
	}
	encoded, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", slog.Any("o", o))
	if bytes.Contains(out.Bytes(), []byte("CANARY")) {
		t.Errorf("it prints: %s", out.Bytes())
	}
}
