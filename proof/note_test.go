package proof

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestNotesRoundTrip(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	note := l.note(9, append(slices.Clone(l.nodes), l.pqNodes...)...)
	text, sigs, err := ParseNote(note)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ParseCheckpoint(text)
	if err != nil || c != l.checkpoint(9) || c.Text() != text {
		t.Fatalf("checkpoint %+v, error %v", c, err)
	}
	var lines []string
	for _, s := range sigs {
		lines = append(lines, s.Line())
	}
	if len(sigs) != 7 || !bytes.Equal(SignNote(c, lines...), note) {
		t.Errorf("%d signatures, or written again differs", len(sigs))
	}
	// A text may have empty lines: the last one separates.
	text, sigs, err = ParseNote([]byte("first\n\nsecond\n\n" + lines[0]))
	if err != nil || text != "first\n\nsecond\n" || len(sigs) != 1 {
		t.Errorf("text %q with %d signatures, error %v", text, len(sigs), err)
	}
}

func TestHostileNotes(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	note := string(l.note(9, l.nodes[0]))
	text, sigs, _ := strings.Cut(note, "\n\n")
	first, second, _ := strings.Cut(sigs, "\n")
	body := text + "\n\n"
	base64 := first[strings.LastIndex(first, " ")+1:]
	line := func(i int) string {
		return Signature{Name: fmt.Sprintf("stranger%d", i), Bytes: []byte{1}}.Line()
	}
	var hundred strings.Builder
	for i := range MaxSignatures {
		hundred.WriteString(line(i))
	}
	if _, sigs, err := ParseNote([]byte(body + hundred.String())); err != nil || len(sigs) != MaxSignatures {
		t.Errorf("a note of %d signatures: %d, %v", MaxSignatures, len(sigs), err)
	}
	cases := map[string]string{
		"nothing":                         "",
		"text alone":                      text + "\n",
		"no signature line":               body,
		"no empty line":                   text + "\n" + sigs,
		"a signature without line feed":   strings.TrimSuffix(note, "\n"),
		"a hyphen for the em dash":        body + strings.Replace(sigs, "\u2014", "-", 1),
		"an en dash for the em dash":      body + strings.Replace(sigs, "\u2014", "\u2013", 1),
		"no space after the dash":         body + strings.Replace(sigs, "\u2014 ", "\u2014", 1),
		"two spaces":                      body + strings.Replace(sigs, testOrigin+" ", testOrigin+"  ", 1),
		"a space at the end":              body + first + " \n",
		"no name":                         body + signatureMark + base64 + "\n",
		"an empty name":                   body + signatureMark + " " + base64 + "\n",
		"a name with plus":                body + strings.Replace(sigs, testOrigin, "a+b", 1),
		"a name with a no-break space":    body + strings.Replace(sigs, testOrigin, "a\u00a0b", 1),
		"a name with a control character": body + strings.Replace(sigs, testOrigin, "a\u0086b", 1),
		"a name of 256 bytes":             body + strings.Replace(sigs, testOrigin, strings.Repeat("n", 256), 1),
		"a tab":                           strings.Replace(note, " ", "\t", 1),
		"a carriage return":               strings.Replace(note, "\n", "\r\n", 1),
		"a carriage return in the base64": body + strings.Replace(first, base64, base64[:8]+"\r"+base64[8:], 1) + "\n",
		"a zero byte":                     strings.Replace(note, "9", "9\x00", 1),
		"not UTF-8":                       strings.Replace(note, testOrigin, testOrigin+"\xff", 1),
		"base64 without padding":          body + strings.TrimRight(first, "=") + "\n",
		"base64 of the URL alphabet":      body + signatureMark + "a _-__AAAA\n",
		"base64 with other tail bits":     body + signatureMark + "a AAAAAAB=\n",
		"only a key ID":                   body + signatureMark + "a AAAAAA==\n",
		"less than a key ID":              body + signatureMark + "a AAAA\n",
		"two signatures by one key":       body + first + "\n" + first + "\n" + second,
		"text after the signatures":       note + "more\n",
		"an empty line at the end":        note + "\n",
		"101 signatures":                  body + hundred.String() + line(MaxSignatures),
		"too large":                       strings.Repeat("x", MaxNote) + "\n\n" + sigs,
	}
	for what, hostile := range cases {
		if _, _, err := ParseNote([]byte(hostile)); err == nil {
			t.Errorf("%s: accepted", what)
		} else if !oneReason(err) {
			t.Errorf("%s: error %q wraps no reason of errors.go", what, err)
		}
	}
	if _, err := ParseSignature(signatureMark + "a " + strings.Repeat("A", MaxNote) + "\n"); err == nil {
		t.Error("an endless signature line: accepted")
	}
}

func TestHostileCheckpoints(t *testing.T) {
	good := Checkpoint{Origin: testOrigin, Size: 9, Root: LeafHash(nil)}
	root := good.Root.base64()
	if got, err := ParseCheckpoint(good.Text()); err != nil || got != good {
		t.Fatalf("checkpoint read back as %+v, %v", got, err)
	}
	empty := Checkpoint{Origin: testOrigin, Root: EmptyRoot()}
	if got, err := ParseCheckpoint(empty.Text()); err != nil || got != empty {
		t.Fatalf("checkpoint of size 0 read back as %+v, %v", got, err)
	}
	cases := map[string]string{
		"nothing":                       "",
		"two lines":                     testOrigin + "\n9\n",
		"no line feed at the end":       strings.TrimSuffix(good.Text(), "\n"),
		"an extension line":             good.Text() + "extension\n",
		"an empty line more":            good.Text() + "\n",
		"an empty origin":               "\n9\n" + root + "\n",
		"an origin with a space":        "a b\n9\n" + root + "\n",
		"an origin with plus":           "a+b\n9\n" + root + "\n",
		"an origin of 256 bytes":        strings.Repeat("o", 256) + "\n9\n" + root + "\n",
		"no size":                       testOrigin + "\n\n" + root + "\n",
		"a size with a zero in front":   testOrigin + "\n09\n" + root + "\n",
		"a size with a sign":            testOrigin + "\n+9\n" + root + "\n",
		"a negative size":               testOrigin + "\n-9\n" + root + "\n",
		"a size above 63 bits":          testOrigin + "\n9223372036854775808\n" + root + "\n",
		"a size above 64 bits":          testOrigin + "\n18446744073709551625\n" + root + "\n",
		"a size in other digits":        testOrigin + "\n\u0669\n" + root + "\n",
		"an empty root":                 testOrigin + "\n9\n\n",
		"a root of 31 bytes":            testOrigin + "\n9\n" + root[:40] + "AA==\n",
		"a root of 33 bytes":            testOrigin + "\n9\n" + root[:43] + "A\n",
		"a root with other tail bits":   testOrigin + "\n9\n" + root[:42] + "B=\n",
		"a root in hexadecimal":         testOrigin + "\n9\n" + good.Root.String() + "\n",
		"a root at size 0":              testOrigin + "\n0\n" + root + "\n",
		"endless":                       strings.Repeat("x", MaxNote),
		"a carriage return in the root": testOrigin + "\n9\n" + root + "\r\n",
	}
	for what, hostile := range cases {
		if c, err := ParseCheckpoint(hostile); err == nil {
			t.Errorf("%s: accepted as %+v", what, c)
		} else if !oneReason(err) {
			t.Errorf("%s: error %q wraps no reason of errors.go", what, err)
		}
	}
}

// What a relay adds to a note, or how it orders the lines, decides nothing;
// what it does in the name of a pinned key refuses the note.
func TestKnownAndUnknownSignatures(t *testing.T) {
	l := newTestLog(t, "genesis", testOrigin, 9, 1)
	stranger := newTestLog(t, "genesis", testOrigin, 9, 90) // same names, other keys
	c := l.checkpoint(9)
	text, sigs, err := ParseNote(l.note(9, l.nodes...))
	if err != nil || text != c.Text() {
		t.Fatal(err)
	}
	_, others, err := ParseNote(stranger.note(9, stranger.nodes...))
	if err != nil {
		t.Fatal(err)
	}
	join := func(sigs ...Signature) []byte {
		var lines []string
		for _, s := range sigs {
			lines = append(lines, s.Line())
		}
		return SignNote(c, lines...)
	}
	change := func(s Signature, f func(*Signature)) Signature {
		s.Bytes = bytes.Clone(s.Bytes)
		f(&s)
		return s
	}
	lastBit := func(s *Signature) { s.Bytes[len(s.Bytes)-1] ^= 1 }
	policy := l.policy()

	for what, note := range map[string][]byte{
		"unknown keys of the same names": join(slices.Concat(others, sigs)...),
		"reversed lines":                 join(sigs[3], sigs[2], sigs[1], sigs[0]),
		"a wrong signature by a stranger": join(slices.Concat(sigs, []Signature{
			change(others[1], lastBit)})...),
		"a known key ID under another name": join(slices.Concat(sigs, []Signature{
			change(sigs[1], func(s *Signature) { s.Name = "elsewhere"; lastBit(s) })})...),
	} {
		if v, err := policy.VerifyCheckpoint(note); err != nil || v.Checkpoint != c {
			t.Errorf("%s: %+v, %v", what, v, err)
		}
	}
	for what, note := range map[string][]byte{
		"no log signature":              join(sigs[1:]...),
		"the log's bit flipped":         join(slices.Concat([]Signature{change(sigs[0], lastBit)}, sigs[1:])...),
		"one cosigner's bit flipped":    join(sigs[0], sigs[1], sigs[2], change(sigs[3], lastBit)),
		"one cosigner's time changed":   join(sigs[0], sigs[1], sigs[2], change(sigs[3], func(s *Signature) { s.Bytes[7] ^= 1 })),
		"one cosigner's time is 0":      join(sigs[0], sigs[1], sigs[2], change(sigs[3], func(s *Signature) { clear(s.Bytes[:8]) })),
		"one cosigner's time too large": join(sigs[0], sigs[1], sigs[2], change(sigs[3], func(s *Signature) { s.Bytes[0] |= 0x80 })),
		"a cosignature cut short":       join(sigs[0], sigs[1], sigs[2], change(sigs[3], func(s *Signature) { s.Bytes = s.Bytes[:5] })),
		"a cosignature with a tail":     join(sigs[0], sigs[1], sigs[2], change(sigs[3], func(s *Signature) { s.Bytes = append(s.Bytes, 0) })),
		"the log's signature cut short": join(slices.Concat([]Signature{change(sigs[0], func(s *Signature) { s.Bytes = s.Bytes[:63] })}, sigs[1:])...),
	} {
		v, err := policy.VerifyCheckpoint(note)
		wantError(t, what, err, ErrSignature)
		if v.Checkpoint != (Checkpoint{}) || v.CosignedBy != nil {
			t.Errorf("%s: %+v beside the error", what, v)
		}
	}
}
