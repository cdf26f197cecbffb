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
	if err := say.Table(&out, []string{"WHAT"}, [][]string{{hostile}}); err != nil {
		t.Fatal(err)
	}
	if err := say.Pairs(&out, [2]string{"what", hostile}); err != nil {
		t.Fatal(err)
	}
	say.NewPrinter(&out, &remarks).Fail(say.Refused("NO", hostile, hostile, hostile))
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
