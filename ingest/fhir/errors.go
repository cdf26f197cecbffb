package fhir

import (
	"errors"
	"fmt"
)

// Reasons for which a document is refused. They are wrapped with the byte offset
// at which the scanner stopped; compare with errors.Is.
var (
	// ErrTooLarge: the document is longer than MaxResource. Send large content
	// (waveforms, images) as a reading of its own media type in pieces.
	ErrTooLarge = errors.New("the document is too large")
	// ErrByteOrderMark: the document begins with U+FEFF. Remove it at the source.
	ErrByteOrderMark = errors.New("the document begins with a byte order mark")
	// ErrNotUTF8: the document is not valid UTF-8 (RFC 8259 section 8.1).
	ErrNotUTF8 = errors.New("the document is not valid UTF-8")
	// ErrSyntax: the document is not one JSON value by RFC 8259.
	ErrSyntax = errors.New("the document is not valid JSON")
	// ErrTooDeep: arrays and objects are nested deeper than maxDepth.
	ErrTooDeep = errors.New("the document is nested too deeply")
	// ErrNotObject: the document is valid JSON but not an object.
	ErrNotObject = errors.New("the document is not a JSON object")
	// ErrRepeatedName: an object has two members of one name, so two readers may
	// take different values from it (RFC 8259 section 4).
	ErrRepeatedName = errors.New("an object repeats a member name")
	// ErrNoResourceType: the member resourceType is missing or no string.
	ErrNoResourceType = errors.New("resourceType is missing")
	// ErrNotObservation: the document is another FHIR resource.
	ErrNotObservation = errors.New("the resource is not an Observation")
	// ErrNoSubject: the Observation has no subject.reference that names a patient.
	ErrNoSubject = errors.New("the Observation has no subject.reference")

	// ErrSpans: identity content is not a list of spans in its one allowed encoding.
	ErrSpans = errors.New("the spans are malformed")
	// ErrSpliceRange: a span lies outside the document it is spliced into.
	ErrSpliceRange = errors.New("a span lies outside the document")
)

func refuse(offset int, reason error) error {
	return fmt.Errorf("fhir: at byte %d: %w", offset, reason)
}
