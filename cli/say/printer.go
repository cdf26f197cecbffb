package say

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

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
	var err error
	if p.Format == JSON {
		enc := json.NewEncoder(p.Out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(v)
	} else {
		err = text(p.Out)
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
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	if strings.ContainsAny(text[len(text)-1:], ".!?:\n") {
		return text
	}
	return text + "."
}

// plain replaces what would move the cursor, change colours or turn the direction
// of writing: a device can put any text into a reading, and a server into an error,
// and neither may draw lines of its own on a clinician's screen.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return '\ufffd'
		}
		return r
	}, text)
}

// Table writes rows in aligned columns under the head.
func Table(w io.Writer, head []string, rows [][]string) error {
	tab := tabwriter.NewWriter(w, 0, 0, columnGap, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = plain(cell)
		}
		if _, err := fmt.Fprintln(tab, strings.Join(cells, "\t")); err != nil {
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
		if _, err := fmt.Fprintf(tab, "%s\t%s\n", pair[0], plain(pair[1])); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
