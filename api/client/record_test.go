package client

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

func sealedReading(t *testing.T) (entry.Parts, []*indeliblev1.Opening) {
	t.Helper()
	parts, openings, err := Seal(rand.Reader, map[entry.Class]Content{
		entry.ClassClinical: {MediaType: entry.MediaTypeFHIR, Bytes: []byte(`{"valueQuantity":{"value":61.50}}`)},
		entry.ClassIdentity: {MediaType: entry.MediaTypeSpans, Bytes: []byte("Patient/1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return parts, (&Signed{Statement: &entry.Statement{}, Openings: openings}).Submission().Openings
}

func TestWhatIsReleasedIsWhatWasCommittedTo(t *testing.T) {
	parts, openings := sealedReading(t)
	whole, err := open(parts, openings)
	if err != nil || string(whole[entry.ClassIdentity].Bytes) != "Patient/1" || whole[entry.ClassClinical].MediaType != entry.MediaTypeFHIR {
		t.Fatalf("%d parts, %v", len(whole), err)
	}
	clinical, err := open(parts, openings[:1])
	if err != nil || len(clinical) != 1 || bytes.Contains(clinical[entry.ClassClinical].Bytes, []byte("Patient/1")) {
		t.Fatalf("%d parts, %v", len(clinical), err)
	}
}

// TestAServerCannotReleaseSomethingElse alters what a server would answer.
func TestAServerCannotReleaseSomethingElse(t *testing.T) {
	parts, openings := sealedReading(t)
	other, _ := sealedReading(t) // the same content under other nonces
	for name, c := range map[string]struct {
		parts    entry.Parts
		openings []*indeliblev1.Opening
	}{
		"openings of other commitments": {other, openings},
		"one class for the other":       {parts, []*indeliblev1.Opening{{Class: openings[1].Class, Opening: openings[0].Opening}}},
		"a class that was not signed":   {parts, []*indeliblev1.Opening{{Class: indeliblev1.Class_CLASS_AUDIT, Opening: openings[0].Opening}}},
	} {
		if _, err := open(c.parts, c.openings); !errors.Is(err, ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i, o := range openings {
		for _, at := range []int{0, len(o.Opening) / 2, len(o.Opening) - 1} {
			altered := bytes.Clone(o.Opening)
			altered[at] ^= 1
			if _, err := open(parts, []*indeliblev1.Opening{{Class: o.Class, Opening: altered}}); err == nil {
				t.Errorf("byte %d of opening %d was altered and taken", at, i)
			}
		}
	}
}
