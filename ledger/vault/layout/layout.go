package layout

import (
	"encoding/binary"
	"errors"
	"reflect"
)

// ErrMalformed says that bytes are not what they should be: a command, a row, or
// what was sealed. A node that meets it in its state stops.
var ErrMalformed = errors.New("vault: malformed bytes")

// Encode returns the bytes of what a pointer points to.
func Encode(p any) []byte { return Append(nil, p) }

// Append appends the bytes of what a pointer points to. Its type is made of
// bool, uint8, uint64, string, arrays of bytes and pointers to them, slices and
// structs.
func Append(b []byte, p any) []byte { return appendValue(b, reflect.ValueOf(p).Elem()) }

func appendValue(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Bool:
		return append(b, Bit(v.Bool()))
	case reflect.Uint8:
		return append(b, byte(v.Uint()))
	case reflect.Uint64:
		return binary.BigEndian.AppendUint64(b, v.Uint())
	case reflect.String:
		return append(appendCount(b, v.Len()), v.String()...)
	case reflect.Pointer:
		return append(b, v.Elem().Bytes()...)
	case reflect.Array:
		return append(b, v.Bytes()...)
	case reflect.Slice:
		b = appendCount(b, v.Len())
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return append(b, v.Bytes()...)
		}
		for i := range v.Len() {
			b = appendValue(b, v.Index(i))
		}
		return b
	case reflect.Struct:
		for i := range v.NumField() {
			b = appendValue(b, v.Field(i))
		}
		return b
	}
	panic("layout: no spelling of " + v.Type().String())
}

func appendCount(b []byte, n int) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) }

// Bit is a bool as it is written.
func Bit(v bool) uint8 {
	if v {
		return 1
	}
	return 0
}

// Decode fills what a pointer points to from exactly these bytes, or returns
// ErrMalformed. Byte strings in it then point into b.
func Decode(b []byte, p any) error {
	r := reader{b: b}
	r.value(reflect.ValueOf(p).Elem())
	if r.broken || len(r.b) != 0 {
		return ErrMalformed
	}
	return nil
}

// reader gives zeros after the first fault.
type reader struct {
	b      []byte
	broken bool
}

// take returns the next n bytes.
func (r *reader) take(n int) []byte {
	if r.broken || n > len(r.b) {
		r.broken = true
		return make([]byte, min(n, 8))
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

// count is the length of a list whose items take at least size bytes each, so
// that a forged count cannot make the reader allocate.
func (r *reader) count(size int) int {
	n := binary.BigEndian.Uint32(r.take(4))
	if uint64(n)*uint64(size) > uint64(len(r.b)) {
		r.broken = true
		return 0
	}
	return int(n)
}

func (r *reader) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.take(1)[0] == 1)
	case reflect.Uint8:
		v.SetUint(uint64(r.take(1)[0]))
	case reflect.Uint64:
		v.SetUint(binary.BigEndian.Uint64(r.take(8)))
	case reflect.String:
		v.SetString(string(r.take(r.count(1))))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.value(v.Elem())
	case reflect.Array:
		copy(v.Bytes(), r.take(v.Len()))
	case reflect.Slice:
		n := r.count(least(v.Type().Elem()))
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if n > 0 { // an empty byte string is nil
				v.SetBytes(r.take(n))
			}
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			r.value(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			r.value(v.Field(i))
		}
	default:
		panic("layout: no spelling of " + v.Type().String())
	}
}

// least is how many bytes a value of a type takes at least.
func least(t reflect.Type) int {
	switch t.Kind() {
	case reflect.Uint64:
		return 8
	case reflect.Pointer, reflect.Array:
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		return t.Len()
	case reflect.Slice, reflect.String:
		return 4
	case reflect.Struct:
		n := 0
		for i := range t.NumField() {
			n += least(t.Field(i).Type)
		}
		return n
	}
	return 1
}

// Number is one number as a value of its own.
func Number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// ParseNumber reads what Number wrote, and nothing else.
func ParseNumber(b []byte) (n uint64, err error) {
	err = Decode(b, &n)
	return n, err
}
