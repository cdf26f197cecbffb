package ingest

import (
	"fmt"
	"io"
	"log/slog"
	"slices"

	"indelible/ingest/fhir"
	"indelible/ledger/entry"
)

// redacted is all that is ever printed of what may be health information.
const redacted = "[redacted]"

// Content is what one sealed part holds. It is health information: it prints as
// "[redacted]" everywhere.
type Content struct {
	MediaType string // RFC 6838, e.g. entry.MediaTypeFHIR
	Bytes     []byte
}

// String hides the content.
func (Content) String() string { return redacted }

// Format hides the content from every verb.
func (Content) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the content.
func (Content) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the content.
func (Content) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Reading is what was measured, before it is signed. Like everything observed,
// the time of the observation stands inside the clinical part.
type Reading struct {
	Clinical Content  // the measurement
	Identity *Content // what was cut out of it, for FHIR; else nil
}

// ObservationReading divides a FHIR R4 Observation into its parts. Subject is its
// subject.reference, "" if there is none. Errors name no input.
func ObservationReading(original []byte) (r Reading, subject string, err error) {
	o, err := fhir.Parse(original)
	if err != nil {
		return Reading{}, "", err
	}
	return Reading{
		Clinical: Content{MediaType: entry.MediaTypeFHIR, Bytes: o.Clinical},
		Identity: &Content{MediaType: entry.MediaTypeSpans, Bytes: o.Spans},
	}, o.Subject, nil
}

// Format hides the reading from every verb, also where a verb does not fit.
func (Reading) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

func (r Reading) contents() map[entry.Class]Content {
	contents := map[entry.Class]Content{entry.ClassClinical: r.Clinical}
	if r.Identity != nil {
		contents[entry.ClassIdentity] = *r.Identity
	}
	return contents
}

// Opening opens one sealed part of a statement. Encoded is PHI.
type Opening struct {
	Class   entry.Class
	Encoded []byte // CBOR [1, nonce, media type, content]
}

// String hides the opening.
func (Opening) String() string { return redacted }

// Format hides the opening from every verb.
func (Opening) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the opening.
func (Opening) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the opening.
func (Opening) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Seal gives every content a fresh nonce from rand and returns the commitments,
// whose digest a statement signs, and what opens them, in order of class.
func Seal(rand io.Reader, contents map[entry.Class]Content) (entry.Parts, []Opening, error) {
	commitments := make(map[entry.Class]entry.Hash, len(contents))
	openings := make([]Opening, 0, len(contents))
	for class, content := range contents {
		opening, err := entry.NewOpening(rand, content.MediaType, content.Bytes)
		if err != nil {
			return entry.Parts{}, nil, fmt.Errorf("ingest: seal a part: %w", err)
		}
		encoded, err := opening.Encode()
		if err != nil {
			return entry.Parts{}, nil, fmt.Errorf("ingest: seal a part: %w", err)
		}
		commitments[class] = entry.Commit(encoded)
		openings = append(openings, Opening{Class: class, Encoded: encoded})
	}
	slices.SortFunc(openings, func(a, b Opening) int { return int(a.Class) - int(b.Class) })
	parts, err := entry.NewParts(commitments)
	if err != nil {
		return entry.Parts{}, nil, fmt.Errorf("ingest: seal a part: %w", err)
	}
	return parts, openings, nil
}

// Signed is a statement as its author signed it, with what opens its parts.
type Signed struct {
	Statement *entry.Statement
	Author    *entry.PublicKey // verifies the statement; its id is Statement.Author
	Openings  []Opening        // in order of class; empty when nothing is sealed
}

// Format hides the openings from every verb, also where a verb does not fit.
func (Signed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// size is about how many bytes the submission takes on the wire.
func (s *Signed) size() int {
	const fields = 64 // tags and lengths
	n := len(s.Statement.Bytes()) + fields
	for _, o := range s.Openings {
		n += len(o.Encoded) + fields
	}
	return n
}
