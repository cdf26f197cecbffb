package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"

	"indelible/api/client"
	"indelible/cli/indelible/logcheck"
	"indelible/cli/indelibled/config"
	"indelible/cli/indelibled/founding"
	"indelible/cli/indelibled/node"
	"indelible/test/logs"
)

// running is the node of a directory, serving in this process.
type running struct {
	url  string
	logs *logs.Buffer
	site founding.Site
}

// serving runs the node of a site while do runs.
func serving(t testing.TB, site founding.Site, do func(r *running)) {
	t.Helper()
	cfg, err := config.Load(site.Config(), nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.LogLevel = "debug"
	r := &running{logs: &logs.Buffer{}, site: site}
	n, err := node.Open(t.Context(), cfg, "test", r.logs)
	if err != nil {
		t.Fatal(err)
	}
	r.url = "https://" + n.Address().String()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	defer func() {
		stop()
		if err := node.Stopped(n, <-ended); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-n.Ready():
	case err := <-ended:
		ended <- err
		return
	}
	do(r)
}

// as makes a caller of one of the site's credentials.
func (r *running) as(t testing.TB, name string, options ...connect.ClientOption) *client.Caller {
	t.Helper()
	cfg := client.Config{URL: r.url, Now: time.Now, Logger: slog.New(slog.DiscardHandler), Options: options}
	c, err := client.Open(mustLoad(t, r.site, name), cfg, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// web is an HTTP client with one of the site's credentials.
func (r *running) web(t testing.TB, name string) *http.Client {
	t.Helper()
	web, err := client.HTTP(mustLoad(t, r.site, name).TLS())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(web.CloseIdleConnections)
	return web
}

// served gives the log of a site as an auditor reads it over the listener.
func served(t testing.TB, site founding.Site, read func(logcheck.Source)) {
	t.Helper()
	serving(t, site, func(r *running) {
		read(logcheck.URL(r.web(t, founding.Auditor), r.url))
	})
}
