package fhir

import (
	"fmt"
	"io"
	"log/slog"
)

// kept are the top-level members of an Observation that describe the
// measurement and not the person; value[x] and effective[x] are spelled out as
// FHIR R4 defines them.
var kept = setOf(
	"resourceType", "status", "category", "code",
	"effectiveDateTime", "effectivePeriod", "effectiveTiming", "effectiveInstant",
	"valueQuantity", "valueCodeableConcept", "valueString", "valueBoolean", "valueInteger", "valueRange",
	"valueRatio", "valueSampledData", "valueTime", "valueDateTime", "valuePeriod",
	"dataAbsentReason", "interpretation", "bodySite", "method", "referenceRange", "component",
)

func setOf(names ...string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
}

// Observation is one cut Observation. It holds PHI: its fields must not be logged.
type Observation struct {
	Clinical []byte // what is kept: valid JSON, application/fhir+json
	Spans    []byte // what was cut: application/indelible.spans+cbor
	Subject  string // subject.reference with escapes resolved; empty if there is none
}

const redacted = "[redacted]"

// Format hides the Observation from every verb.
func (Observation) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the Observation.
func (Observation) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the Observation.
func (Observation) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Parse divides the bytes of one Observation into its clinical part and the spans that
// were cut out of it, and reads whom it is about. Splice reverses it. The original is
// not retained.
func Parse(original []byte) (*Observation, error) {
	members, err := document(original)
	if err != nil {
		return nil, err
	}
	if err := requireObservation(original, members); err != nil {
		return nil, err
	}
	subject, err := subjectReference(original, members)
	if err != nil {
		return nil, err
	}
	cuts := cutList(members)
	return &Observation{
		Clinical: without(original, cuts),
		Spans:    encodeSpans(original, cuts),
		Subject:  subject,
	}, nil
}

func requireObservation(original []byte, members []member) error {
	for _, m := range members {
		if m.name != "resourceType" {
			continue
		}
		name, ok := textValue(original[m.valueStart:m.end])
		if !ok {
			return refuse(m.valueStart, ErrNoResourceType)
		}
		if name != "Observation" {
			return refuse(m.valueStart, ErrNotObservation)
		}
		return nil
	}
	return refuse(len(original), ErrNoResourceType)
}

// subjectReference reads subject.reference; the document was scanned before, so
// an error here would be a fault of the scanner.
func subjectReference(original []byte, members []member) (string, error) {
	for _, m := range members {
		if m.name != "subject" || original[m.valueStart] != '{' {
			continue
		}
		var reference string
		s := &scanner{data: original[m.valueStart:m.end]}
		err := s.value(func(inner member) {
			if inner.name == "reference" {
				reference, _ = textValue(s.data[inner.valueStart:inner.end])
			}
		})
		return reference, err
	}
	return "", nil
}

// textValue reads a scanned value that should be a string.
func textValue(value []byte) (string, bool) {
	if value[0] != '"' {
		return "", false
	}
	return unescape(value[1 : len(value)-1]), true
}

// cut is a range of the original that belongs to the identity part.
type cut struct{ start, end int }

// cutList turns runs of members that must go into ranges whose removal leaves
// valid JSON: the run before the first kept member takes its trailing comma
// along, each later run its leading one. resourceType is always kept, so there
// is a first kept member.
func cutList(members []member) []cut {
	var cuts []cut
	keptEnd := -1 // end of the preceding kept value
	for i, m := range members {
		if kept[m.name] && !m.marked {
			if keptEnd < 0 && i > 0 {
				cuts = append(cuts, cut{members[0].start, m.start})
			}
			keptEnd = m.end
			continue
		}
		if keptEnd < 0 {
			continue
		}
		if last := len(cuts) - 1; last >= 0 && cuts[last].start == keptEnd {
			cuts[last].end = m.end
		} else {
			cuts = append(cuts, cut{keptEnd, m.end})
		}
	}
	return cuts
}

func without(original []byte, cuts []cut) []byte {
	out := make([]byte, 0, len(original))
	at := 0
	for _, c := range cuts {
		out = append(out, original[at:c.start]...)
		at = c.end
	}
	return append(out, original[at:]...)
}
