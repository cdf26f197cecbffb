package say

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Output formats.
const (
	Text = "text"
	JSON = "json"
)

// Printer writes results to Out and everything else to Err.
type Printer struct {
	Out    io.Writer
	Err    io.Writer
	Format string // Text or JSON
}

// Validate refuses an unknown format.
func (p *Printer) Validate() error {
	if p.Format == Text || p.Format == JSON {
		return nil
	}
	return Usage("use --output text or --output json", "--output knows text and json only")
}

// Result prints one result: v as JSON, or the page that text fills.
func (p *Printer) Result(v any, text func(*Page)) error {
	var err error
	if p.Format == JSON {
		enc := json.NewEncoder(p.Out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(v)
	} else {
		_, err = p.Out.Write(filled(text))
	}
	if err == nil {
		return nil
	}
	problem := Local(err, "the result cannot be written to standard output", "look at where the output goes before you run it again")
	problem.NotDone = "what the command does was done; only its result is missing"
	return problem
}

// Remark is a line for the person watching; scripts do not need it.
func (p *Printer) Remark(format string, args ...any) {
	_, _ = fmt.Fprintf(p.Err, format+"\n", args...)
}

// Terminal reports whether remarks go to a person's screen.
func (p *Printer) Terminal() bool { return isTerminal(p.Err) }

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// jsonProblem is the shape of an error on standard error with --output json.
type jsonProblem struct {
	Code    string `json:"code"`
	What    string `json:"what"`
	NotDone string `json:"not_done,omitempty"`
	Next    string `json:"next,omitempty"`
	Exit    int    `json:"exit"`
}

// Fail prints the error and returns the exit code that goes with it.
func (p *Printer) Fail(err error) int {
	problem := AsProblem(err)
	if p.Format == JSON {
		p.failJSON(problem)
		return problem.Exit
	}
	p.Remark("%s", sentence(plain(strings.TrimRight(problem.What, "\n"))))
	if problem.NotDone != "" {
		p.Remark("  Not done: %s", sentence(plain(problem.NotDone)))
	}
	if problem.Next != "" {
		p.Remark("  Next:     %s", sentence(plain(problem.Next)))
	}
	return problem.Exit
}

func (p *Printer) failJSON(problem *Problem) {
	enc := json.NewEncoder(p.Err)
	enc.SetEscapeHTML(false)
	shape := jsonProblem{problem.Code, problem.What, problem.NotDone, problem.Next, problem.Exit}
	if err := enc.Encode(map[string]jsonProblem{"error": shape}); err != nil {
		p.Remark("%s", problem.Error())
	}
}

// sentence gives a text a capital and a full stop, where it has none.
func sentence(text string) string {
	if text == "" {
		return text
	}
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	if strings.ContainsAny(text[len(text)-1:], ".!?:\n") {
		return text
	}
	return text + "."
}
