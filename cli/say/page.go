package say

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"
)

// columnGap is the space between columns, in characters.
const columnGap = 2

// Page is a result as a person reads it. It is kept until it is whole: nothing that
// fills it can fail.
type Page struct {
	text    bytes.Buffer
	columns tabwriter.Writer
}

func filled(fill func(*Page)) []byte {
	var p Page
	p.columns.Init(&p.text, 0, 0, columnGap, ' ', 0)
	fill(&p)
	_ = p.columns.Flush()
	return p.text.Bytes()
}

// Row writes cells in columns with those of the rows before it.
func (p *Page) Row(cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = plain(fmt.Sprint(cell))
	}
	_, _ = fmt.Fprintln(&p.columns, strings.Join(texts, "\t"))
}

// Table begins new columns with their heads.
func (p *Page) Table(heads ...any) {
	_ = p.columns.Flush()
	p.Row(heads...)
}

// Line writes a line of its own, or several. Unlike a cell it is written as it is:
// no text of a stranger may stand in it.
func (p *Page) Line(format string, args ...any) {
	_ = p.columns.Flush()
	_, _ = fmt.Fprintf(&p.text, format+"\n", args...)
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
