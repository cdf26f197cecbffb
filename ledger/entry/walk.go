package entry

import (
	"bytes"
	"unicode/utf8"
)

// CBOR major types (RFC 8949 section 3.1).
const (
	majorUint   = 0
	majorNegint = 1
	majorBytes  = 2
	majorText   = 3
	majorArray  = 4
	majorMap    = 5
	majorTag    = 6
	majorSimple = 7
)

// The only simple values any format uses.
const (
	simpleFalse = 20
	simpleTrue  = 21
	simpleNull  = 22
)

// walker reads deterministic CBOR and nothing else: shortest heads, definite
// lengths, no tag, no float. It never recurses; what is nested is walked by
// the caller, so depth is bounded by the code that walks. After the first fault
// every method does nothing and returns a zero value, so a caller checks once.
// What it returns points into data.
type walker struct {
	data  []byte
	pos   int
	base  int      // where data begins in the whole input, for texts
	unit  string   // what label counts: "header", "claim", "field"; or ""
	label int64    // the map key whose value is being read
	fault *Refusal // the first fault
}

func (w *walker) fail(code Code, format string, args ...any) {
	if w.fault != nil {
		return
	}
	r := Refuse(code, format, args...)
	at := Refuse(code, "byte %d: ", w.base+w.pos)
	if w.unit != "" {
		at = Refuse(code, "%s %d, byte %d: ", w.unit, w.label, w.base+w.pos)
	}
	r.Text = at.Text + r.Text
	w.fault = r
}

func (w *walker) rest() int { return len(w.data) - w.pos }

// end demands that everything has been read.
func (w *walker) end() {
	if w.fault == nil && w.rest() != 0 {
		w.fail(CodeMalformed, "%d bytes follow the end", w.rest())
	}
}

// head reads one initial byte and its argument.
func (w *walker) head() (major int, arg uint64) {
	if w.fault != nil {
		return -1, 0
	}
	if w.rest() == 0 {
		w.fail(CodeMalformed, "the input ends where an item should begin")
		return -1, 0
	}
	first := w.data[w.pos]
	major, info := int(first>>5), uint64(first&0x1f)
	if major == majorSimple {
		return w.simple(info)
	}
	switch {
	case info < 24:
		w.pos++
		return major, info
	case info == 31:
		w.fail(CodeNotCanonical, "an indefinite length")
		return -1, 0
	case info > 27:
		w.fail(CodeMalformed, "a reserved initial byte")
		return -1, 0
	}
	return major, w.argument(1 << (info - 24))
}

// argument reads the 1, 2, 4 or 8 bytes that follow an initial byte and demands
// that no shorter form would have done.
func (w *walker) argument(size int) (arg uint64) {
	if w.rest() < 1+size {
		w.fail(CodeMalformed, "the input ends within an item's head")
		return 0
	}
	for _, c := range w.data[w.pos+1 : w.pos+1+size] {
		arg = arg<<8 | uint64(c)
	}
	shortest := uint64(24)
	if size > 1 {
		shortest = 1 << (4 * size)
	}
	if arg < shortest {
		w.fail(CodeNotCanonical, "an integer or length is not in its shortest form")
		return 0
	}
	w.pos += 1 + size
	return arg
}

func (w *walker) simple(info uint64) (int, uint64) {
	if info != simpleFalse && info != simpleTrue && info != simpleNull {
		w.fail(CodeMalformed, "a float or an unused simple value")
		return -1, 0
	}
	w.pos++
	return majorSimple, info
}

// expect reads a head of one major type; what names it in the refusal.
func (w *walker) expect(major int, what string) uint64 {
	at := w.pos
	got, arg := w.head()
	if w.fault == nil && got != major {
		w.pos = at
		w.fail(CodeMalformed, "expected %s", what)
		return 0
	}
	return arg
}

func (w *walker) uint() uint64 { return w.expect(majorUint, "an unsigned integer") }

// uintWithin reads an unsigned integer of a bounded range, both inclusive.
func (w *walker) uintWithin(low, high uint64) uint64 {
	n := w.uint()
	if w.fault == nil && (n < low || n > high) {
		w.fail(CodeFieldInvalid, "a number outside %d to %d", low, high)
		return 0
	}
	return n
}

// time reads an instant or a span in milliseconds.
func (w *walker) time() uint64 { return w.uintWithin(0, MaxTime) }

// code reads a code of a published list.
func (w *walker) code(list *codeList) uint8 {
	n := w.uint()
	if w.fault == nil && !list.valid(n) {
		w.fail(CodeUnknownCode, "not a %s code", list.what)
		return 0
	}
	return uint8(n)
}

// run reads the content of a byte or text string whose length was just read.
func (w *walker) run(length uint64) []byte {
	if w.fault != nil {
		return nil
	}
	if length > uint64(w.rest()) {
		w.fail(CodeMalformed, "a string runs past the end of the input")
		return nil
	}
	s := w.data[w.pos : w.pos+int(length) : w.pos+int(length)]
	w.pos += int(length)
	return s
}

func (w *walker) bytes() []byte { return w.run(w.expect(majorBytes, "a byte string")) }

// fixed reads a byte string of exactly dst's size into dst.
func (w *walker) fixed(dst []byte) {
	n := w.expect(majorBytes, "a byte string")
	if w.fault == nil && n != uint64(len(dst)) {
		w.fail(CodeFieldInvalid, "a byte string of %d bytes, expected %d", n, len(dst))
	}
	copy(dst, w.run(n))
}

func (w *walker) text() []byte {
	s := w.run(w.expect(majorText, "a text string"))
	if w.fault == nil && !utf8.Valid(s) {
		w.fail(CodeMalformed, "a text string is not UTF-8")
		return nil
	}
	return s
}

func (w *walker) bool() bool {
	major, arg := w.head()
	if w.fault == nil && (major != majorSimple || arg == simpleNull) {
		w.fail(CodeMalformed, "expected true or false")
	}
	return arg == simpleTrue
}

// null reads a null if one stands here.
func (w *walker) null() bool {
	if w.fault != nil || w.rest() == 0 || w.data[w.pos] != majorSimple<<5|simpleNull {
		return false
	}
	w.pos++
	return true
}

// array reads the head of an array. The count is at most the number of bytes
// left, so a caller may allocate by it.
func (w *walker) array() int {
	n := w.expect(majorArray, "an array")
	if w.fault == nil && n > uint64(w.rest()) {
		w.fail(CodeMalformed, "an array runs past the end of the input")
	}
	if w.fault != nil {
		return 0
	}
	return int(n)
}

// arrayOf reads the head of an array of exactly n items.
func (w *walker) arrayOf(n int) {
	got := w.expect(majorArray, "an array")
	if w.fault == nil && got != uint64(n) {
		w.fail(CodeMalformed, "an array of %d items, expected %d", got, n)
	}
}

// set walks a list that has no order of its own: its items are sorted by their
// encoded bytes, and none stands twice.
func (w *walker) set(each func()) {
	var last []byte
	for n := w.array(); n > 0 && w.fault == nil; n-- {
		at := w.pos
		each()
		if w.fault != nil {
			return
		}
		item := w.data[at:w.pos]
		if last != nil && bytes.Compare(last, item) >= 0 {
			w.fail(CodeNotCanonical, "a list is not sorted or has an item twice")
			return
		}
		last = item
	}
}
