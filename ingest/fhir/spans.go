package fhir

import (
	"fmt"
	"io"
)

// maxSpans bounds the list: between two spans lies at least one kept member, and
// every name is kept at most once.
const maxSpans = 64

// Span is one piece cut out of a document.
type Span struct {
	Offset int    // in the original, bytes
	Bytes  []byte // never empty
}

// Format hides the span from every verb.
func (Span) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// encodeSpans writes CBOR [[offset, bstr]...] in the one deterministic form
// (RFC 8949 section 4.2.1).
func encodeSpans(original []byte, cuts []cut) []byte {
	out := appendHead(nil, majorArray, len(cuts))
	for _, c := range cuts {
		out = appendHead(out, majorArray, 2)
		out = appendHead(out, majorUint, c.start)
		out = appendHead(out, majorBytes, c.end-c.start)
		out = append(out, original[c.start:c.end]...)
	}
	return out
}

// parseSpans reads identity content strictly: deterministic CBOR, pieces not
// empty, in ascending order and not touching, at most 64 of them.
func parseSpans(encoded []byte) ([]Span, error) {
	r := &reader{data: encoded}
	count, ok := r.head(majorArray)
	if !ok || count > maxSpans {
		return nil, r.malformed()
	}
	spans := make([]Span, 0, count)
	free := 0 // lowest offset the next span may have
	for range count {
		span, ok := r.span()
		if !ok || len(span.Bytes) == 0 || span.Offset < free {
			return nil, r.malformed()
		}
		free = span.Offset + len(span.Bytes) + 1
		spans = append(spans, span)
	}
	if r.pos != len(encoded) {
		return nil, r.malformed()
	}
	return spans, nil
}

// Splice inserts the spans into the clinical part and returns the original. It
// does not check that a Parse of the result gives the same parts: who has opened
// both commitments knows that the author signed exactly these two.
func Splice(clinical, spans []byte) ([]byte, error) {
	list, err := parseSpans(spans)
	if err != nil {
		return nil, err
	}
	size := len(clinical)
	for _, span := range list {
		size += len(span.Bytes)
	}
	if size > MaxResource {
		return nil, refuse(MaxResource, ErrTooLarge)
	}
	out := make([]byte, 0, size)
	rest := clinical
	for i, span := range list {
		gap := span.Offset - len(out)
		if gap > len(rest) {
			return nil, fmt.Errorf("fhir: span %d: %w", i, ErrSpliceRange)
		}
		out = append(out, rest[:gap]...)
		rest = rest[gap:]
		out = append(out, span.Bytes...)
	}
	return append(out, rest...), nil
}

// The three CBOR major types spans are made of, as the high bits of a head.
const (
	majorUint  = 0x00
	majorBytes = 0x40
	majorArray = 0x80
)

func appendHead(out []byte, major byte, value int) []byte {
	switch {
	case value < 24:
		return append(out, major|byte(value))
	case value < 1<<8:
		return append(out, major|24, byte(value))
	case value < 1<<16:
		return append(out, major|25, byte(value>>8), byte(value))
	default: // MaxResource keeps every length and offset below 2^32
		return append(out, major|26, byte(value>>24), byte(value>>16), byte(value>>8), byte(value))
	}
}

type reader struct {
	data []byte
	pos  int
}

func (r *reader) malformed() error {
	return fmt.Errorf("fhir: at byte %d of the spans: %w", r.pos, ErrSpans)
}

func (r *reader) span() (Span, bool) {
	if n, ok := r.head(majorArray); !ok || n != 2 {
		return Span{}, false
	}
	offset, ok := r.head(majorUint)
	if !ok {
		return Span{}, false
	}
	length, ok := r.head(majorBytes)
	if !ok || length > len(r.data)-r.pos {
		return Span{}, false
	}
	r.pos += length
	return Span{Offset: offset, Bytes: r.data[r.pos-length : r.pos : r.pos]}, true
}

// head reads a head of the given major type in its shortest form, with a value
// of at most MaxResource.
func (r *reader) head(major byte) (int, bool) {
	if r.pos >= len(r.data) || r.data[r.pos]&0xE0 != major {
		return 0, false
	}
	info := r.data[r.pos] & 0x1F
	if info < 24 {
		r.pos++
		return int(info), true
	}
	if info > 26 {
		return 0, false
	}
	width := 1 << (info - 24)
	if len(r.data)-r.pos-1 < width {
		return 0, false
	}
	value := 0
	for _, b := range r.data[r.pos+1 : r.pos+1+width] {
		value = value<<8 | int(b)
	}
	shortest := [...]int{24, 1 << 8, 1 << 16}
	if value < shortest[info-24] || value > MaxResource {
		return 0, false
	}
	r.pos += 1 + width
	return value, true
}
