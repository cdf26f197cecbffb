package raft

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestLibrarySpeaksAtDebugLevel(t *testing.T) {
	var out bytes.Buffer
	to := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var l hclog.Logger = libraryLog{to: to, name: GlobalGroup}
	l = l.Named("net").With("node", "n1")
	l.Error("it happened", "term", 7, "servers", hclog.Fmt("%v of %v", 1, 2), "odd")
	if _, err := l.StandardWriter(nil).Write([]byte("a line\n")); err != nil {
		t.Fatal(err)
	}
	l.StandardLogger(nil).Print("another line")
	l.Log(hclog.Warn, "a warning")
	for _, want := range []string{
		`level=DEBUG msg="raft library" group=global.net severity=error event="it happened" node=n1 term=7 servers="1 of 2"`,
		`event="a line"`, `event="another line"`, `severity=warn`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is missing in\n%s", want, out.String())
		}
	}
	if !l.IsDebug() || !l.IsError() || l.IsTrace() || l.Name() != "global.net" || l.ResetNamed("x").Name() != "x" || len(l.ImpliedArgs()) != 2 {
		t.Error("the logger describes itself wrongly")
	}
	out.Reset()
	quiet := libraryLog{to: slog.New(slog.NewTextHandler(&out, nil)), name: GlobalGroup}
	quiet.Error("loud")
	if out.Len() > 0 || quiet.IsError() {
		t.Errorf("at level info the library says %s", out.String())
	}
}
