package proof

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// MaxName bounds origins and key names, in bytes: ML-DSA-44 cosignatures give
// their length one byte (C2SP tlog-cosignature).
const MaxName = 255

// MaxSize bounds tree sizes, indexes and POSIX times: what a signed 64-bit
// number holds, because other implementations use one.
const MaxSize = math.MaxInt64

// ValidName says why name cannot be an origin or key name: those are UTF-8, not
// empty, at most MaxName bytes, without Unicode space, control character or '+'
// (C2SP signed-note). The error does not repeat the name.
func ValidName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("key name is empty: %w", ErrEncoding)
	case len(name) > MaxName:
		return fmt.Errorf("key name of %d bytes, at most %d allowed: %w", len(name), MaxName, ErrTooLarge)
	case !utf8.ValidString(name):
		return fmt.Errorf("key name is not UTF-8: %w", ErrEncoding)
	}
	for at, r := range name {
		if r == '+' || unicode.IsSpace(r) || unicode.IsControl(r) {
			return fmt.Errorf("key name has a space, '+' or control character at byte %d: %w", at, ErrEncoding)
		}
	}
	return nil
}

// parseNumber reads the one accepted spelling of a number up to MaxSize: ASCII
// decimal without sign or leading zero.
func parseNumber(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > MaxSize || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("not a canonical decimal number up to 2^63-1: %w", ErrEncoding)
	}
	return n, nil
}

// parseBase64 accepts only what encoding the result would give back, so that
// two different texts never mean the same bytes.
func parseBase64(s string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(raw) != s {
		return nil, fmt.Errorf("not canonical base64: %w", ErrEncoding)
	}
	return raw, nil
}

func parseHash(s string) (Hash, error) {
	if len(s) != base64.StdEncoding.EncodedLen(HashSize) {
		return Hash{}, fmt.Errorf("not a base64 hash of %d bytes: %w", HashSize, ErrEncoding)
	}
	raw, err := parseBase64(s)
	if err != nil {
		return Hash{}, err
	}
	if len(raw) != HashSize {
		return Hash{}, fmt.Errorf("not a base64 hash of %d bytes: %w", HashSize, ErrEncoding)
	}
	return Hash(raw), nil
}

func (h Hash) base64() string { return base64.StdEncoding.EncodeToString(h[:]) }
