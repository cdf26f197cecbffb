package api

import (
	"errors"
	"io"
	"testing"
	"time"

	"indelible/api/edge"
)

// TestOneAddressCannotTakeAllConnections: opening one takes no certificate.
func TestOneAddressCannotTakeAllConnections(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{limits: edge.Limits{Connections: 8, AddressConns: 2}})
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
