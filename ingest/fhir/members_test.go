package fhir

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A repeated name is noticed wherever it stands, also in an object of many members.
func TestRepeatedNamesInLargeObjects(t *testing.T) {
	for _, count := range []int{fewNames - 1, fewNames, fewNames + 1, 3 * fewNames} {
		for first := range count {
			var names []string
			for n := range count {
				names = append(names, fmt.Sprintf(`"n%d":0`, n))
			}
			whole := func(names []string) []byte {
				return []byte(`{"resourceType":"Observation","code":{` + strings.Join(names, ",") + "}}")
			}
			if _, _, err := Cut(whole(names)); err != nil {
				t.Fatalf("%d members: %v", count, err)
			}
			if _, _, err := Cut(whole(append(names, names[first]))); !errors.Is(err, ErrRepeatedName) {
				t.Errorf("member %d of %d repeated: %v", first, count, err)
			}
		}
	}
}

// Half surrogate pairs are different names, whatever follows them.
func TestHalfPairsAreDifferentNames(t *testing.T) {
	const document = `{"resourceType":"Observation","code":{"\ud800\u0041":0,"\ud801\u0041":0,"\ufffd":0,"\ud800":0,"\udc00\ud800":0}}`
	if _, _, err := Cut([]byte(document)); err != nil {
		t.Error(err)
	}
	const twice = `{"resourceType":"Observation","code":{"\ud83d\ude00":0,"😀":0}}`
	if _, _, err := Cut([]byte(twice)); !errors.Is(err, ErrRepeatedName) {
		t.Errorf("one name in two spellings: %v", err)
	}
}

// Every control character must be escaped, in names and in values.
func TestControlCharactersAreRefused(t *testing.T) {
	for c := range 0x20 {
		for _, document := range []string{
			`{"resourceType":"Observation","valueString":"` + string(rune(c)) + `"}`,
			`{"resourceType":"Observation","` + string(rune(c)) + `":0}`,
		} {
			if _, _, err := Cut([]byte(document)); !errors.Is(err, ErrSyntax) {
				t.Errorf("U+%04X: %v", c, err)
			}
		}
	}
}
