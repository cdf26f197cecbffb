package api

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// TestPageTokensBelongToTheirQuery: a token of another query, of a changed one,
// or with a byte too many or changed is refused; the limit alone may change.
func TestPageTokensBelongToTheirQuery(t *testing.T) {
	ask := func() *indeliblev1.ReadRequest {
		return &indeliblev1.ReadRequest{Handle: make([]byte, 16), Parts: []indeliblev1.Class{1}, Purpose: 1, Limit: 2}
	}
	of := func(jurisdiction string, r *indeliblev1.ReadRequest) pages {
		p, err := pagesOf(jurisdiction, r)
		must(t, err)
		return p
	}
	ours := of(home, ask())
	token := ours.at(7)
	if place, err := ours.number(token); err != nil || place != 7 {
		t.Fatalf("its own token: %d, %v", place, err)
	}
	if place, err := ours.number(nil); err != nil || place != 0 || ours.at(0) != nil {
		t.Fatalf("no token: %d, %v", place, err)
	}
	same := ask()
	same.Limit, same.PageToken = 50, token
	if place, err := of(home, same).number(token); err != nil || place != 7 {
		t.Fatalf("with another limit: %d, %v", place, err)
	}
	others := map[string]pages{"another jurisdiction": of(second, ask())}
	for name, change := range map[string]func(*indeliblev1.ReadRequest){
		"another handle":  func(r *indeliblev1.ReadRequest) { r.Handle[0] = 1 },
		"other parts":     func(r *indeliblev1.ReadRequest) { r.Parts = append(r.Parts, 2) },
		"another purpose": func(r *indeliblev1.ReadRequest) { r.Purpose = 2 },
		"named records":   func(r *indeliblev1.ReadRequest) { r.StatementIds = [][]byte{make([]byte, 32)} },
	} {
		r := ask()
		change(r)
		others[name] = of(home, r)
	}
	list, err := pagesOf("", &indeliblev1.ListEntriesRequest{Of: &indeliblev1.ListEntriesRequest_Handle{Handle: make([]byte, 16)}})
	must(t, err)
	others["another RPC"] = list
	for name, other := range others {
		if _, err := other.number(token); !refusedWith(err, wire.CodePageToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range token[:17] {
		changed := bytes.Clone(token)
		changed[i] ^= 1
		if _, err := ours.number(changed); !refusedWith(err, wire.CodePageToken) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for _, wrong := range [][]byte{token[:24], append(bytes.Clone(token), 0), token[:1], {0}} {
		if _, err := ours.number(wrong); !refusedWith(err, wire.CodePageToken) {
			t.Errorf("%x: %v", wrong, err)
		}
	}
}

func refusedWith(err error, code entry.Code) bool { return errors.Is(err, &entry.Refusal{Code: code}) }

// number is the place of a token, as a number.
func (p pages) number(token []byte) (uint64, error) {
	place, err := p.place(token, 8)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(place), nil
}

// FuzzPageToken: whatever is taken for a token is exactly one we could have made.
func FuzzPageToken(f *testing.F) {
	p, err := pagesOf("", &indeliblev1.ListDevicesRequest{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.at(1))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, token []byte) {
		place, err := p.number(token)
		if err != nil {
			return
		}
		if len(token) > 0 && !bytes.Equal(token, append(p.token(), token[17:]...)) || place > 0 && !bytes.Equal(p.at(place), token) {
			t.Fatalf("%x is taken as %d", token, place)
		}
	})
}

// TestPageTokensOfAnotherQueryAreRefused asks every RPC that has pages.
func TestPageTokensOfAnotherQueryAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	one, two := s.patient(home), s.patient(home)
	for _, d := range []*device{one, two} {
		statement, in := d.reading()
		s.accepted(s.append(home, in)[0], statement)
	}
	auditor, ctx := s.people["auditor"].calls(""), t.Context()
	entries := func(d *device, token []byte) ([]byte, error) {
		out, err := auditor.ledger.ListEntries(ctx, connect.NewRequest(&indeliblev1.ListEntriesRequest{
			Of: &indeliblev1.ListEntriesRequest_Handle{Handle: d.handle[:]}, Limit: 1, PageToken: token}))
		return nextOf(out, err, (*indeliblev1.ListEntriesResponse).GetNextPageToken)
	}
	listed := func(_ *device, token []byte) ([]byte, error) {
		out, err := auditor.devices.ListDevices(ctx, connect.NewRequest(&indeliblev1.ListDevicesRequest{Limit: 1, PageToken: token}))
		return nextOf(out, err, (*indeliblev1.ListDevicesResponse).GetNextPageToken)
	}
	found := func(d *device, token []byte) ([]byte, error) {
		_, err := auditor.devices.GetDevice(ctx, connect.NewRequest(&indeliblev1.GetDeviceRequest{AuthorId: d.id[:], PageToken: token}))
		return nil, err
	}
	read := func(d *device, token []byte) ([]byte, error) {
		_, err := s.read("clinician", &indeliblev1.ReadRequest{Handle: d.handle[:], Limit: 1, PageToken: token})
		return nil, err
	}
	for name, ask := range map[string]func(*device, []byte) ([]byte, error){"entries": entries, "list": listed, "device": found, "read": read} {
		token, err := ask(one, nil)
		must(t, err)
		if token != nil {
			_, err = ask(one, token)
			must(t, err)
		}
		foreign := map[string]func() ([]byte, error){
			"entries": func() ([]byte, error) { return listed(one, nil) },
			"list":    func() ([]byte, error) { return entries(one, nil) },
			"device":  func() ([]byte, error) { return entries(one, nil) },
			"read":    func() ([]byte, error) { return entries(one, nil) },
		}[name]
		other, err := foreign()
		must(t, err)
		size := s.log.Size()
		if _, err := ask(two, other); refusalIn(err).GetCode() != string(wire.CodePageToken) {
			t.Errorf("%s with the token of another query: %v", name, err)
		}
		if s.log.Size() != size {
			t.Errorf("%s with the token of another query wrote an entry", name)
		}
	}
}

func nextOf[T any](out *connect.Response[T], err error, next func(*T) []byte) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return next(out.Msg), nil
}

// TestNamedRecordsGoOnByTheirPlaces: where an answer has no room for all of the
// records that were named, the rest comes with its token and not again.
func TestNamedRecordsGoOnByTheirPlaces(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	request := &indeliblev1.ReadRequest{Handle: d.handle[:]}
	const count = 5
	for range count {
		statement, in := d.reading()
		s.accepted(s.append(home, in)[0], statement)
		id := statement.ID()
		request.StatementIds = append(request.StatementIds, id[:])
	}
	request.Parts = []indeliblev1.Class{1, 2}
	request.Purpose = indeliblev1.Purpose_PURPOSE_TREAT
	p, err := pagesOf(home, request)
	must(t, err)
	request.PageToken = p.at(3)
	page, err := s.people["clinician"].calls(home).records.Read(context.WithoutCancel(t.Context()), connect.NewRequest(request))
	must(t, err)
	got := page.Msg.GetRecords()
	if len(got) != 2 || !bytes.Equal(got[0].GetStatementId(), request.GetStatementIds()[3]) || len(page.Msg.GetNextPageToken()) > 0 {
		t.Fatalf("%d records, the first %x", len(got), got[0].GetStatementId())
	}
}

// TestADenialIsRecordedWhateverTheToken: a page token is no way to probe
// without an entry.
func TestADenialIsRecordedWhateverTheToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home, "mrn|1")
	ask := &indeliblev1.ReadRequest{Handle: d.handle[:], PageToken: []byte{1}}
	_, err := s.read("officer", ask)
	if refusalIn(err).GetCode() != string(wire.CodeAccessDenied) {
		t.Fatalf("an officer: %v", err)
	}
	s.evidence(s.deniedAccess(err), entry.OutcomeDeny)
	if _, err := s.read("clinician", ask); refusalIn(err).GetCode() != string(wire.CodePageToken) {
		t.Fatalf("a clinician: %v", err)
	}
}
