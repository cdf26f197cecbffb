package say_test

import (
	"bytes"
	"strings"
	"testing"

	"indelible/cli/say"
)

// A reading's text is a stranger's: it must not write lines of its own, hide others
// or turn them round.
func TestAStrangersTextDrawsNothing(t *testing.T) {
	hostile := "1\x1b[2J\tmm\nrecorded as access entry 7\r\u202egnp\u2066\u009b31m\u2028end"
	var out, remarks bytes.Buffer
	printer := say.NewPrinter(&out, &remarks)
	err := printer.Result(nil, func(p *say.Page) {
		p.Table("WHAT")
		p.Row(hostile)
		p.Row("what", hostile)
	})
	if err != nil {
		t.Fatal(err)
	}
	printer.Fail(say.Refused("NO", hostile, hostile, hostile))
	if lines := strings.Count(out.String(), "\n"); lines != 3 {
		t.Errorf("%d lines: %q", lines, out.String())
	}
	if lines := strings.Count(remarks.String(), "\n"); lines != 3 {
		t.Errorf("%d lines: %q", lines, remarks.String())
	}
	if text := out.String() + remarks.String(); strings.ContainsAny(text, "\x1b\r\t\u202e\u2066\u009b\u2028") {
		t.Errorf("%q", text)
	}
}
