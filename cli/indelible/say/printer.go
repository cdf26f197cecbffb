package say

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"
)

// Output formats.
const (
	Text = "text"
	JSON = "json"
)

// columnGap is the space between table columns, in characters.
const columnGap = 2

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

// Result prints one result: v as JSON, or whatever text writes.
func (p *Printer) Result(v any, text func(w io.Writer) error) error {
	if p.Format != JSON {
		return text(p.Out)
	}
	enc := json.NewEncoder(p.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
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
	Error struct {
		Code    string `json:"code"`
		What    string `json:"what"`
		NotDone string `json:"not_done,omitempty"`
		Next    string `json:"next,omitempty"`
		Exit    int    `json:"exit"`
	} `json:"error"`
}

// Fail prints the error and returns the exit code that goes with it.
func (p *Printer) Fail(err error) int {
	problem := AsProblem(err)
	if p.Format == JSON {
		p.failJSON(problem)
		return problem.Exit
	}
	p.Remark("%s", strings.TrimRight(sentence(problem.What), "\n"))
	if problem.NotDone != "" {
		p.Remark("  Not done: %s", sentence(problem.NotDone))
	}
	if problem.Next != "" {
		p.Remark("  Next:     %s", sentence(problem.Next))
	}
	return problem.Exit
}

func (p *Printer) failJSON(problem *Problem) {
	var shape jsonProblem
	shape.Error.Code, shape.Error.Exit = problem.Code, problem.Exit
	shape.Error.What, shape.Error.NotDone, shape.Error.Next = problem.What, problem.NotDone, problem.Next
	enc := json.NewEncoder(p.Err)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(shape); err != nil {
		p.Remark("%s", problem.Error())
	}
}

// sentence gives a text a capital and a full stop, where it has none.
func sentence(text string) string {
	if text == "" {
		return text
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if strings.ContainsAny(text[len(text)-1:], ".!?:\n") {
		return text
	}
	return text + "."
}

// Table writes rows in aligned columns under the head.
func Table(w io.Writer, head []string, rows [][]string) error {
	tab := tabwriter.NewWriter(w, 0, 0, columnGap, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		if _, err := fmt.Fprintln(tab, strings.Join(row, "\t")); err != nil {
			return fmt.Errorf("write the table: %w", err)
		}
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// Pairs writes name and value in two aligned columns.
func Pairs(w io.Writer, pairs ...[2]string) error {
	tab := tabwriter.NewWriter(w, 0, 0, columnGap, ' ', 0)
	for _, pair := range pairs {
		if _, err := fmt.Fprintf(tab, "%s\t%s\n", pair[0], pair[1]); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
