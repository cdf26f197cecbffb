package session

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"indelible/api/client"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

const observation = `{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"Heart rate"},` +
	`"subject":{"reference":"Patient/1"},"valueQuantity":{"value":61.50,"unit":"/min"}}`

func sealedObservation(t *testing.T) (entry.Parts, []*indeliblev1.Opening) {
	t.Helper()
	reading, _, err := ingest.ObservationReading([]byte(observation))
	if err != nil {
		t.Fatal(err)
	}
	parts, openings, err := client.Seal(rand.Reader, map[entry.Class]ingest.Content{
		entry.ClassClinical: reading.Clinical, entry.ClassIdentity: *reading.Identity,
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []*indeliblev1.Opening
	for _, o := range openings {
		out = append(out, &indeliblev1.Opening{Class: indeliblev1.Class(o.Class), Opening: o.Encoded})
	}
	return parts, out
}

func TestWhatIsReleasedIsWhatWasCommittedTo(t *testing.T) {
	parts, openings := sealedObservation(t)
	var whole Record
	if err := whole.open(parts, openings); err != nil || string(whole.Original) != observation {
		t.Fatalf("%q, %v", whole.Original, err)
	}
	var clinical Record
	if err := clinical.open(parts, openings[:1]); err != nil || clinical.Original != nil || bytes.Contains(clinical.Clinical, []byte("Patient/1")) {
		t.Fatalf("%q, %v", clinical.Clinical, err)
	}
}

// TestAServerCannotReleaseSomethingElse alters what a server would answer.
func TestAServerCannotReleaseSomethingElse(t *testing.T) {
	parts, openings := sealedObservation(t)
	other, _ := sealedObservation(t) // the same content under other nonces
	for name, c := range map[string]struct {
		parts    entry.Parts
		openings []*indeliblev1.Opening
	}{
		"openings of other commitments": {other, openings},
		"one class for the other":       {parts, []*indeliblev1.Opening{{Class: openings[1].Class, Opening: openings[0].Opening}}},
		"a class that was not signed":   {parts, []*indeliblev1.Opening{{Class: indeliblev1.Class_CLASS_AUDIT, Opening: openings[0].Opening}}},
	} {
		var r Record
		var problem *say.Problem
		if err := r.open(c.parts, c.openings); !errors.As(err, &problem) || problem.Code != "NOT_PROVEN" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i, o := range openings {
		for _, at := range []int{0, len(o.Opening) / 2, len(o.Opening) - 1} {
			altered := bytes.Clone(o.Opening)
			altered[at] ^= 1
			var r Record
			if err := r.open(parts, []*indeliblev1.Opening{{Class: o.Class, Opening: altered}}); err == nil {
				t.Errorf("byte %d of opening %d was altered and taken", at, i)
			}
		}
	}
}
