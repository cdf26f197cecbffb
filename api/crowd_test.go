package api

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// TestCrowdedMessagesAreRefusedBeforeTheyAreMade: two bytes on the wire become
// a hundred in memory, and rules like "no element twice" take their time.
func TestCrowdedMessagesAreRefusedBeforeTheyAreMade(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	many := func(element string) []byte { return bytes.Repeat([]byte(element), maxFields+1) }
	packed := append([]byte{0x1a, 0x81, 0x80, 0x02}, bytes.Repeat([]byte{1}, maxFields+1)...) // ReadRequest.parts
	inner := bytes.Repeat([]byte{0x12, 0}, maxFields)                                         // Submission.openings
	nested := append([]byte{0x0a, 0x80, 0x80, 0x04}, inner...)
	for _, c := range []struct {
		name, who, path, contentType string
		body                         []byte
	}{
		{"elements", "service", "LedgerService/Append", "application/proto", many("\x0a\x00")},
		{"nested elements", "service", "LedgerService/Append", "application/proto", nested},
		{"packed elements", "clinician", "RecordsService/Read", "application/proto", packed},
		{"elements that must differ", "clinician", "RecordsService/Read", "application/proto", many("\x12\x00")},
		{"one field again and again", "service", "LedgerService/Append", "application/proto", many("\x10\x01")},
		{"JSON", "service", "LedgerService/Append", "application/json", []byte(`{"submissions":[` + strings.Repeat("{},", maxTokens) + `{}]}`)},
	} {
		got := post(t, s.people[c.who].http, s.url+"/indelible.v1."+c.path, c.contentType, bytes.NewReader(c.body), wire.JurisdictionHeader, home)
		if got.refusal != wire.CodeRequestTooLarge {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestTheLargestValidRequestIsNotCrowded in either form.
func TestTheLargestValidRequestIsNotCrowded(t *testing.T) {
	t.Parallel()
	one := &indeliblev1.Submission{Statement: []byte{1}}
	for class := range 4 {
		one.Openings = append(one.Openings, &indeliblev1.Opening{Class: indeliblev1.Class(class + 1), Opening: []byte{1}})
	}
	in := &indeliblev1.AppendRequest{Wait: indeliblev1.Wait_WAIT_COMMITTED}
	for range 1024 {
		in.Submissions = append(in.Submissions, one)
	}
	for _, codec := range []interface {
		Marshal(any) ([]byte, error)
		Unmarshal([]byte, any) error
	}{binaryCodec{}, jsonCodec{"json"}} {
		body, err := codec.Marshal(in)
		must(t, err)
		out := &indeliblev1.AppendRequest{}
		must(t, codec.Unmarshal(body, out))
		if err := inspect(out); err != nil || !proto.Equal(in, out) {
			t.Fatalf("%T: %v", codec, err)
		}
	}
	if row, ok := wire.Meaning(wire.CodeRequestTooLarge); !ok || row.Connect == 0 || wire.Refuse(wire.CodeRequestTooLarge).Code == entry.CodeTooLarge {
		t.Fatal("the code of the call is that of a statement")
	}
}
