package proof

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// MaxNote bounds a signed note, in bytes. A hundred ML-DSA-44 cosignatures
	// are a third of it.
	MaxNote = 1 << 20

	// MaxSignatures bounds the signature lines of a note. It is what
	// golang.org/x/mod/sumdb/note accepts, so any note we write opens there.
	MaxSignatures = 100
)

// signatureMark begins a signature line: an em dash and a space.
const signatureMark = "\u2014 "

// keyIDSize is the length of the key ID before the signature proper, in bytes.
const keyIDSize = 4

// Signature is one signature line of a note, not verified by being parsed.
type Signature struct {
	Name  string // key name
	KeyID uint32 // which key of that name, and which algorithm
	Bytes []byte // what follows the key ID; for a cosignature a timestamp comes first
}

// Line is the signature as a line of a note, from em dash to line feed.
func (s Signature) Line() string {
	raw := binary.BigEndian.AppendUint32(make([]byte, 0, keyIDSize+len(s.Bytes)), s.KeyID)
	raw = append(raw, s.Bytes...)
	return signatureMark + s.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

// ParseSignature reads one signature line, from em dash to line feed.
func ParseSignature(line string) (Signature, error) {
	if len(line) > MaxNote {
		return Signature{}, fmt.Errorf("signature line above %d bytes: %w", MaxNote, ErrTooLarge)
	}
	body, ended := strings.CutSuffix(line, "\n")
	body, marked := strings.CutPrefix(body, signatureMark)
	name, encoded, spaced := strings.Cut(body, " ")
	if !ended || !marked || !spaced {
		return Signature{}, fmt.Errorf("signature line is not em dash, name and base64: %w", ErrEncoding)
	}
	if err := ValidName(name); err != nil {
		return Signature{}, fmt.Errorf("signature line: %w", err)
	}
	raw, err := parseBase64(encoded)
	if err != nil {
		return Signature{}, fmt.Errorf("signature line: %w", err)
	}
	if len(raw) <= keyIDSize {
		return Signature{}, fmt.Errorf("signature line holds no signature: %w", ErrEncoding)
	}
	return Signature{Name: name, KeyID: binary.BigEndian.Uint32(raw), Bytes: raw[keyIDSize:]}, nil
}

// SignNote puts signature lines, each from em dash to line feed, under a
// checkpoint. The result is a signed note (C2SP signed-note).
func SignNote(c Checkpoint, lines ...string) []byte {
	return []byte(c.Text() + "\n" + strings.Join(lines, ""))
}

// ParseNote splits a signed note into its text, with the final line feed, and
// its signatures, none of them verified. Besides the rules of C2SP signed-note
// it demands canonical base64 and at most one line per key.
func ParseNote(note []byte) (text string, sigs []Signature, err error) {
	if len(note) > MaxNote {
		return "", nil, fmt.Errorf("note of %d bytes, at most %d allowed: %w", len(note), MaxNote, ErrTooLarge)
	}
	if err := plainText(note); err != nil {
		return "", nil, err
	}
	// The text may hold empty lines itself: the last one separates.
	at := bytes.LastIndex(note, []byte("\n\n"))
	if at < 0 {
		return "", nil, fmt.Errorf("note has no signatures: %w", ErrEncoding)
	}
	sigs, err = parseSignatures(string(note[at+2:]))
	if err != nil {
		return "", nil, err
	}
	return string(note[:at+1]), sigs, nil
}

// plainText refuses what a note must not contain: anything but UTF-8, and
// control characters other than the line feed.
func plainText(note []byte) error {
	if !utf8.Valid(note) {
		return fmt.Errorf("note is not UTF-8: %w", ErrEncoding)
	}
	for at, b := range note {
		if b < 0x20 && b != '\n' {
			return fmt.Errorf("note has a control character at byte %d: %w", at, ErrEncoding)
		}
	}
	return nil
}

func parseSignatures(lines string) ([]Signature, error) {
	type key struct {
		name string
		id   uint32
	}
	var sigs []Signature
	seen := make(map[key]bool)
	for line := range strings.SplitAfterSeq(lines, "\n") {
		if line == "" { // after the last line feed
			break
		}
		if len(sigs) == MaxSignatures {
			return nil, fmt.Errorf("note has more than %d signatures: %w", MaxSignatures, ErrTooLarge)
		}
		sig, err := ParseSignature(line)
		if err != nil {
			return nil, fmt.Errorf("signature %d: %w", len(sigs)+1, err)
		}
		if k := (key{sig.Name, sig.KeyID}); seen[k] {
			return nil, fmt.Errorf("signature %d: second one by the same key: %w", len(sigs)+1, ErrEncoding)
		} else {
			seen[k] = true
		}
		sigs = append(sigs, sig)
	}
	if len(sigs) == 0 {
		return nil, fmt.Errorf("note has no signatures: %w", ErrEncoding)
	}
	return sigs, nil
}
