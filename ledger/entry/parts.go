package entry

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
)

// Class is the kind of data in a part, and so which key seals it.
type Class uint8

// The classes of parts (FORMATS §2).
const (
	ClassClinical Class = 1 + iota
	ClassIdentity
	ClassAudit
	ClassSeries
)

// MaxClass is the last class there is.
const MaxClass = ClassSeries

var classList = codeList{"class", []string{"clinical", "identity", "audit", "series"}}

// String returns the class's name.
func (c Class) String() string { return classList.name(uint8(c)) }

// ParseClass reads a class's name.
func ParseClass(name string) (Class, error) { return parseCode[Class](&classList, name) }

// Parts holds the commitment of each part of one statement. It is never empty
// and immutable. The zero value holds nothing and has no digest.
type Parts struct {
	commitments [MaxClass + 1]Hash
	present     [MaxClass + 1]bool
}

// NewParts takes one commitment per class.
func NewParts(commitments map[Class]Hash) (Parts, error) {
	var p Parts
	if len(commitments) == 0 {
		return p, Refuse(CodeFieldMissing, "parts without a part")
	}
	for class, c := range commitments {
		if !classList.valid(uint64(class)) {
			return Parts{}, Refuse(CodeUnknownCode, "not a class code")
		}
		p.commitments[class], p.present[class] = c, true
	}
	return p, nil
}

// Get returns the commitment of a class.
func (p Parts) Get(class Class) (Hash, bool) {
	if class > MaxClass || !p.present[class] {
		return Hash{}, false
	}
	return p.commitments[class], true
}

// Classes returns the classes present, ascending.
func (p Parts) Classes() []Class {
	var classes []Class
	for c := ClassClinical; c <= MaxClass; c++ {
		if p.present[c] {
			classes = append(classes, c)
		}
	}
	return classes
}

// Encode returns the CBOR map {class: commitment}.
func (p Parts) Encode() []byte {
	var m mapWriter
	for _, c := range p.Classes() {
		m.bytes(int64(c), p.commitments[c][:])
	}
	return m.appendTo(nil)
}

// Digest returns the SHA-256 of Encode: what a statement carries.
func (p Parts) Digest() Hash { return sha256.Sum256(p.Encode()) }

// ParseParts reads parts strictly.
func ParseParts(encoded []byte) (Parts, error) {
	var p Parts
	w := walker{data: encoded}
	f := w.fields("class")
	for c := ClassClinical; c <= MaxClass; c++ {
		if f.has(int64(c)) {
			w.fixed(p.commitments[c][:])
			p.present[c] = true
		}
	}
	f.end()
	w.end()
	if w.fault == nil && len(p.Classes()) == 0 {
		w.fail(CodeFieldMissing, "parts without a part")
	}
	if w.fault != nil {
		return Parts{}, w.fault
	}
	return p, nil
}

// CheckSealed checks parts and openings against the statement that commits to
// them: the digest of parts, the classes its kind has, every commitment, the
// media types, and the shape of contents that are CBOR. A class whose key is
// destroyed may be missing from openings if complete is false; an opening that
// belongs to no part is always refused.
func (s *Statement) CheckSealed(parts Parts, openings map[Class][]byte, complete bool) error {
	if s.Parts == nil {
		return Refuse(CodeSealUnexpected, "the statement has no sealed part")
	}
	if parts.Digest() != *s.Parts {
		return Refuse(CodeCommitmentMismatch, "the parts are not those of the statement")
	}
	classes := parts.Classes()
	if !s.hasClasses(classes) {
		return Refuse(CodeFieldInvalid, "a %s does not have these classes of parts", s.Kind)
	}
	for class := range openings {
		if _, ok := parts.Get(class); !ok {
			return Refuse(CodeSealUnexpected, "an opening came for a class that is not among the parts")
		}
	}
	for _, class := range classes {
		encoded, ok := openings[class]
		if !ok {
			if complete {
				return Refuse(CodeNotSealed, "the opening of the %s part is missing", class)
			}
			continue
		}
		if want, _ := parts.Get(class); Commit(encoded) != want {
			return Refuse(CodeCommitmentMismatch, "the opening of the %s part does not open its commitment", class)
		}
		if err := s.checkContent(class, len(classes), encoded); err != nil {
			return err
		}
	}
	return nil
}

// hasClasses tells whether the kind has these classes of parts (FORMATS §2).
func (s *Statement) hasClasses(classes []Class) bool {
	class, only := kindRules[s.Kind].class, len(classes) == 1
	if class == ClassClinical && len(classes) == 2 {
		return classes[0] == class && classes[1] == ClassIdentity
	}
	return only && classes[0] == class
}

// checkContent checks an opening's media type and, where the content is CBOR of
// ours, its shape.
func (s *Statement) checkContent(class Class, classes int, encoded []byte) error {
	o, err := ParseOpening(encoded)
	if err != nil {
		return err
	}
	want, parse := s.contentRule(class, classes)
	isFHIR := o.MediaType == MediaTypeFHIR
	if want != "" && o.MediaType != want || want == "" && isFHIR && s.Kind != KindConsent {
		return Refuse(CodeFieldInvalid, "the %s part has the wrong media type", class)
	}
	if parse != nil {
		return parse(o.Content)
	}
	return nil
}

// contentRule returns the media type a part must have, "" for any, and what
// checks its content. FHIR has two parts, anything else in a reading has one.
func (s *Statement) contentRule(class Class, classes int) (mediaType string, parse func([]byte) error) {
	rule := &kindRules[s.Kind]
	switch {
	case rule.content != nil:
		return MediaTypeCBOR, rule.content
	case rule.class != ClassClinical || classes == 1:
		return "", nil
	case class == ClassClinical:
		return MediaTypeFHIR, nil
	}
	return MediaTypeSpans, nil
}

func discard[T any](parse func([]byte) (T, error)) func([]byte) error {
	return func(b []byte) error {
		_, err := parse(b)
		return err
	}
}

func writeRedacted(f fmt.State, text string) {
	// A fmt.State never fails; what its writer does is the printer's business.
	if _, err := io.WriteString(f, text); err != nil {
		return
	}
}

var _ slog.LogValuer = Opening{}
