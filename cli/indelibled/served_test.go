package main

import (
	"context"
	"testing"

	"indelible/api/client"
	"indelible/cli/indelible/logcheck"
	"indelible/cli/indelible/session"
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
	cfg, err := node.Load(site.Config(), nil)
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

// as opens a session with one of the site's credentials.
func (r *running) as(t testing.TB, name string) *session.Session {
	t.Helper()
	s, err := session.Open(mustLoad(t, r.site, name), r.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// served gives the log of a site as an auditor reads it over the listener.
func served(t testing.TB, site founding.Site, read func(logcheck.Source)) {
	t.Helper()
	serving(t, site, func(r *running) {
		web, err := client.HTTP(mustLoad(t, site, founding.Auditor).TLS())
		if err != nil {
			t.Fatal(err)
		}
		defer web.CloseIdleConnections()
		read(logcheck.URL(web, r.url))
	})
}
