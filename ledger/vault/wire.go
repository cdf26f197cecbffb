package vault

import (
	"encoding/binary"
	"errors"
)

// Commands and rows are written by hand in one fixed layout: big-endian
// integers, byte strings behind a four-byte length, lists behind a four-byte
// count. There is one spelling of each, and reading is strict.

var errWire = errors.New("vault: malformed bytes")

// writer appends.
type writer struct{ b []byte }

func (w *writer) u8(n uint8)      { w.b = append(w.b, n) }
func (w *writer) u32(n uint32)    { w.b = binary.BigEndian.AppendUint32(w.b, n) }
func (w *writer) u64(n uint64)    { w.b = binary.BigEndian.AppendUint64(w.b, n) }
func (w *writer) raw(p []byte)    { w.b = append(w.b, p...) }
func (w *writer) bytes(p []byte)  { w.count(len(p)); w.raw(p) }
func (w *writer) count(n int)     { w.u32(uint32(n)) }
func (w *writer) u64s(n []uint64) { w.count(len(n)); w.each64(n) }

func (w *writer) each64(list []uint64) {
	for _, n := range list {
		w.u64(n)
	}
}

// reader reads what writer wrote. After the first fault it gives zeros; the
// fault comes out of end.
type reader struct {
	b      []byte
	broken bool
}

func (r *reader) take(n int) []byte {
	if r.broken || n < 0 || n > len(r.b) {
		r.broken = true
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) u8() uint8 {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	if p := r.take(4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if p := r.take(8); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

// fixed fills dst.
func (r *reader) fixed(dst []byte) {
	copy(dst, r.take(len(dst)))
}

// bytes returns a byte string that points into the input; nil when empty.
func (r *reader) bytes() []byte {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)) {
		r.broken = true
		return nil
	}
	if n == 0 {
		return nil
	}
	return r.take(int(n))
}

// count reads the length of a list whose items take at least size bytes each,
// so that a forged count cannot make the reader allocate.
func (r *reader) count(size int) int {
	n := r.u32()
	if uint64(n)*uint64(size) > uint64(len(r.b)) {
		r.broken = true
		return 0
	}
	return int(n)
}

func (r *reader) u64s() []uint64 {
	n := r.count(8)
	list := make([]uint64, 0, n)
	for range n {
		list = append(list, r.u64())
	}
	return list
}

// end reports whether everything was read and nothing was missing.
func (r *reader) end() error {
	if r.broken || len(r.b) != 0 {
		return errWire
	}
	return nil
}

// ascending reports whether a list is sorted without repeats: the one spelling
// of a set of numbers.
func ascending(list []uint64) bool {
	for i := 1; i < len(list); i++ {
		if list[i-1] >= list[i] {
			return false
		}
	}
	return true
}
