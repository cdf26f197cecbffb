package api

import (
	"context"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/ledger/entry"
)

// TestEntriesAndDevices: what auditors and registrars are told, by pages.
func TestEntriesAndDevices(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	s.patient(second)
	auditor := s.people["auditor"].calls("")
	d.reading() // never sent: a gap
	statement, in := d.reading()
	s.accepted(s.append(home, in)[0], statement)

	var seen []uint64
	request := &indeliblev1.ListEntriesRequest{Of: &indeliblev1.ListEntriesRequest_Handle{Handle: d.handle[:]}, Limit: 2}
	for {
		out, err := auditor.ledger.ListEntries(t.Context(), connect.NewRequest(request))
		must(t, err)
		for _, e := range out.Msg.GetEntries() {
			seen = append(seen, e.GetIndex())
		}
		if request.PageToken = out.Msg.GetNextPageToken(); len(request.PageToken) == 0 {
			break
		}
	}
	if len(seen) != 4 { // handle, author, binding, reading
		t.Fatalf("entries %v", seen)
	}
	id := statement.ID()
	leaf, err := auditor.ledger.GetEntry(t.Context(), connect.NewRequest(&indeliblev1.GetEntryRequest{
		Entry: &indeliblev1.GetEntryRequest_StatementId{StatementId: id[:]},
	}))
	must(t, err)
	if _, raw, err := entry.ParseLeaf(leaf.Msg.GetEntry().GetLeaf()); err != nil || string(raw) != string(statement.Bytes()) {
		t.Fatalf("another leaf: %v", err)
	}
	out, err := s.people["registrar"].calls("").devices.ListDevices(t.Context(), connect.NewRequest(&indeliblev1.ListDevicesRequest{Limit: 1}))
	must(t, err)
	next, err := s.people["registrar"].calls("").devices.ListDevices(t.Context(), connect.NewRequest(&indeliblev1.ListDevicesRequest{PageToken: out.Msg.GetNextPageToken()}))
	must(t, err)
	listed := append(out.Msg.GetDevices(), next.Msg.GetDevices()...)
	if len(listed) != 2 || len(next.Msg.GetNextPageToken()) > 0 {
		t.Fatalf("devices %v", listed)
	}
	for _, device := range listed {
		if string(device.GetAuthorId()) == string(d.id[:]) && (len(device.GetGaps()) != 1 || !device.GetGaps()[0].GetMissing()) {
			t.Fatalf("gaps %v", device.GetGaps())
		}
	}
	_, err = s.people["registrar"].calls("").devices.GetDevice(t.Context(), connect.NewRequest(&indeliblev1.GetDeviceRequest{AuthorId: s.people["auditor"].id[:]}))
	if refusalIn(err).GetCode() != string(wire.CodeEntryNotFound) {
		t.Fatalf("an auditor as a device: %v", err)
	}
}

// TestGapsGoOn: an answer that could not list every gap says where to go on.
func TestGapsGoOn(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	var batch []*indeliblev1.Submission
	for range maxGaps + 2 {
		d.reading() // never sent
		_, in := d.reading()
		batch = append(batch, in)
	}
	for _, o := range s.append(home, batch...) {
		if o.GetRefusal() != nil {
			t.Fatalf("refused: %v", o.GetRefusal())
		}
	}
	device, ask := d.calls("").devices, &indeliblev1.GetDeviceRequest{AuthorId: d.id[:]}
	first, err := device.GetDevice(t.Context(), connect.NewRequest(ask))
	must(t, err)
	page := first.Msg.GetDevice()
	if len(page.GetGaps()) != maxGaps || len(page.GetNextPageToken()) == 0 {
		t.Fatalf("%d gaps, truncated %v", len(page.GetGaps()), len(page.GetNextPageToken()) > 0)
	}
	ask.PageToken = page.GetNextPageToken()
	rest, err := device.GetDevice(t.Context(), connect.NewRequest(ask))
	must(t, err)
	if page := rest.Msg.GetDevice(); len(page.GetGaps()) != 2 || len(page.GetNextPageToken()) > 0 {
		t.Fatalf("then %d gaps, truncated %v", len(page.GetGaps()), len(page.GetNextPageToken()) > 0)
	}
}

// TestSearchesForGapsAreFew: a device that has sent much and asks for itself
// again and again takes the time of its own calls, not that of the node.
func TestSearchesForGapsAreFew(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	for range gapSearches {
		s.server.searches <- struct{}{}
	}
	device := d.calls("").devices
	ask := &indeliblev1.GetDeviceRequest{AuthorId: d.id[:]}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := device.GetDevice(ctx, connect.NewRequest(ask)); connect.CodeOf(err) != connect.CodeDeadlineExceeded {
		t.Fatalf("one search more: %v", err)
	}
	<-s.server.searches
	_, err := device.GetDevice(t.Context(), connect.NewRequest(ask))
	must(t, err)
	<-s.server.searches
	other := s.patient(home)
	_, err = device.GetDevice(t.Context(), connect.NewRequest(&indeliblev1.GetDeviceRequest{AuthorId: other.id[:]}))
	if refusalIn(err).GetCode() != string(wire.CodeCallerForbidden) {
		t.Fatalf("a device asks for another: %v", err)
	}
}

// TestUnbindingEndsADevice: after its binding closed, nothing new of it is
// accepted.
func TestUnbindingEndsADevice(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	d := s.patient(home)
	to := nowMillis() - 30_000
	unbind := s.people["registrar"].sign(entry.Draft{Kind: entry.KindBinding, Jurisdiction: home, Body: &entry.BindingChange{
		Action: entry.ActionClose, Binding: d.binding, To: &to,
	}})
	s.appendOpen(s.people["registrar"], unbind)
	_, in := d.reading()
	if got := s.append(home, in)[0].GetRefusal().GetCode(); got != string(entry.CodeBindingClosed) {
		t.Fatalf("after the end of the binding: %s", got)
	}
}

// TestStatus: an operator sees the groups and the newest checkpoint.
func TestStatus(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	out, err := s.people["operator"].calls("").cluster.Status(t.Context(), connect.NewRequest(&indeliblev1.StatusRequest{}))
	must(t, err)
	m := out.Msg
	if m.GetNode() != nodeName || !m.GetReady() || len(m.GetGroups()) != 3 || m.GetSize() != s.log.Size() || m.GetPublished().GetSize() == 0 {
		t.Fatalf("status %v", m)
	}
	response, body := get(t, s.people["operator"].http, s.url, "/metrics")
	if response.StatusCode != http.StatusOK || len(body) == 0 {
		t.Fatalf("metrics: %s", response.Status)
	}
	for _, who := range []string{"clinician", "service"} {
		if response, _ := get(t, s.people[who].http, s.url, "/metrics"); response.StatusCode != http.StatusForbidden {
			t.Errorf("metrics as %s: %s", who, response.Status)
		}
	}
}
