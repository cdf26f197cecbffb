package entry

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
)

// Limits of an opening.
const (
	MaxOpening   = 512 << 10 // bytes, whole
	NonceSize    = 32        // bytes
	MaxMediaType = 255       // bytes

	openingVersion = 1
)

// Media types of contents (FORMATS §2).
const (
	MediaTypeCBOR  = "application/cbor"
	MediaTypeFHIR  = "application/fhir+json"
	MediaTypeSpans = "application/indelible.spans+cbor"
	MediaTypeParts = "application/indelible.parts+cbor"
)

// Opening is what a commitment opens to: a nonce, a media type and the content.
// It holds PHI, and so it does not print: every way of formatting it shows that
// there is one and nothing else.
type Opening struct {
	Nonce     [NonceSize]byte
	MediaType string
	Content   []byte
}

// NewOpening draws the nonce from rand, which must be a CSPRNG: the nonce alone
// keeps a commitment from confirming a guess, so it is never derived from
// anything. content is kept, not copied.
func NewOpening(rand io.Reader, mediaType string, content []byte) (*Opening, error) {
	o := &Opening{MediaType: mediaType, Content: content}
	if err := o.check(); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(rand, o.Nonce[:]); err != nil {
		return nil, fmt.Errorf("draw a nonce: %w", err)
	}
	return o, nil
}

func (o *Opening) check() error {
	if !validMediaType(o.MediaType) {
		return Refuse(CodeFieldInvalid, "not a media type: empty, over %d bytes, or other than printable ASCII with one /", MaxMediaType)
	}
	if size := len(o.Content) + len(o.MediaType); size > MaxOpening {
		return Refuse(CodeTooLarge, "an opening of %d bytes, at most %d", size, MaxOpening)
	}
	return nil
}

// validMediaType is RFC 9110 section 8.3.1, loosely: printable ASCII and a
// slash within.
func validMediaType(s string) bool {
	if len(s) > MaxMediaType {
		return false
	}
	slash := 0
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
		if s[i] == '/' && slash == 0 {
			slash = i
		}
	}
	return slash > 0 && slash < len(s)-1
}

// Encode returns CBOR [1, nonce, media type, content], at most MaxOpening bytes.
func (o *Opening) Encode() ([]byte, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	m := mapWriter{body: make([]byte, 0, len(o.Content)+len(o.MediaType)+NonceSize+16)}
	o.fields(&form{m: &m})
	if len(m.body) > MaxOpening {
		return nil, Refuse(CodeTooLarge, "an opening of %d bytes, at most %d", len(m.body), MaxOpening)
	}
	return m.body, nil
}

func (o *Opening) fields(f *form) {
	version := uint64(openingVersion)
	f.array(4)
	f.number(&version, openingVersion, openingVersion)
	f.fixed(o.Nonce[:])
	f.text(&o.MediaType, (*walker).string)
	f.bytes(&o.Content, (*walker).bytes)
}

// ParseOpening reads an opening strictly. Content points into encoded.
func ParseOpening(encoded []byte) (*Opening, error) {
	if len(encoded) > MaxOpening {
		return nil, Refuse(CodeTooLarge, "an opening of %d bytes, at most %d", len(encoded), MaxOpening)
	}
	o, err := parseContent[Opening](encoded)
	if err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	return &o, nil
}

// Commit returns the commitment to an encoded opening: its SHA-256.
func Commit(encodedOpening []byte) Hash { return sha256.Sum256(encodedOpening) }

const redactedOpening = "entry.Opening(redacted)"

// Every way of printing an opening gives a fixed text.

func (Opening) String() string               { return redactedOpening }
func (Opening) GoString() string             { return redactedOpening }
func (Opening) Format(f fmt.State, _ rune)   { writeRedacted(f, redactedOpening) }
func (Opening) LogValue() slog.Value         { return slog.StringValue(redactedOpening) }
func (Opening) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedOpening + `"`), nil }
func (Opening) MarshalText() ([]byte, error) { return []byte(redactedOpening), nil }
