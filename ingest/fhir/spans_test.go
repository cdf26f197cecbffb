package fhir

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseSpansIsStrict(t *testing.T) {
	for name, encoded := range map[string]string{
		"empty input":               "",
		"not an array":              "a0",
		"indefinite list":           "9fff",
		"list head not shortest":    "9800",
		"too many":                  "9841" + strings.Repeat("820041aa", 65),
		"item not a pair":           "81 8100",
		"item of three":             "81 83 00 41aa 00",
		"item indefinite":           "81 9f 00 41aa ff",
		"offset not shortest":       "81 82 1800 41aa",
		"offset not shortest, 16":   "81 82 1900ff 41aa",
		"offset not shortest, 32":   "81 82 1a0000ffff 41aa",
		"offset of eight bytes":     "81 82 1b0000000100000000 41aa",
		"offset beyond the limit":   "81 82 1a00100000 41aa",
		"offset negative":           "81 82 20 41aa",
		"offset a float":            "81 82 f90000 41aa",
		"bytes empty":               "81 82 00 40",
		"bytes text":                "81 82 00 61aa",
		"bytes indefinite":          "81 82 00 5f41aaff",
		"bytes length not shortest": "81 82 00 5801aa",
		"bytes missing":             "81 82 00 42aa",
		"bytes length huge":         "81 82 00 5affffffff",
		"touching":                  "82 82 00 41aa 82 01 41bb",
		"overlapping":               "82 82 00 43aaaaaa 82 01 41bb",
		"descending":                "82 82 05 41aa 82 00 41bb",
		"repeated":                  "82 82 05 41aa 82 05 41aa",
		"trailing byte":             "80 00",
		"one too few":               "82 82 00 41aa",
		"tagged":                    "c1 80",
	} {
		if _, err := parseSpans(unhex(t, encoded)); !errors.Is(err, ErrSpans) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	list, err := parseSpans(unhex(t, "82 82 00 41aa 82 02 41bb"))
	if err != nil || len(list) != 2 || list[1].Offset != 2 {
		t.Errorf("two spans one byte apart: %v, %v", list, err)
	}
}

func TestSpliceStaysInside(t *testing.T) {
	if _, err := Splice([]byte("ab"), unhex(t, "81 82 03 41aa")); !errors.Is(err, ErrSpliceRange) {
		t.Errorf("got %v", err)
	}
	out, err := Splice([]byte("ab"), unhex(t, "81 82 02 4163"))
	if err != nil || string(out) != "abc" {
		t.Errorf("at the very end: %q, %v", out, err)
	}
	large := bytes.Repeat([]byte("a"), MaxResource)
	if _, err := Splice(large, unhex(t, "81 82 00 41aa")); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

// Whatever parseSpans accepts is the deterministic encoding of what it returned.
func FuzzParseSpans(f *testing.F) {
	for _, seed := range []string{"80", "8182004161", "828200416182024162", "818219012c4161", "81821a0001000043616263"} {
		f.Add(unhex(f, seed))
	}
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		list, err := parseSpans(encoded)
		if err != nil {
			return
		}
		pairs := make([][2]any, len(list))
		for i, s := range list {
			pairs[i] = [2]any{s.Offset, s.Bytes}
		}
		again, err := mode.Marshal(pairs)
		if err != nil || !bytes.Equal(again, encoded) {
			t.Fatalf("%x is encoded again as %x, %v", encoded, again, err)
		}
	})
}
