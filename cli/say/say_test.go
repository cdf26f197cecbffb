package say_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"indelible/cli/say"
)

// tree is a small program: one command that ends with err.
func tree(err error) *cobra.Command {
	act := &cobra.Command{Use: "act", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return err }}
	act.Flags().String("must", "", "")
	if act.MarkFlagRequired("must") != nil {
		panic("no such flag")
	}
	return say.Group("program", "a program", act)
}

func execute(t *testing.T, err error, args ...string) (int, string, string) {
	t.Helper()
	var out, remarks bytes.Buffer
	p := say.NewPrinter(&out, &remarks)
	code := say.Execute(t.Context(), tree(err), p, args)
	return code, out.String(), remarks.String()
}

func TestExitCodesTellWhatKindOfFailureItWas(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		args []string
		code int
		says string
	}{
		"done":              {nil, []string{"act", "--must", "x"}, say.ExitOK, ""},
		"refused":           {say.Refused("NO", "it was refused", "nothing was done", "ask"), []string{"act", "--must", "x"}, say.ExitRefused, "It was refused."},
		"unreachable":       {say.Unreachable(io.EOF, "no answer", "wait"), []string{"act", "--must", "x"}, say.ExitUnreachable, "No answer."},
		"wrapped":           {fmt.Errorf("step: %w", say.Unreachable(io.EOF, "no answer", "wait")), []string{"act", "--must", "x"}, say.ExitUnreachable, "Next:"},
		"interrupted":       {context.Canceled, []string{"act", "--must", "x"}, say.ExitRefused, "Interrupted."},
		"anything else":     {errors.New("odd"), []string{"act", "--must", "x"}, say.ExitRefused, "Odd.\n  Not done: "},
		"not ASCII":         {errors.New("änderung"), []string{"act", "--must", "x"}, say.ExitRefused, "Änderung."},
		"unknown flag":      {nil, []string{"act", "--may", "x"}, say.ExitUsage, "nknown flag"},
		"missing flag":      {nil, []string{"act"}, say.ExitUsage, "equired flag"},
		"superfluous word":  {nil, []string{"act", "--must", "x", "more"}, say.ExitUsage, "Program act is used like this: program act"},
		"unknown command":   {nil, []string{"acted"}, say.ExitUsage, `no command "acted"`},
		"no command at all": {nil, nil, say.ExitUsage, "missing"},
		"unknown format":    {nil, []string{"act", "--must", "x", "--output", "yaml"}, say.ExitUsage, "text and json"},
	} {
		code, out, remarks := execute(t, c.err, c.args...)
		if code != c.code || !strings.Contains(remarks, c.says) || out != "" {
			t.Errorf("%s: exit code %d, %q %q", name, code, out, remarks)
		}
	}
}

func TestErrorsInJSONAreOneObject(t *testing.T) {
	code, out, remarks := execute(t, say.Refused("NO", "a", "b", "c"), "act", "--must", "x", "--output", "json")
	var shape struct {
		Error struct {
			Code    string `json:"code"`
			What    string `json:"what"`
			NotDone string `json:"not_done"`
			Next    string `json:"next"`
			Exit    int    `json:"exit"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(remarks), &shape); err != nil {
		t.Fatal(err)
	}
	e := shape.Error
	if out != "" || code != 1 || e.Exit != 1 || e.Code != "NO" || e.What != "a" || e.NotDone != "b" || e.Next != "c" {
		t.Errorf("%d %q %q", code, out, remarks)
	}
}

func TestProgressWithoutATerminalIsAFewLines(t *testing.T) {
	var remarks bytes.Buffer
	p := say.NewPrinter(io.Discard, &remarks)
	bar := p.Progress("working", 1000)
	for i := range 1000 {
		bar.Set(int64(i + 1))
	}
	bar.Set(3) // going back is ignored
	bar.Finish()
	if lines := strings.Count(remarks.String(), "\n"); lines != 4 || !strings.HasSuffix(remarks.String(), "working: 1000 done\n") {
		t.Errorf("%q", remarks.String())
	}
}
