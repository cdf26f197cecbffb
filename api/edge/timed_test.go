package edge

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// once is a listener of one connection.
type once struct {
	connection chan net.Conn
	closed     chan struct{}
}

func (o *once) Accept() (net.Conn, error) {
	select {
	case c := <-o.connection:
		return c, nil
	case <-o.closed:
		return nil, net.ErrClosed
	}
}

func (o *once) Close() error   { close(o.closed); return nil }
func (o *once) Addr() net.Addr { return &net.TCPAddr{} }

// TestACallWithoutABodyHasAllItsTime: on HTTP/1.1 the deadline for the body would end
// a profile of thirty seconds, or the wait for a receipt, after twenty.
func TestACallWithoutABodyHasAllItsTime(t *testing.T) {
	for request, lasts := range map[string]bool{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n":                       true,
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			on := &once{connection: make(chan net.Conn, 1), closed: make(chan struct{})}
			on.connection <- there
			var fault error
			server := &http.Server{Handler: newEdge(t).timed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				ctx, cancel := context.WithTimeout(r.Context(), maxProfile)
				defer cancel()
				if r.ContentLength > 0 {
					_, fault = r.Body.Read(make([]byte, 1))
					return
				}
				<-ctx.Done()
				fault = r.Context().Err()
			}))}
			ended := make(chan error, 1)
			go func() { ended <- server.Serve(on) }()
			began := time.Now()
			_, err := here.Write([]byte(request))
			must(t, err)
			answer, err := http.ReadResponse(bufio.NewReader(here), nil)
			must(t, err)
			must(t, answer.Body.Close())
			if took := time.Since(began); lasts != (fault == nil) || !lasts && took > readTimeout {
				t.Errorf("%.4s: %v after %v", request, fault, took)
			}
			must(t, server.Close())
			must(t, here.Close())
			if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
				t.Errorf("%.4s: the server ended with %v", request, err)
			}
		})
	}
}
