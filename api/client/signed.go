package client

import (
	"fmt"
	"io"
	"log/slog"
	"slices"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/ledger/entry"
)

// private is health data, or holds some: it prints as "[redacted]" by every verb, in
// logs and in JSON.
type private struct{}

const redacted = "[redacted]"

// String hides the value.
func (private) String() string { return redacted }

// Format hides the value from every verb, also where a verb does not fit.
func (private) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the value.
func (private) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the value.
func (private) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Content is what one sealed part holds. It is health data: it prints as
// "[redacted]" everywhere.
type Content struct {
	private
	MediaType string // RFC 6838, e.g. entry.MediaTypeFHIR
	Bytes     []byte
}

// Opening opens one sealed part of a statement (FORMATS §4). Encoded is health data.
type Opening struct {
	private
	Class   entry.Class
	Encoded []byte // CBOR [1, nonce, media type, content]
}

// Seal gives every content a fresh nonce from rand and returns the commitments,
// whose digest a statement signs, and what opens them, in order of class.
func Seal(rand io.Reader, contents map[entry.Class]Content) (entry.Parts, []Opening, error) {
	commitments := make(map[entry.Class]entry.Hash, len(contents))
	openings := make([]Opening, 0, len(contents))
	for class, content := range contents {
		opening, err := entry.NewOpening(rand, content.MediaType, content.Bytes)
		if err != nil {
			return entry.Parts{}, nil, fmt.Errorf("client: seal a part: %w", err)
		}
		encoded, err := opening.Encode()
		if err != nil {
			return entry.Parts{}, nil, fmt.Errorf("client: seal a part: %w", err)
		}
		commitments[class] = entry.Commit(encoded)
		openings = append(openings, Opening{Class: class, Encoded: encoded})
	}
	slices.SortFunc(openings, func(a, b Opening) int { return int(a.Class) - int(b.Class) })
	parts, err := entry.NewParts(commitments)
	if err != nil {
		return entry.Parts{}, nil, fmt.Errorf("client: seal a part: %w", err)
	}
	return parts, openings, nil
}

// Signed is a statement as its author signed it, with what opens its parts.
type Signed struct {
	Statement *entry.Statement
	// Author verifies the statement; its id is Statement.Author. It may be nil for a
	// statement that somebody else signed: then a duplicate that the log holds under
	// another signature cannot be believed.
	Author   *entry.PublicKey
	Openings []Opening // in order of class; empty when nothing is sealed
}

// Format hides the openings from every verb, also where a verb does not fit.
func (Signed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// Submission is the statement as it goes to a node.
func (s *Signed) Submission() *indeliblev1.Submission {
	out := &indeliblev1.Submission{Statement: s.Statement.Bytes()}
	for _, o := range s.Openings {
		out.Openings = append(out.Openings, &indeliblev1.Opening{Class: indeliblev1.Class(o.Class), Opening: o.Encoded})
	}
	return out
}

// Size is about how many bytes the statement takes in a call.
func (s *Signed) Size() int {
	const fields = 64 // tags and lengths
	n := len(s.Statement.Bytes()) + fields
	for _, o := range s.Openings {
		n += len(o.Encoded) + fields
	}
	return n
}
