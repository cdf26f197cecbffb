package fhir

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

func digit(c byte) bool { return '0' <= c && c <= '9' }

func (s *scanner) literal(word string) error {
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return refuse(s.pos, ErrSyntax)
	}
	s.pos += len(word)
	return nil
}

// number checks the grammar of RFC 8259 section 6 and converts nothing.
func (s *scanner) number() error {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.peek() == '.' {
		s.pos++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return nil
}

func (s *scanner) digits() error {
	if !digit(s.peek()) {
		return refuse(s.pos, ErrSyntax)
	}
	for digit(s.peek()) {
		s.pos++
	}
	return nil
}

// text scans a string and returns what stands between its quotes, escapes and all.
func (s *scanner) text() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start : s.pos-1], nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		case c < 0x20: // control characters must be escaped
			return nil, refuse(s.pos, ErrSyntax)
		default:
			s.pos++
		}
	}
	return nil, refuse(s.pos, ErrSyntax)
}

// escape checks one escape sequence. A lone surrogate is accepted, as RFC 8259
// section 8.2 leaves it open; it is carried as the bytes it came in.
func (s *scanner) escape() error {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return nil
	case 'u':
		s.pos++
		for range 4 {
			if _, ok := hexDigit(s.peek()); !ok {
				return refuse(s.pos, ErrSyntax)
			}
			s.pos++
		}
		return nil
	}
	return refuse(s.pos, ErrSyntax)
}

func hexDigit(c byte) (rune, bool) {
	switch {
	case digit(c):
		return rune(c - '0'), true
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10, true
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10, true
	}
	return 0, false
}

var simpleEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape resolves the escapes of a string that text has accepted, so that two
// spellings of one name are found equal. A lone surrogate becomes the three bytes
// its code point would have, so that different ones stay different.
func unescape(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		if raw[i+1] != 'u' {
			out = append(out, simpleEscapes[raw[i+1]])
			i += 2
			continue
		}
		r := codeUnit(raw[i+2:])
		i += 6
		if utf16.IsSurrogate(r) && len(raw)-i >= 6 && raw[i] == '\\' && raw[i+1] == 'u' {
			if pair := utf16.DecodeRune(r, codeUnit(raw[i+2:])); pair != utf8.RuneError {
				r = pair
				i += 6
			}
		}
		out = appendRune(out, r)
	}
	return string(out)
}

func codeUnit(hex []byte) rune {
	var r rune
	for _, c := range hex[:4] {
		v, _ := hexDigit(c)
		r = r<<4 | v
	}
	return r
}

func appendRune(out []byte, r rune) []byte {
	if utf16.IsSurrogate(r) {
		return append(out, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(out, r)
}
