package entry

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// appendHead appends an initial byte and its argument in the shortest form.
func appendHead(b []byte, major byte, arg uint64) []byte {
	major <<= 5
	switch {
	case arg < 24:
		return append(b, major|byte(arg))
	case arg < 1<<8:
		return append(b, major|24, byte(arg))
	case arg < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(arg))
	case arg < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(arg))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), arg)
}

func appendUint(b []byte, n uint64) []byte { return appendHead(b, majorUint, n) }

func appendInt(b []byte, n int64) []byte {
	if n < 0 {
		return appendHead(b, majorNegint, uint64(-1-n))
	}
	return appendHead(b, majorUint, uint64(n))
}

func appendBytes(b, s []byte) []byte {
	return append(appendHead(b, majorBytes, uint64(len(s))), s...)
}

func appendText(b []byte, s string) []byte {
	return append(appendHead(b, majorText, uint64(len(s))), s...)
}

func appendArray(b []byte, n int) []byte { return appendHead(b, majorArray, uint64(n)) }

func appendNull(b []byte) []byte { return append(b, majorSimple<<5|simpleNull) }

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, majorSimple<<5|simpleTrue)
	}
	return append(b, majorSimple<<5|simpleFalse)
}

// appendSet appends a list that has no order of its own, sorted by encoded
// bytes. Repeats are kept: the parser refuses them, so that a caller's mistake
// is not hidden.
func appendSet[T any](b []byte, items []T, encode func([]byte, T) []byte) []byte {
	encoded := make([][]byte, len(items))
	for i, item := range items {
		encoded[i] = encode(nil, item)
	}
	slices.SortFunc(encoded, bytes.Compare)
	b = appendArray(b, len(items))
	for _, e := range encoded {
		b = append(b, e...)
	}
	return b
}

// mapWriter collects the pairs of a map written in ascending order of keys and
// puts the head before them.
type mapWriter struct {
	pairs int
	body  []byte
}

func (m *mapWriter) key(label int64) {
	m.pairs++
	m.body = appendInt(m.body, label)
}

func (m *mapWriter) uint(label int64, n uint64) {
	m.key(label)
	m.body = appendUint(m.body, n)
}

func (m *mapWriter) bytes(label int64, s []byte) {
	m.key(label)
	m.body = appendBytes(m.body, s)
}

func (m *mapWriter) text(label int64, s string) {
	m.key(label)
	m.body = appendText(m.body, s)
}

func (m *mapWriter) appendTo(b []byte) []byte {
	return append(appendHead(b, majorMap, uint64(m.pairs)), m.body...)
}
