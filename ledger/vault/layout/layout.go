package layout

import (
	"encoding/binary"
	"errors"
)

// ErrMalformed says that bytes are not what they should be: a command, a row, or
// what was sealed. A node that meets it in its state stops.
var ErrMalformed = errors.New("vault: malformed bytes")

// Fields is a value with a layout: it hands each of its fields to the codec, in
// order.
type Fields interface{ Fields(c *Codec) }

// Codec writes the fields it is given, or fills them. After the first fault it
// fills zeros; the fault comes out of Decode.
type Codec struct {
	b       []byte
	reading bool
	broken  bool
}

// Encode returns the bytes of f.
func Encode(f Fields) []byte { return Append(nil, f) }

// Append appends the bytes of f to b.
func Append(b []byte, f Fields) []byte {
	c := Codec{b: b}
	f.Fields(&c)
	return c.b
}

// Decode fills f from exactly these bytes, into which its byte strings then
// point, or returns ErrMalformed.
func Decode(b []byte, f Fields) error {
	c := Codec{b: b, reading: true}
	f.Fields(&c)
	if c.broken || len(c.b) != 0 {
		return ErrMalformed
	}
	return nil
}

// take returns the next n bytes of the input, or nil.
func (c *Codec) take(n int) []byte {
	if c.broken || n < 0 || n > len(c.b) {
		c.broken = true
		return nil
	}
	p := c.b[:n:n]
	c.b = c.b[n:]
	return p
}

// Raw is a field of fixed length: p itself.
func (c *Codec) Raw(p []byte) {
	if c.reading {
		copy(p, c.take(len(p)))
		return
	}
	c.b = append(c.b, p...)
}

// Fixed is a byte string whose length n both sides know.
func (c *Codec) Fixed(p *[]byte, n int) {
	if c.reading {
		*p = c.take(n)
		return
	}
	c.b = append(c.b, *p...)
}

// U64 is one number after the other.
func (c *Codec) U64(list ...*uint64) {
	for _, n := range list {
		if !c.reading {
			c.b = binary.BigEndian.AppendUint64(c.b, *n)
		} else if p := c.take(8); p != nil {
			*n = binary.BigEndian.Uint64(p)
		}
	}
}

// U8 is a number of one byte, of any such type.
func U8[T ~uint8](c *Codec, n *T) {
	if !c.reading {
		c.b = append(c.b, byte(*n))
	} else if p := c.take(1); p != nil {
		*n = T(p[0])
	}
}

// Bool is one byte, 1 for true.
func (c *Codec) Bool(v *bool) {
	n := Bit(*v)
	U8(c, &n)
	*v = n == 1
}

// Bit is a bool as it is written.
func Bit(v bool) uint8 {
	if v {
		return 1
	}
	return 0
}

// count is the length of a list whose items take at least size bytes each, so
// that a forged count cannot make the reader allocate.
func (c *Codec) count(n, size int) int {
	if !c.reading {
		c.b = binary.BigEndian.AppendUint32(c.b, uint32(n))
		return n
	}
	p := c.take(4)
	if p == nil {
		return 0
	}
	if n := binary.BigEndian.Uint32(p); uint64(n)*uint64(size) <= uint64(len(c.b)) {
		return int(n)
	}
	c.broken = true
	return 0
}

// Bytes is a byte string; an empty one is read as nil.
func (c *Codec) Bytes(p *[]byte) {
	n := c.count(len(*p), 1)
	switch {
	case !c.reading:
		c.b = append(c.b, *p...)
	case n > 0:
		*p = c.take(n)
	}
}

// U64s is a list of numbers.
func (c *Codec) U64s(list *[]uint64) { List(c, list, 8, func(n *uint64) { c.U64(n) }) }

// List is a list whose items take at least size bytes each.
func List[T any](c *Codec, list *[]T, size int, item func(*T)) {
	n := c.count(len(*list), size)
	if c.reading {
		*list = make([]T, n)
	}
	for i := range *list {
		item(&(*list)[i])
	}
}

// Number is one number as a value of its own.
func Number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// ParseNumber reads what Number wrote, and nothing else.
func ParseNumber(b []byte) (uint64, error) {
	if len(b) != 8 {
		return 0, ErrMalformed
	}
	return binary.BigEndian.Uint64(b), nil
}
