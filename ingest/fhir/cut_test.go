package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"indelible/test/seed"
)

// Cut is Parse without whom it is about.
func Cut(original []byte) (clinical, spans []byte, err error) {
	o, err := Parse(original)
	if err != nil {
		return nil, nil, err
	}
	return o.Clinical, o.Spans, nil
}

// check holds one original against everything promised of its parts.
func check(t testing.TB, original []byte) {
	t.Helper()
	clinical, spans, err := Cut(original)
	if err != nil {
		t.Fatalf("Cut: %v", err)
	}
	back, err := Splice(clinical, spans)
	if err != nil {
		t.Fatalf("Splice: %v", err)
	}
	if !bytes.Equal(back, original) {
		t.Fatal("Splice(Cut(x)) is not x")
	}
	if !json.Valid(clinical) {
		t.Fatal("the clinical part is not valid JSON")
	}
	members, err := naiveMembers(clinical)
	if err != nil {
		t.Fatalf("independent walk of the clinical part: %v", err)
	}
	for _, m := range members {
		if !naiveKept(m.name) || m.marked {
			t.Fatal("the clinical part contains a member that must be cut")
		}
	}
	wantClinical, wantSpans, err := naiveCut(original)
	if err != nil {
		t.Fatalf("the second implementation refuses: %v", err)
	}
	if !bytes.Equal(clinical, wantClinical) || !bytes.Equal(spans, wantSpans) {
		t.Fatalf("differs from the second implementation:\n%x\n%x", spans, wantSpans)
	}
	again, none, err := Cut(clinical)
	if err != nil || !bytes.Equal(again, clinical) || !bytes.Equal(none, []byte{0x80}) {
		t.Fatalf("cutting the clinical part again: %x, %v", none, err)
	}
}

func TestCutExactSpans(t *testing.T) {
	for _, c := range []struct{ name, original, clinical, spans string }{
		{"nothing to cut", `{"resourceType":"Observation","status":"final"}`,
			`{"resourceType":"Observation","status":"final"}`, "80"},
		{"before the first kept", `{ "id" : "x" , "resourceType":"Observation"}`,
			`{ "resourceType":"Observation"}`, "818202 4d" + spell(`"id" : "x" , `)},
		{"between", `{"resourceType":"Observation" , "id":1 ,"note":[] , "status":"final"}`,
			`{"resourceType":"Observation" , "status":"final"}`, "8182181d 54" + spell(` , "id":1 ,"note":[]`)},
		{"at the end", "{\"resourceType\":\"Observation\",\n\"id\":1\n}",
			"{\"resourceType\":\"Observation\"\n}", "8182181d 48" + spell(",\n\"id\":1")},
		{"marked value", `{"resourceType":"Observation","code":{"coding":[{"extension":[]}]},"status":"final"}`,
			`{"resourceType":"Observation","status":"final"}`, "8182181d 5825" + spell(`,"code":{"coding":[{"extension":[]}]}`)},
		{"escaped name", `{"resourceType":"Observation","st\u0061tus":"final","id":1}`,
			`{"resourceType":"Observation","st\u0061tus":"final"}`, "8182183347" + spell(`,"id":1`)},
	} {
		clinical, spans, err := Cut([]byte(c.original))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if string(clinical) != c.clinical {
			t.Errorf("%s: clinical part is %s", c.name, clinical)
		}
		if got := fmt.Sprintf("%x", spans); got != strings.ReplaceAll(c.spans, " ", "") {
			t.Errorf("%s: spans are %s, want %s", c.name, got, c.spans)
		}
		check(t, []byte(c.original))
	}
}

func spell(s string) string { return fmt.Sprintf("%x", s) }

func TestCutRefuses(t *testing.T) {
	const head = `{"resourceType":"Observation",`
	nest := func(n int) string { return head + `"code":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}" }
	for _, c := range []struct {
		name, original string
		want           error
	}{
		{"empty", "", ErrSyntax},
		{"byte order mark", "\ufeff" + head + `"id":1}`, ErrByteOrderMark},
		{"array", `[1]`, ErrNotObject},
		{"text", `"Observation"`, ErrNotObject},
		{"two values", `{"resourceType":"Observation"}{}`, ErrSyntax},
		{"trailing comma", head + `}`, ErrSyntax},
		{"no resourceType", `{"status":"final"}`, ErrNoResourceType},
		{"no members", `{}`, ErrNoResourceType},
		{"resourceType a number", `{"resourceType":1}`, ErrNoResourceType},
		{"Patient", `{"resourceType":"Patient"}`, ErrNotObservation},
		{"repeated", head + `"id":1,"id":2}`, ErrRepeatedName},
		{"repeated resourceType", head + `"resourceType":"Observation"}`, ErrRepeatedName},
		{"repeated by escape", head + `"id":1,"\u0069d":2}`, ErrRepeatedName},
		{"repeated surrogate pair", head + `"😀":1,"\ud83d\ude00":2}`, ErrRepeatedName},
		{"repeated below", head + `"code":{"coding":[{"a":1,"a":2}]}}`, ErrRepeatedName},
		{"repeated in a cut member", head + `"note":{"a":1,"a":2}}`, ErrRepeatedName},
		{"repeated among many", head + many(40) + `"m7":1}`, ErrRepeatedName},
		{"not UTF-8", head + "\"id\":\"\xff\"}", ErrNotUTF8},
		{"surrogate in UTF-8", head + "\"id\":\"\xed\xa0\x80\"}", ErrNotUTF8},
		{"control character", head + "\"id\":\"a\nb\"}", ErrSyntax},
		{"bad escape", head + `"id":"\x"}`, ErrSyntax},
		{"short escape", head + `"id":"\u12"}`, ErrSyntax},
		{"leading zero", head + `"id":012}`, ErrSyntax},
		{"no digit after the point", head + `"id":1.}`, ErrSyntax},
		{"no exponent", head + `"id":1e}`, ErrSyntax},
		{"plus", head + `"id":+1}`, ErrSyntax},
		{"NaN", head + `"id":NaN}`, ErrSyntax},
		{"comment", head + `/**/"id":1}`, ErrSyntax},
		{"single quotes", head + `'id':1}`, ErrSyntax},
		{"unquoted name", head + `id:1}`, ErrSyntax},
		{"cut off", head + `"id":"x`, ErrSyntax},
		{"form feed", head + "\f" + `"id":1}`, ErrSyntax},
		{"too deep", nest(maxDepth), ErrTooDeep},
		{"bottomless", head + strings.Repeat(`"a":[`, 1) + strings.Repeat("[", 300_000), ErrTooDeep},
		{"too large", head + `"id":"` + strings.Repeat("x", MaxResource) + `"}`, ErrTooLarge},
	} {
		_, _, err := Cut([]byte(c.original))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	check(t, []byte(nest(maxDepth-1)))
	check(t, []byte(head+strings.TrimSuffix(many(40), ",")+"}"))
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"m%d":%d,`, i, i)
	}
	return b.String()
}

// A refusal must not carry what was refused into a log.
func TestErrorsContainNoInput(t *testing.T) {
	const canary = "CANARYcanary"
	for _, original := range []string{
		`{"resourceType":"` + canary + `"}`,
		`{"resourceType":"Observation","` + canary + `":1,"` + canary + `":2}`,
		`{"resourceType":"Observation","id":` + canary + `}`,
		canary,
	} {
		_, _, err := Cut([]byte(original))
		if err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("error is %v", err)
		}
	}
	if _, err := Splice([]byte(canary), []byte("\x81\x82\x00\x4c"+canary+"x")); err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("error is %v", err)
	}
}

func TestSubject(t *testing.T) {
	for original, want := range map[string]string{
		`{"resourceType":"Observation","subject":{"reference":"Patient\/1"}}`:                           "Patient/1",
		`{"subject":{"display":"x","r\u0065ference":"urn:uuid:1"},"resourceType":"Observation"}`:        "urn:uuid:1",
		`{"resourceType":"Observation","subject":{"identifier":{"reference":"no"}}}`:                    "",
		`{"resourceType":"Observation","subject":{"reference":7}}`:                                      "",
		`{"resourceType":"Observation","subject":"Patient/1"}`:                                          "",
		`{"resourceType":"Observation","note":{"subject":{"reference":"no"}},"performer":[{"x":"no"}]}`: "",
	} {
		o, err := Parse([]byte(original))
		if err != nil {
			t.Fatal(err)
		}
		if o.Subject != want {
			t.Errorf("subject of %s is %q", original, o.Subject)
		}
	}
}

func TestRandomDocuments(t *testing.T) {
	r := seed.Rand(t)
	for range 8_000 / scale {
		document := newRandomObservation(r)
		if !json.Valid([]byte(document)) {
			t.Fatalf("the generator wrote invalid JSON: %s", document)
		}
		if strings.Contains(document, `\ud8`) && !strings.Contains(document, `"\ud800 `) {
			continue
		}
		check(t, []byte(document))
	}
}

// Every single-byte change of a document is judged alike by both implementations.
func TestMutatedDocuments(t *testing.T) {
	r := seed.Rand(t)
	for range 120 / scale {
		original := []byte(newRandomObservation(r))
		for range 50 {
			mutated := bytes.Clone(original)
			switch at := r.IntN(len(mutated)); r.IntN(3) {
			case 0:
				mutated[at] ^= 1 << r.IntN(8)
			case 1:
				mutated = append(mutated[:at], mutated[at+1:]...)
			case 2:
				mutated = append(mutated[:at], append([]byte{`{}[]",:\0 `[r.IntN(10)]}, mutated[at:]...)...)
			}
			judgeAlike(t, mutated)
		}
	}
}

func judgeAlike(t testing.TB, document []byte) {
	t.Helper()
	_, _, err := Cut(document)
	_, _, naive := naiveCut(document)
	if (err == nil) != (naive == nil) {
		// The standard library turns every lone surrogate into U+FFFD, so it takes
		// two different ones for one name.
		if err == nil && bytes.Contains(bytes.ToLower(document), []byte(`\ud`)) {
			return
		}
		t.Fatalf("Cut says %v, the second implementation %v, of %q", err, naive, document)
	}
	if err == nil {
		check(t, document)
	}
}

func FuzzCut(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		f.Add([]byte(newRandomObservation(r)))
	}
	f.Fuzz(func(t *testing.T, document []byte) { judgeAlike(t, document) })
}
