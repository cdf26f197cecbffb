package api

import (
	"bytes"
	"strings"
	"testing"

	"indelible/api/wire"
)

// TestCrowdedMessagesAreRefusedBeforeTheyAreMade: two bytes on the wire become
// a hundred in memory, and rules like "no element twice" take their time.
func TestCrowdedMessagesAreRefusedBeforeTheyAreMade(t *testing.T) {
	t.Parallel()
	const maxFields, maxTokens = 1 << 15, 1 << 17
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
