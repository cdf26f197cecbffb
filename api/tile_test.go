package api

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"

	indeliblev1 "indelible/api/gen/indelible/v1"
	"indelible/api/wire"
	"indelible/proof"
)

// get fetches a path as it is spelled.
func get(t *testing.T, client *http.Client, url, path string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	request.URL.Opaque = strings.TrimPrefix(url, "https:") + path
	response, err := client.Do(request)
	must(t, err)
	defer func() { must(t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return response, body
}

// TestStaticPaths: checkpoint and hash tiles for whoever may connect, entries
// for auditors, one spelling each, nothing beyond what is published.
func TestStaticPaths(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	stranger := s.newPerson("stranger").http
	auditor := s.people["auditor"].http

	response, note := get(t, stranger, s.url, "/checkpoint")
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Fatalf("checkpoint: %s %v", response.Status, response.Header)
	}
	verified, err := s.policy.VerifyCheckpoint(note)
	must(t, err)
	width := int(verified.Checkpoint.Size)
	tile := proof.Tile{Level: 0, Index: 0, Width: width}
	entries := proof.Tile{Level: proof.EntriesLevel, Index: 0, Width: width}
	response, hashes := get(t, stranger, s.url, "/"+tile.Path())
	if response.StatusCode != http.StatusOK || len(hashes) != width*proof.HashSize || !strings.Contains(response.Header.Get("Cache-Control"), "immutable") {
		t.Fatalf("tile: %s, %d bytes, %v", response.Status, len(hashes), response.Header)
	}
	response, bundle := get(t, auditor, s.url, "/"+entries.Path())
	if response.StatusCode != http.StatusOK {
		t.Fatalf("entries: %s", response.Status)
	}
	leaves, err := proof.ParseBundle(bundle)
	must(t, err)
	for i, leaf := range leaves {
		if hash := proof.LeafHash(leaf); string(hash[:]) != string(hashes[i*proof.HashSize:(i+1)*proof.HashSize]) {
			t.Fatalf("entry %d and its hash differ", i)
		}
	}
	for _, who := range []string{"clinician", "service", "operator", "registrar"} {
		if response, _ := get(t, s.people[who].http, s.url, "/"+entries.Path()); response.StatusCode != http.StatusForbidden {
			t.Errorf("entries as %s: %s", who, response.Status)
		}
	}
	if response, _ := get(t, stranger, s.url, "/"+entries.Path()); response.StatusCode != http.StatusForbidden {
		t.Errorf("entries as a stranger: %s", response.Status)
	}
	beyond := proof.Tile{Level: 0, Index: 0, Width: width + 1}
	for _, path := range []string{
		"/" + beyond.Path(), "/tile/0/001", "/tile/0/0", "/tile/00/000.p/1", "/tile/0/000.p/01", "/tile/0/000.p/0",
		"/tile/0/000.p/256", "/tile/0/x000/000.p/1", "/tile/0/000.p/1/", "/tile//0/000.p/1", "/tile/-1/000.p/1",
		"/tile/0/000.p/%31", "/tile/0/000.p/1?x=1", "/checkpoint?x", "/tile/9/000.p/1", "/tile/entries/0",
	} {
		if response, body := get(t, auditor, s.url, path); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s, %d bytes", path, response.Status, len(body))
		}
	}
}

// TestThePublicHandlerServesHashesAlone: no entries, no RPCs, no metrics.
func TestThePublicHandlerServesHashesAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{})
	for path, want := range map[string]int{
		"/checkpoint": 200, "/tile/0/000.p/1": 200, "/tile/entries/000.p/1": 404, "/metrics": 404,
		"/indelible.v1.LedgerService/GetLog": 404, "/grpc.health.v1.Health/Check": 404,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		must(t, err)
		answer := &recorder{header: http.Header{}, status: 200}
		s.server.public.ServeHTTP(answer, request)
		if answer.status != want {
			t.Errorf("%s: %d, expected %d", path, answer.status, want)
		}
	}
}

// TestGrowthIsProven: any two published sizes have a consistency proof.
func TestGrowthIsProven(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	service := s.people["service"].calls("").ledger
	checkpoint := func() []byte {
		t.Helper()
		out, err := service.GetCheckpoint(t.Context(), connect.NewRequest(&indeliblev1.GetCheckpointRequest{}))
		must(t, err)
		return out.Msg.GetNote()
	}
	before := checkpoint()
	s.patient(home)
	after := checkpoint()
	older, err := s.policy.VerifyCheckpoint(before)
	must(t, err)
	newer, err := s.policy.VerifyCheckpoint(after)
	must(t, err)
	out, err := service.GetConsistency(t.Context(), connect.NewRequest(&indeliblev1.GetConsistencyRequest{OldSize: older.Checkpoint.Size, NewSize: newer.Checkpoint.Size}))
	must(t, err)
	var path []proof.Hash
	for _, h := range out.Msg.GetPath() {
		path = append(path, proof.Hash(h))
	}
	must(t, proof.VerifyGrowth(s.policy, before, after, path))
	_, err = service.GetConsistency(t.Context(), connect.NewRequest(&indeliblev1.GetConsistencyRequest{OldSize: 1, NewSize: 1 << 40}))
	if refusalIn(err).GetCode() != string(wire.CodeSizeBeyondLog) {
		t.Fatalf("beyond the log: %v", err)
	}
}

// TestPlainRequestsAreFew: tiles are cheap to ask for and must not be kept ready
// by the thousand for somebody who does not take them.
func TestPlainRequestsAreFew(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/checkpoint", nil)
	must(t, err)
	request.RemoteAddr = "192.0.2.1:1"
	inside, leave := make(chan struct{}), make(chan struct{})
	slow := s.server.edge.Few("tile", func(http.ResponseWriter, *http.Request) {
		inside <- struct{}{}
		<-leave
	})
	var answered sync.WaitGroup
	for range 256 / 4 { // the share of one address
		answered.Go(func() { slow(&recorder{header: http.Header{}}, request) })
		<-inside
	}
	ask := func(from string) *recorder {
		asked := request.Clone(t.Context())
		asked.RemoteAddr = from
		answer := &recorder{header: http.Header{}, status: http.StatusOK}
		s.server.public.ServeHTTP(answer, asked)
		return answer
	}
	full := ask("192.0.2.1:2")
	if full.status != http.StatusServiceUnavailable || full.header.Get("Retry-After") == "" || full.header.Get("Cache-Control") != "no-store" {
		t.Errorf("one more of the same address: %d %v", full.status, full.header)
	}
	if other := ask("192.0.2.2:1"); other.status != http.StatusOK {
		t.Errorf("another address: %d", other.status)
	}
	close(leave)
	answered.Wait()
	if again := ask("192.0.2.1:2"); again.status != http.StatusOK {
		t.Errorf("afterwards: %d", again.status)
	}
}
