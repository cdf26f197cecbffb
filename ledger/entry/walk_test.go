package entry

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"
)

// TestWalkerNamesTheFault: each way of not being deterministic CBOR has its own
// words, and the position.
func TestWalkerNamesTheFault(t *testing.T) {
	number := func(w *walker) { w.uint() }
	text := func(w *walker) { w.text() }
	array := func(w *walker) { w.array() }
	aMap := func(w *walker) { w.fields(unitField) }
	oneField := func(w *walker) { f := w.fields(unitField); f.need(1); w.uint(); f.end() }
	for _, v := range []struct {
		input string
		read  func(*walker)
		code  Code
		text  string
	}{
		{"", number, CodeMalformed, "the input ends where an item should begin"},
		{"18", number, CodeMalformed, "the input ends within an item's head"},
		{"1b00000000000000", number, CodeMalformed, "the input ends within an item's head"},
		{"1817", number, CodeNotCanonical, "not in its shortest form"},
		{"1900ff", number, CodeNotCanonical, "not in its shortest form"},
		{"1a0000ffff", number, CodeNotCanonical, "not in its shortest form"},
		{"1b00000000ffffffff", number, CodeNotCanonical, "not in its shortest form"},
		{"1c", number, CodeMalformed, "a reserved initial byte"},
		{"1e", number, CodeMalformed, "a reserved initial byte"},
		{"1f", number, CodeNotCanonical, "an indefinite length"},
		{"5f40ff", text, CodeNotCanonical, "an indefinite length"},
		{"f93c00", number, CodeMalformed, "a float or an unused simple value"},
		{"f7", number, CodeMalformed, "a float or an unused simple value"},
		{"f818", number, CodeMalformed, "a float or an unused simple value"},
		{"ff", number, CodeMalformed, "a float or an unused simple value"},
		{"c000", number, CodeMalformed, "expected an unsigned integer"},
		{"20", number, CodeMalformed, "expected an unsigned integer"},
		{"f4", number, CodeMalformed, "expected an unsigned integer"},
		{"6261", text, CodeMalformed, "a string runs past the end"},
		{"7bffffffffffffffff61", text, CodeMalformed, "a string runs past the end"},
		{"61ff", text, CodeMalformed, "not UTF-8"},
		{"8200", array, CodeMalformed, "an array runs past the end"},
		{"9bffffffffffffffff00", array, CodeMalformed, "an array runs past the end"},
		{"a20101", aMap, CodeMalformed, "a map runs past the end"},
		{"bbffffffffffffffff0101", aMap, CodeMalformed, "a map runs past the end"},
		{"a0", oneField, CodeFieldMissing, "field 1 is missing"},
		{"a10200", oneField, CodeFieldMissing, "field 1 is missing"},
		{"a10000", oneField, CodeUnknownLabel, "field 0 is not listed here"},
		{"a201000200", oneField, CodeUnknownLabel, "field 2 is not listed here"},
		{"a201000100", oneField, CodeNotCanonical, "not sorted or one stands twice"},
		{"a201002000", oneField, CodeUnknownLabel, "field -1 is not listed here"},
		{"a20100613100", oneField, CodeUnknownLabel, "a key that is not an integer"},
		{"a1f90000", oneField, CodeMalformed, "a float"},
		{"a11bffffffffffffffff00", oneField, CodeUnknownLabel, "no such field"},
		{"a10120", oneField, CodeMalformed, "field 1, byte 2: expected an unsigned integer"},
	} {
		b, err := hex.DecodeString(v.input)
		if err != nil {
			t.Fatal(err)
		}
		w := walker{data: b}
		v.read(&w)
		if w.fault == nil {
			t.Errorf("%s: read", v.input)
		} else if w.fault.Code != v.code || !strings.Contains(w.fault.Text, v.text) {
			t.Errorf("%s: %v, want %s: %s", v.input, w.fault, v.code, v.text)
		}
	}
}

// TestWalkerReadsTheBorders: every head at the border of its size.
func TestWalkerReadsTheBorders(t *testing.T) {
	for _, n := range []uint64{0, 23, 24, 255, 256, 65_535, 65_536, math.MaxUint32, math.MaxUint32 + 1, math.MaxUint64} {
		b := appendUint(nil, n)
		sameBytes(t, "by fxamacker/cbor", b, second(t, n))
		w := walker{data: b}
		if got := w.uint(); got != n || w.fault != nil {
			t.Errorf("%d: %d, %v", n, got, w.fault)
		}
		w.end()
		if w.fault != nil {
			t.Error(w.fault)
		}
	}
	for _, n := range []int64{-1, -24, -25, -256, -257, -70001, math.MinInt64, 0, math.MaxInt64} {
		sameBytes(t, "by fxamacker/cbor", appendInt(nil, n), second(t, n))
		if unrank(rank(n)) != n {
			t.Errorf("%d: rank %d", n, rank(n))
		}
	}
}

// TestWalkerStopsAtTheFirstFault: after it, nothing is read and nothing is said.
func TestWalkerStopsAtTheFirstFault(t *testing.T) {
	w := walker{data: []byte{0x20, 0x01, 0xf6, 0x81, 0x01, 0xa1, 0x01, 0x01}}
	w.uint()
	first := w.fault
	if w.uint() != 0 || w.bytes() != nil || w.text() != nil || w.bool() || w.null() || w.array() != 0 || w.time() != 0 {
		t.Error("something was read after a fault")
	}
	f := w.fields(unitField)
	if f.has(1) {
		t.Error("a key was taken after a fault")
	}
	f.need(1)
	f.end()
	w.set(func() { t.Error("a list was walked after a fault") })
	w.end()
	if w.fault != first {
		t.Errorf("the fault became %v", w.fault)
	}
}
