package entry

import "fmt"

// Code names why something was refused. It is a contract with clients: a code
// once published keeps its meaning. Meaning says of each what happened, what was not
// done and what to do next.
type Code string

// Refusal is wrong input: what was refused and why. Nothing was changed by what
// was refused. Text is safe to show and to log: it holds positions, numbers,
// limits and identifiers, never bytes of the input.
type Refusal struct {
	Code      Code
	Text      string
	Retryable bool // the same bytes may be accepted later
}

// Refuse makes a refusal. Whether it is retryable follows from the code's row
// in Codes.
func Refuse(code Code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...), Retryable: retryable[code]}
}

// Error returns the code and the text.
func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Text }

// Is reports whether target is a refusal with the same code, so that
// errors.Is(err, &Refusal{Code: c}) asks for a code.
func (r *Refusal) Is(target error) bool {
	t, ok := target.(*Refusal)
	return ok && t.Code == r.Code
}
