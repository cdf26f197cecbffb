package ingest

import (
	"bytes"
	"fmt"
	"io"

	"indelible/api/client"
	"indelible/ingest/fhir"
	"indelible/ledger/entry"
)

// Reading is what was measured, before it is signed. Like everything observed,
// the time of the observation stands inside the clinical part.
type Reading struct {
	Clinical client.Content  // the measurement
	Identity *client.Content // what was cut out of it, for FHIR; else nil
}

// ObservationReading divides a FHIR R4 Observation into its parts. Subject is its
// subject.reference, "" if there is none. Errors name no input.
func ObservationReading(original []byte) (r Reading, subject string, err error) {
	o, err := fhir.Parse(original)
	if err != nil {
		return Reading{}, "", err
	}
	return Reading{
		Clinical: client.Content{MediaType: entry.MediaTypeFHIR, Bytes: o.Clinical},
		Identity: &client.Content{MediaType: entry.MediaTypeSpans, Bytes: o.Spans},
	}, o.Subject, nil
}

// Format hides the reading from every verb, also where a verb does not fit.
func (Reading) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// Parts are what a device seals and signs.
func (r Reading) Parts() map[entry.Class]client.Content {
	contents := map[entry.Class]client.Content{entry.ClassClinical: r.Clinical}
	if r.Identity != nil {
		contents[entry.ClassIdentity] = *r.Identity
	}
	return contents
}

// Original puts the parts of a released reading together again, byte for byte; nil
// without the identity part, or where it was not cut from a FHIR resource.
func Original(parts map[entry.Class]client.Content) ([]byte, error) {
	identity, ok := parts[entry.ClassIdentity]
	if !ok || identity.MediaType != entry.MediaTypeSpans {
		return nil, nil
	}
	original, err := fhir.Splice(parts[entry.ClassClinical].Bytes, identity.Bytes)
	return bytes.Clone(original), err
}
