package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

const canary = "Canary7Tweety"

// canaryAgent names itself by the canary on every request.
type canaryAgent struct{ next http.RoundTripper }

func (a canaryAgent) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", canary)
	return a.next.RoundTrip(r)
}

// TestNothingOfAPersonIsSaidAloud plants a canary in readings, identities,
// identifiers, certificate names and user agents, sends good and bad requests,
// and looks for it in answers, errors, log lines, metrics and leaves.
func TestNothingOfAPersonIsSaidAloud(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	clinician := s.newLocal(canary)
	s.appendOpen(s.people["registrar"], s.people["registrar"].sign(entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
		Action: entry.AuthorEnrol, Key: clinician.spki, Role: entry.RoleClinician, Jurisdictions: []string{home},
	}}))
	for _, p := range s.people {
		p.http.Transport = canaryAgent{p.http.Transport}
	}
	d := s.patient(home, "name|"+canary)
	statement, in := d.reading(fhirParts(`"subject":{"display":"` + canary + `"}`)...)
	s.accepted(s.append(home, in)[0], statement)

	said := s.provoke(d, clinician)
	metrics, err := s.server.edge.Metrics().Gather()
	must(t, err)
	for _, family := range metrics {
		said = append(said, family.String())
	}
	for index := range s.log.Size() {
		leaf, err := s.log.Leaf(index)
		must(t, err)
		said = append(said, string(leaf))
	}
	said = append(said, s.logs.String())
	for _, text := range said {
		if strings.Contains(strings.ToLower(text), strings.ToLower(canary)) {
			t.Errorf("said: %.400s", text)
		}
	}
	if strings.Contains(s.logs.String(), "127.0.0.1") {
		t.Error("the address of a client is in the log")
	}
	page, err := s.read(canary, &indeliblev1.ReadRequest{Handle: d.handle[:]})
	must(t, err)
	if !strings.Contains(string(page.GetRecords()[0].GetOpenings()[1].GetOpening()), canary) {
		t.Fatal("the canary was not even in the record: the test is blind")
	}
}

// provoke makes the node refuse requests full of canaries and returns what it
// said to each.
func (s *site) provoke(d *device, clinician *person) []string {
	t := s.t
	var said []string
	note := func(err error) {
		t.Helper()
		if err == nil {
			t.Fatal("not refused")
		}
		said = append(said, err.Error())
		if r := refusalIn(err); r != nil {
			said = append(said, r.String())
		}
	}
	ctx := context.Background()
	calls := s.people["registrar"].calls(home)
	_, err := calls.subjects.Register(ctx, connect.NewRequest(&indeliblev1.RegisterRequest{
		RequestId: make([]byte, 16), Class: 1, Identifiers: []string{"name|" + canary},
	}))
	note(err)
	_, err = calls.subjects.Register(ctx, connect.NewRequest(&indeliblev1.RegisterRequest{
		RequestId: []byte(canary), Class: 1, Identifiers: []string{canary, canary},
	}))
	note(err)
	_, err = calls.subjects.Find(ctx, connect.NewRequest(&indeliblev1.FindRequest{Identifier: strings.Repeat(canary, 100), Purpose: 1}))
	note(err)
	_, err = calls.subjects.Find(ctx, connect.NewRequest(&indeliblev1.FindRequest{Identifier: canary, Purpose: indeliblev1.Purpose_PURPOSE_TREAT}))
	note(err)
	for contentType, body := range map[string]string{
		"application/json": `{"` + canary + `":"` + canary + `"}`, "application/proto": canary, "application/grpc": canary,
		"text/" + canary: canary,
	} {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/indelible.v1.SubjectsService/Find", strings.NewReader(body))
		must(t, err)
		request.Header.Set("Content-Type", contentType)
		request.Header.Set(wire.JurisdictionHeader, canary)
		response, err := clinician.http.Do(request)
		must(t, err)
		must(t, response.Body.Close())
		if jurisdiction := post(t, clinician.http, s.url+"/indelible.v1.SubjectsService/Find", "application/json",
			strings.NewReader(body), wire.JurisdictionHeader, home); contentType == "application/json" {
			said = append(said, jurisdiction.Message)
		}
	}
	_, in := d.reading(part{entry.ClassClinical, "text/plain", []byte(canary)})
	in.Openings[0].Opening = []byte(canary)
	in.Statement = append(in.Statement, canary...)
	said = append(said, s.append(home, in, &indeliblev1.Submission{Statement: []byte(canary)})[0].String())
	return said
}
