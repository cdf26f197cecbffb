package entry

import (
	"encoding/hex"
)

// Sizes of identifiers, bytes.
const (
	HashSize = 32 // SHA-256 digests and what is named by one
	IDSize   = 16 // random identifiers
)

// StatementID is the SHA-256 of a statement's COSE Sig_structure, so that
// neither the signature nor the envelope takes part (FORMATS §1).
type StatementID [HashSize]byte

// AuthorID is the SHA-256 of an author key's SubjectPublicKeyInfo, the kid of
// its statements.
type AuthorID [HashSize]byte

// LogID is the identity of a log: the leaf hash of its genesis at index 0.
type LogID [HashSize]byte

// Hash is any other SHA-256 digest: of parts, openings, documents, bundles.
type Hash [HashSize]byte

// Handle is the random name by which the log knows a subject for one epoch.
type Handle [IDSize]byte

// BindingID is the random name of device × slot × period.
type BindingID [IDSize]byte

// RequestID is chosen at random by an author that is not a device; it makes the
// author's statement unique.
type RequestID [IDSize]byte

// String returns lower-case hex, which ParseStatementID reads; so it is with every
// id and digest below.
func (id StatementID) String() string { return hex.EncodeToString(id[:]) }
func (id AuthorID) String() string    { return hex.EncodeToString(id[:]) }
func (id LogID) String() string       { return hex.EncodeToString(id[:]) }
func (h Hash) String() string         { return hex.EncodeToString(h[:]) }
func (h Handle) String() string       { return hex.EncodeToString(h[:]) }
func (id BindingID) String() string   { return hex.EncodeToString(id[:]) }
func (id RequestID) String() string   { return hex.EncodeToString(id[:]) }

// ParseStatementID reads 64 lower-case hex digits.
func ParseStatementID(s string) (id StatementID, err error) { return id, parseHex(id[:], s) }

// ParseAuthorID reads 64 lower-case hex digits.
func ParseAuthorID(s string) (id AuthorID, err error) { return id, parseHex(id[:], s) }

// ParseLogID reads 64 lower-case hex digits.
func ParseLogID(s string) (id LogID, err error) { return id, parseHex(id[:], s) }

// ParseHash reads 64 lower-case hex digits.
func ParseHash(s string) (h Hash, err error) { return h, parseHex(h[:], s) }

// ParseHandle reads 32 lower-case hex digits.
func ParseHandle(s string) (h Handle, err error) { return h, parseHex(h[:], s) }

// ParseBindingID reads 32 lower-case hex digits.
func ParseBindingID(s string) (id BindingID, err error) { return id, parseHex(id[:], s) }

// ParseRequestID reads 32 lower-case hex digits.
func ParseRequestID(s string) (id RequestID, err error) { return id, parseHex(id[:], s) }

// parseHex fills dst from lower-case hex of exactly its size: an id has one
// spelling.
func parseHex[T ~string | ~[]byte](dst []byte, s T) error {
	if len(s) != 2*len(dst) {
		return Refuse(CodeMalformed, "an identifier has %d hex digits, expected %d", len(s), 2*len(dst))
	}
	for i := range dst {
		hi, lo := hexDigit(s[2*i]), hexDigit(s[2*i+1])
		if hi > 15 || lo > 15 {
			return Refuse(CodeMalformed, "an identifier has something other than a lower-case hex digit in pair %d", i)
		}
		dst[i] = hi<<4 | lo
	}
	return nil
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}
