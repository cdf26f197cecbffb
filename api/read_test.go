package api

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"indelible/api/edge"
	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/gen/indelible/v1/indeliblev1connect"
	"indelible/api/wire"
	"indelible/ledger/entry"
	"indelible/ledger/vault"
)

var bothParts = []indeliblev1.Class{indeliblev1.Class_CLASS_CLINICAL, indeliblev1.Class_CLASS_IDENTITY}

func (s *site) read(who string, in *indeliblev1.ReadRequest) (*indeliblev1.ReadResponse, error) {
	s.t.Helper()
	if in.Purpose == 0 {
		in.Purpose = indeliblev1.Purpose_PURPOSE_TREAT
	}
	if len(in.Parts) == 0 {
		in.Parts = bothParts
	}
	out, err := s.people[who].calls(home).records.Read(s.t.Context(), connect.NewRequest(in))
	if err != nil {
		return nil, err
	}
	return out.Msg, nil
}

// deniedAccess takes the recorded access out of a refusal.
func (s *site) deniedAccess(err error) *indeliblev1.Evidence {
	s.t.Helper()
	var c *connect.Error
	if errors.As(err, &c) {
		for _, d := range c.Details() {
			value, err := d.Value()
			must(s.t, err)
			if denied, ok := value.(*indeliblev1.AccessDenied); ok {
				return denied.GetAccess()
			}
		}
	}
	s.t.Fatalf("no access entry beside %v", err)
	return nil
}

// TestReadComesWithItsAccessEntry: what was sealed comes back byte for byte, by
// pages, each with the entry that made it possible; the first use of a staff
// handle registers it.
func TestReadComesWithItsAccessEntry(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	var statements []*entry.Statement
	var in []*indeliblev1.Submission
	for range 5 {
		statement, submission := d.reading()
		statements, in = append(statements, statement), append(in, submission)
	}
	for i, o := range s.append(home, in...) {
		s.accepted(o, statements[i])
	}
	var got []*indeliblev1.Record
	request := &indeliblev1.ReadRequest{Handle: d.handle[:], Limit: 2}
	for pages := 1; ; pages++ {
		page, err := s.read("clinician", request)
		must(t, err)
		access := s.evidence(page.GetAccess(), entry.OutcomePermit)
		if access.Action != entry.AccessRead || access.Purpose != entry.PurposeTREAT {
			t.Fatalf("the entry says %+v", access)
		}
		got = append(got, page.GetRecords()...)
		if request.PageToken = page.GetNextPageToken(); len(request.PageToken) == 0 {
			if pages != 3 {
				t.Fatalf("%d pages", pages)
			}
			break
		}
	}
	if len(got) != len(statements) {
		t.Fatalf("read %d of %d records", len(got), len(statements))
	}
	for i, r := range got {
		s.proves(r.GetReceipt(), statements[i], r.GetIndex())
		if !bytes.Equal(r.GetStatement(), statements[i].Bytes()) {
			t.Fatal("another statement")
		}
		for j, o := range r.GetOpenings() {
			if !bytes.Equal(o.GetOpening(), in[i].GetOpenings()[j].GetOpening()) {
				t.Fatal("another opening than was handed in")
			}
		}
	}
	one, err := s.read("clinician", &indeliblev1.ReadRequest{Handle: d.handle[:], StatementIds: [][]byte{got[3].GetStatementId()}, Parts: bothParts[:1]})
	must(t, err)
	if len(one.GetRecords()) != 1 || len(one.GetRecords()[0].GetOpenings()) != 1 || one.GetRecords()[0].GetOpenings()[0].GetClass() != bothParts[0] {
		t.Fatalf("asked for one part of one record, got %v", one)
	}
}

// TestDeniedReadsAreRecorded: whoever is turned away, and why, is in the log.
func TestDeniedReadsAreRecorded(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d, other, far := s.patient(home), s.patient(home), s.patient(second)
	s.appendOpen(s.people["registrar"], s.people["registrar"].sign(entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
		Action: entry.AuthorEnrol, Key: s.newLocal("abroad").spki, Role: entry.RoleClinician, Jurisdictions: []string{second},
	}}))
	statement, in := other.reading()
	s.accepted(s.append(home, in)[0], statement)
	id := statement.ID()
	_, err := s.read("clinician", &indeliblev1.ReadRequest{Handle: d.handle[:]}) // registers the clinician's own handle
	must(t, err)
	staff, err := s.vaults[home].StaffHandle(t.Context(), s.people["clinician"].id)
	must(t, err)
	cases := []struct {
		name, who string
		request   *indeliblev1.ReadRequest
		code      entry.Code
		outcome   entry.Outcome
		text      string
	}{
		{"role", "auditor", &indeliblev1.ReadRequest{Handle: d.handle[:]}, wire.CodeAccessDenied, entry.OutcomeDeny, "recorded in the log"},
		{"role, PHI of nobody", "operator", &indeliblev1.ReadRequest{Handle: make([]byte, 16)}, wire.CodeAccessDenied, entry.OutcomeDeny, "recorded in the log"},
		{"jurisdiction of the caller", "abroad", &indeliblev1.ReadRequest{Handle: d.handle[:]}, wire.CodeAccessDenied, entry.OutcomeDeny, "recorded in the log"},
		{"purpose", "clinician", &indeliblev1.ReadRequest{Handle: d.handle[:], Purpose: indeliblev1.Purpose_PURPOSE_HRESCH}, wire.CodeAccessDenied, entry.OutcomeDeny, "recorded in the log"},
		{"unknown subject", "clinician", &indeliblev1.ReadRequest{Handle: make([]byte, 16)}, entry.CodeUnknownSubject, entry.OutcomeFail, "in this jurisdiction"},
		{"subject of another jurisdiction", "clinician", &indeliblev1.ReadRequest{Handle: far.handle[:]}, entry.CodeUnknownSubject, entry.OutcomeFail, "in this jurisdiction"},
		{"one of the staff", "clinician", &indeliblev1.ReadRequest{Handle: staff[:]}, entry.CodeUnknownSubject, entry.OutcomeFail, "in this jurisdiction"},
		{"record of another subject", "clinician", &indeliblev1.ReadRequest{Handle: d.handle[:], StatementIds: [][]byte{id[:]}}, entry.CodeUnknownRecord, entry.OutcomeFail, "of the request"},
		{"unknown record", "clinician", &indeliblev1.ReadRequest{Handle: d.handle[:], StatementIds: [][]byte{make([]byte, 32)}}, entry.CodeUnknownRecord, entry.OutcomeFail, "of the request"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := s.read(c.who, c.request)
			if refusalIn(err).GetCode() != string(c.code) {
				t.Fatalf("got %v, %v, expected %s", out, err, c.code)
			}
			s.evidence(s.deniedAccess(err), c.outcome)
			if !strings.Contains(err.Error(), c.text) { // the edge's text, not the vault's, which refuses the same
				t.Fatalf("not refused by the edge: %v", err)
			}
		})
	}
}

// TestFind: lookups are recorded too, what is not found is an answer, and the
// identifier is nowhere in the entry.
func TestFind(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home, "mrn|4711", "name|Canary")
	find := func(who, identifier string, purpose indeliblev1.Purpose) (*indeliblev1.FindResponse, error) {
		out, err := s.people[who].calls(home).subjects.Find(t.Context(), connect.NewRequest(&indeliblev1.FindRequest{Identifier: identifier, Purpose: purpose}))
		if err != nil {
			return nil, err
		}
		return out.Msg, nil
	}
	for _, identifier := range []string{"mrn|4711", "name|Canary"} {
		out, err := find("clinician", identifier, indeliblev1.Purpose_PURPOSE_TREAT)
		must(t, err)
		if !bytes.Equal(out.GetHandle(), d.handle[:]) {
			t.Fatalf("%s found %x", identifier, out.GetHandle())
		}
		if access := s.evidence(out.GetAccess(), entry.OutcomePermit); access.Action != entry.AccessLookup {
			t.Fatalf("the entry says %+v", access)
		}
	}
	out, err := find("officer", "mrn|4712", indeliblev1.Purpose_PURPOSE_HLEGAL)
	must(t, err)
	if len(out.GetHandle()) != 0 {
		t.Fatalf("found %x", out.GetHandle())
	}
	s.evidence(out.GetAccess(), entry.OutcomePermit)
	_, err = find("auditor", "mrn|4711", indeliblev1.Purpose_PURPOSE_TREAT)
	if refusalIn(err).GetCode() != string(wire.CodeAccessDenied) {
		t.Fatalf("an auditor's lookup: %v", err)
	}
	s.evidence(s.deniedAccess(err), entry.OutcomeDeny)
}

// TestAPageEndsWhereTheScanDoes: entries that are no records fill a page with
// nothing, which is not the end of the subject's records.
func TestAPageEndsWhereTheScanDoes(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	for range 5 {
		statement, in := d.reading()
		s.accepted(s.append(home, in)[0], statement)
	}
	for scan := 1; scan <= 12; scan++ {
		var found, from uint64
		for pages := 0; ; pages++ {
			p := &page{subject: &d.handle}
			must(t, s.server.walk(p, from, scan, 2, []entry.Class{entry.ClassClinical}))
			found += uint64(len(p.entries))
			if from = p.next; from == 0 {
				break
			}
			if pages > 20 {
				t.Fatalf("%d entries at a time: no end", scan)
			}
		}
		if found != 5 {
			t.Errorf("%d entries at a time: %d of 5 records", scan, found)
		}
	}
}

// TestWhoAsksIsCutToSize: what a client calls itself is evidence, of any length
// and any bytes, and must not keep the access entry from being written.
func TestWhoAsksIsCutToSize(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	agent := strings.Repeat("\u20ac", 512) + "\xff"
	size := s.log.Size()
	got := post(t, s.people["clinician"].http, s.url+"/indelible.v1.SubjectsService/Find", "application/json",
		strings.NewReader(`{"identifier":"mrn|1","purpose":"PURPOSE_TREAT"}`), wire.JurisdictionHeader, home, "User-Agent", agent)
	if got.Code != "" || s.log.Size() == size {
		t.Fatalf("got %+v, the log grew from %d to %d", got, size, s.log.Size())
	}
}

// TestATakenIdentifierIsALookup: registering a person who is there says that
// the person is there, and that must be as visible as a lookup.
func TestATakenIdentifierIsALookup(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	s.patient(home, "mrn|4711")
	register := func() error {
		_, err := s.people["registrar"].calls(home).subjects.Register(t.Context(), connect.NewRequest(&indeliblev1.RegisterRequest{
			RequestId: make([]byte, 16), Class: indeliblev1.HandleClass_HANDLE_CLASS_SUBJECT, Identifiers: []string{"mrn|4712", "mrn|4711"},
		}))
		return err
	}
	for range 2 {
		err := register()
		if refusalIn(err).GetCode() != string(entry.CodeAlreadyRegistered) {
			t.Fatalf("registered twice: %v", err)
		}
		if access := s.evidence(s.deniedAccess(err), entry.OutcomeFail); access.Action != entry.AccessLookup {
			t.Fatalf("the entry says %+v", access)
		}
	}
}

// TestAnAccessEntryReleasesOnce: the evidence of one read opens nothing a
// second time, nor for another caller, field, subject or RPC.
func TestAnAccessEntryReleasesOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d, other := s.patient(home), s.patient(home)
	statement, in := d.reading()
	s.accepted(s.append(home, in)[0], statement)
	clinician, _, err := s.log.Author(s.people["clinician"].id)
	must(t, err)
	v := s.vaults[home]
	good := vault.Request{
		RPC: indeliblev1connect.RecordsServiceReadProcedure, Statements: []entry.StatementID{statement.ID()},
		Fields: []string{"clinical"}, Caller: clinician.ID, Handle: d.handle,
	}
	grant := func() vault.Grant {
		ctx := edge.WithCaller(t.Context(), &edge.Caller{Author: clinician, Jurisdiction: home})
		r, err := s.server.record(ctx, v, access{
			rpc: good.RPC, action: entry.AccessRead, outcome: entry.OutcomePermit, purpose: entry.PurposeTREAT,
			subject: &good.Handle, ids: good.Statements, fields: good.Fields,
		})
		must(t, err)
		return r.grant()
	}
	for name, change := range map[string]func(*vault.Request){
		"RPC":     func(r *vault.Request) { r.RPC = "/other" },
		"record":  func(r *vault.Request) { r.Statements = nil },
		"field":   func(r *vault.Request) { r.Fields = []string{"identity"} },
		"caller":  func(r *vault.Request) { r.Caller = s.people["auditor"].id },
		"subject": func(r *vault.Request) { r.Handle = other.handle },
	} {
		bad := good
		change(&bad)
		if out, err := v.Release(t.Context(), grant(), bad); err == nil {
			t.Errorf("released %v for another %s", out, name)
		}
	}
	g := grant()
	if _, err := v.Release(t.Context(), g, good); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Release(t.Context(), g, good); !errors.Is(err, &entry.Refusal{Code: entry.CodeGrantUsed}) {
		t.Fatalf("a second time: %v", err)
	}
}

// TestAnUnknownOutcomeReleasesNothing: a call that ends while its access entry
// is on the way gets nothing.
func TestAnUnknownOutcomeReleasesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	clinician, _, err := s.log.Author(s.people["clinician"].id)
	must(t, err)
	ctx, cancel := context.WithCancel(edge.WithCaller(t.Context(), &edge.Caller{Author: clinician, Jurisdiction: home}))
	cancel()
	out, err := handlers{s.server}.Read(ctx, connect.NewRequest(&indeliblev1.ReadRequest{
		Handle: d.handle[:], Parts: bothParts, Purpose: indeliblev1.Purpose_PURPOSE_TREAT,
	}))
	if err == nil {
		t.Fatalf("released %v", out)
	}
}
