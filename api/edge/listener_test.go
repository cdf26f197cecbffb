package edge

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"indelible/api/wire"
	"indelible/ledger/entry"
)

// TestTheEndWaitsForWhatIsUnderWay: what handlers work on is closed next.
func TestTheEndWaitsForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for within, want := range map[time.Duration]error{time.Millisecond: errStuck, time.Minute: nil} {
		u := &underway{idle: make(chan struct{})}
		inside, leave, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		handler := u.wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(inside)
			<-leave
		}))
		go handler.ServeHTTP(nil, nil)
		<-inside
		go func() { ended <- u.end(within) }()
		for over := false; !over; runtime.Gosched() {
			u.mu.Lock()
			over = u.over
			u.mu.Unlock()
		}
		handler.ServeHTTP(nil, nil) // nothing begins any more: closing inside again would panic
		if want == nil {
			close(leave)
		}
		if err := <-ended; !errors.Is(err, want) {
			t.Errorf("after at most %s: %v, expected %v", within, err, want)
		}
		if want != nil {
			close(leave)
		}
	}
	must(t, (&underway{idle: make(chan struct{})}).end(time.Minute)) // nothing under way
}

// TestAConnectionOutlivesItsCertificate by no request.
func TestAConnectionOutlivesItsCertificate(t *testing.T) {
	author := authorOf(1, entry.RoleService)
	e, expires := newEdge(t, author), time.Now()
	if _, err := e.standing(author.ID, expires, expires.Add(-time.Second)); err != nil {
		t.Fatalf("a second before its end: %v", err)
	}
	if _, err := e.standing(author.ID, expires, expires.Add(time.Second)); !errors.Is(err, &entry.Refusal{Code: wire.CodeCertificateExpired}) {
		t.Fatalf("a second after its end: %v", err)
	}
	if err := e.StillMay(&Caller{Author: author, Expires: expires}, expires.Add(time.Second)); !errors.Is(err, &entry.Refusal{Code: wire.CodeCertificateExpired}) {
		t.Fatalf("on a stream: %v", err)
	}
}

// timedRecorder notes the deadlines of a request.
type timedRecorder struct {
	*httptest.ResponseRecorder
	read, write time.Time
}

func (r *timedRecorder) SetReadDeadline(at time.Time) error  { r.read = at; return nil }
func (r *timedRecorder) SetWriteDeadline(at time.Time) error { r.write = at; return nil }

// TestEveryRequestHasItsTime: a client that takes nothing of a tile, or sends
// nothing of a body nobody wants, would stay for ever; and on HTTP/1.1 the
// deadline of one request would hit the next.
func TestEveryRequestHasItsTime(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	served := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/checkpoint", nil)
	must(t, err)
	for _, handler := range []http.Handler{served, Exactly(served)} {
		answer := &timedRecorder{ResponseRecorder: httptest.NewRecorder()}
		e.timed(handler).ServeHTTP(answer, request)
		now := time.Now()
		if answer.Code != http.StatusOK || !answer.read.After(now) || !answer.write.After(now) || answer.write.After(now.Add(5*time.Minute)) {
			t.Fatalf("status %d, to be read by %s and written by %s", answer.Code, answer.read, answer.write)
		}
	}
	untimed := httptest.NewRecorder()
	e.timed(served).ServeHTTP(untimed, request)
	if untimed.Code != http.StatusInternalServerError {
		t.Fatalf("without deadlines: %d", untimed.Code)
	}
}
