package api

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"indelible/api/wire"
	"indelible/ledger/entry"
)

// TestOneAddressCannotTakeAllConnections: opening one takes no certificate.
func TestOneAddressCannotTakeAllConnections(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{limits: Limits{Connections: 8, AddressConns: 2}})
	open := func() (io.Closer, error) {
		conn, _ := s.h1("operator")
		must(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
		_, err := conn.Write([]byte("GET /checkpoint HTTP/1.1\r\nHost: x\r\n\r\n"))
		if err == nil {
			_, err = conn.Read(make([]byte, 1))
		}
		return conn, err
	}
	one, err := open()
	must(t, err)
	two, err := open()
	must(t, err)
	if _, err := s.client(&s.people["operator"].cert).Get(s.url + "/checkpoint"); err == nil {
		t.Fatal("a third connection of one address is answered")
	}
	must(t, errors.Join(one.Close(), two.Close()))
	s.eventually("there is room again", func() bool {
		response, err := s.client(&s.people["operator"].cert).Get(s.url + "/checkpoint")
		return err == nil && response.Body.Close() == nil
	})
}

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
		s := &site{t: t}
		s.eventually("it is over", func() bool {
			u.mu.Lock()
			defer u.mu.Unlock()
			return u.over
		})
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
	t.Parallel()
	s := newSite(t, siteOptions{}).staffing()
	service := s.people["service"]
	expires := service.cert.Leaf.NotAfter
	if _, err := standing(s.log, service.id, expires, expires.Add(-time.Second)); err != nil {
		t.Fatalf("a second before its end: %v", err)
	}
	if _, err := standing(s.log, service.id, expires, expires.Add(time.Second)); !errors.Is(err, &entry.Refusal{Code: wire.CodeCertificateExpired}) {
		t.Fatalf("a second after its end: %v", err)
	}
	if err := s.server.stillMay(&caller{Author: authorOf(1, entry.RoleService), expires: expires}, expires.Add(time.Second)); !errors.Is(err, &entry.Refusal{Code: wire.CodeCertificateExpired}) {
		t.Fatalf("on a stream: %v", err)
	}
}
