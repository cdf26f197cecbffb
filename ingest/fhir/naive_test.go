package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// This file is the second, slow implementation: it walks with the standard
// library's decoder, finds offsets with InputOffset and encodes with a CBOR library.

var errNaive = errors.New("refused")

type naiveMember struct {
	name       string
	start, end int
	marked     bool
}

// naiveCut is written from FORMATS §2 alone.
func naiveCut(original []byte) (clinical, spans []byte, err error) {
	if !utf8.Valid(original) || bytes.HasPrefix(original, []byte("\ufeff")) || !json.Valid(original) || len(original) > MaxResource {
		return nil, nil, errNaive
	}
	members, err := naiveMembers(original)
	if err != nil {
		return nil, nil, err
	}
	var keepers []naiveMember
	for _, m := range members {
		if naiveKept(m.name) && !m.marked {
			keepers = append(keepers, m)
		}
	}
	if !slices.ContainsFunc(keepers, func(m naiveMember) bool {
		var v any
		return m.name == "resourceType" && json.Unmarshal(naiveValue(original, m), &v) == nil && v == "Observation"
	}) {
		return nil, nil, errNaive
	}
	type span struct {
		_      struct{} `cbor:",toarray"`
		Offset int
		Bytes  []byte
	}
	list := []span{}
	take := func(from, to int) {
		list = append(list, span{Offset: from, Bytes: original[from:to]})
	}
	if first := members[0].start; first != keepers[0].start {
		take(first, keepers[0].start)
	}
	for i, k := range keepers {
		end := k.end
		for _, m := range members {
			if m.start > k.start && (i+1 == len(keepers) || m.start < keepers[i+1].start) {
				end = m.end
			}
		}
		if end != k.end {
			take(k.end, end)
		}
	}
	at := 0
	for _, s := range list {
		clinical = append(clinical, original[at:s.Offset]...)
		at = s.Offset + len(s.Bytes)
	}
	clinical = append(clinical, original[at:]...)
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return nil, nil, err
	}
	spans, err = mode.Marshal(list)
	return clinical, spans, err
}

func naiveKept(name string) bool {
	for _, choice := range strings.Fields("DateTime Period Timing Instant") {
		if name == "effective"+choice {
			return true
		}
	}
	for _, choice := range strings.Fields("Quantity CodeableConcept String Boolean Integer Range Ratio SampledData Time DateTime Period") {
		if name == "value"+choice {
			return true
		}
	}
	return slices.Contains(strings.Fields("resourceType status category code dataAbsentReason interpretation bodySite method referenceRange component"), name)
}

func naiveValue(original []byte, m naiveMember) []byte {
	pair := original[m.start:m.end]
	d := json.NewDecoder(bytes.NewReader(pair))
	if _, err := d.Token(); err != nil {
		return nil
	}
	rest := bytes.TrimLeft(pair[d.InputOffset():], " \t\r\n")
	return rest[1:] // behind the colon
}

// naiveMembers returns the top-level members and refuses repeats and depth.
func naiveMembers(original []byte) ([]naiveMember, error) {
	d := json.NewDecoder(bytes.NewReader(original))
	d.UseNumber()
	open, err := d.Token()
	if err != nil || open != json.Delim('{') {
		return nil, errNaive
	}
	var members []naiveMember
	seen := map[string]bool{}
	for d.More() {
		before := int(d.InputOffset())
		start := before + bytes.IndexByte(original[before:], '"')
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name := token.(string)
		if seen[name] {
			return nil, errNaive
		}
		seen[name] = true
		marked, err := naiveWalk(d, 1)
		if err != nil {
			return nil, err
		}
		members = append(members, naiveMember{name: name, start: start, end: int(d.InputOffset()), marked: marked})
	}
	return members, nil
}

// naiveWalk reads one value and says whether a marker is a member name within it.
func naiveWalk(d *json.Decoder, depth int) (marked bool, err error) {
	token, err := d.Token()
	if err != nil {
		return false, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return false, nil
	}
	if depth == maxDepth {
		return false, errNaive
	}
	seen := map[string]bool{}
	for d.More() {
		if delim == '{' {
			name, err := d.Token()
			if err != nil {
				return false, err
			}
			if seen[name.(string)] {
				return false, errNaive
			}
			seen[name.(string)] = true
			marked = marked || slices.Contains([]string{"extension", "modifierExtension", "reference", "identifier"}, name.(string))
		}
		inner, err := naiveWalk(d, depth+1)
		if err != nil {
			return false, err
		}
		marked = marked || inner
	}
	_, err = d.Token()
	if errors.Is(err, io.EOF) {
		return false, errNaive
	}
	return marked, err
}
