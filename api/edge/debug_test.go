package edge

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"indelible/ledger/entry"
)

// TestTheDebugListenerIsForOperators: nobody else sees anything, and there is
// nothing of the command line, of other profiles, or for longer than it may.
func TestTheDebugListenerIsForOperators(t *testing.T) {
	ask := func(role entry.Role, path string) *httptest.ResponseRecorder {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		e := newEdge(t)
		if role != 0 {
			cert := newCertificate(t)
			author := authorOf(1, role)
			author.ID = sha256.Sum256(cert.RawSubjectPublicKeyInfo)
			e = newEdge(t, author)
			request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}}
		}
		answer := httptest.NewRecorder()
		e.DebugHandler().ServeHTTP(answer, request)
		return answer
	}
	for role := entry.Role(0); role <= entry.RoleClinician; role++ {
		want := http.StatusForbidden
		if role == entry.RoleOperator {
			want = http.StatusOK
		}
		for _, path := range []string{"/debug/vars", "/debug/pprof/heap"} {
			if answer := ask(role, path); answer.Code != want || want != http.StatusOK && bytes.Contains(answer.Body.Bytes(), []byte("memstats")) {
				t.Errorf("%s by %s: %d", path, role, answer.Code)
			}
		}
	}
	for path, want := range map[string]int{
		"/debug/pprof/goroutine": 200, "/debug/pprof/profile?seconds=1": 200,
		"/debug/pprof/profile": 400, "/debug/pprof/profile?seconds=0": 400, "/debug/pprof/profile?seconds=31": 400, "/debug/pprof/profile?seconds=-1": 400,
		"/debug/pprof/cmdline": 404, "/debug/pprof/symbol": 404, "/debug/pprof/": 404, "/debug/pprof/heap?debug=2": 404, "/metrics": 404, "/debug": 404,
	} {
		answer := ask(entry.RoleOperator, path)
		if answer.Code != want {
			t.Errorf("%s: %d, expected %d", path, answer.Code, want)
			continue
		}
		if want != http.StatusOK {
			continue
		}
		unpacked, err := gzip.NewReader(answer.Body)
		must(t, err)
		if body, err := io.ReadAll(unpacked); err != nil || len(body) == 0 {
			t.Errorf("%s is no profile: %v", path, err)
		}
	}
	if vars := ask(entry.RoleOperator, "/debug/vars").Body.String(); bytes.Contains([]byte(vars), []byte("cmdline")) || !bytes.Contains([]byte(vars), []byte(`"memstats"`)) {
		t.Errorf("the counts are %.80s", vars)
	}
}
