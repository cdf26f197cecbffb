package say

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Exit codes, the same for every command of both programs.
const (
	ExitOK          = 0 // done
	ExitRefused     = 1 // refused, or a proof that does not verify
	ExitUsage       = 2 // the command line or the configuration is wrong
	ExitUnreachable = 3 // no answer from the server: nothing is known about it
)

// Problem is an error as a person needs it. Any of the three texts may be
// empty; Err carries the cause for errors.Is and is not printed by itself.
type Problem struct {
	Exit    int    // one of the Exit constants
	Code    string // stable word for scripts, such as SUBJECT_ERASED or USAGE
	What    string // what happened
	NotDone string // what was therefore not done
	Next    string // what to do next
	Err     error
}

// Error is the three texts in one line.
func (p *Problem) Error() string {
	said := slices.DeleteFunc([]string{p.What, p.NotDone, p.Next}, func(text string) bool { return text == "" })
	return strings.Join(said, "; ")
}

// Unwrap gives the cause.
func (p *Problem) Unwrap() error { return p.Err }

// Because gives it a cause.
func (p *Problem) Because(err error) *Problem {
	p.Err = err
	return p
}

// Usage is a fault of the command line or the configuration.
func Usage(next, format string, args ...any) *Problem {
	return &Problem{Exit: ExitUsage, Code: "USAGE", What: fmt.Sprintf(format, args...), NotDone: "nothing was done", Next: next}
}

// Refused is a request that was understood and turned down, or a proof that
// does not hold.
func Refused(code, what, notDone, next string) *Problem {
	return &Problem{Exit: ExitRefused, Code: code, What: what, NotDone: notDone, Next: next}
}

// Unreachable is a server that gave no answer.
func Unreachable(err error, what, next string) *Problem {
	return &Problem{
		Exit: ExitUnreachable, Code: "UNREACHABLE", What: what,
		NotDone: "nothing is known about whether the request arrived", Next: next, Err: err,
	}
}

// Local is a fault on this machine: a file, the disk, a broken pipe.
func Local(err error, what, next string) *Problem {
	return &Problem{
		Exit: ExitRefused, Code: "LOCAL", What: what + ": " + oneLine(err),
		NotDone: "the command did not finish", Next: next, Err: err,
	}
}

// LocalIf is Local of an error, and nil of none.
func LocalIf(err error, what, next string) error {
	if err == nil {
		return nil
	}
	return Local(err, what, next)
}

// Reason is what an error says, without the system call and the file it was made
// for: it is for sentences that name the file themselves.
func Reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return oneLine(err)
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// AsProblem finds the Problem in err, or makes one of it.
func AsProblem(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	if errors.Is(err, context.Canceled) {
		return &Problem{
			Exit: ExitRefused, Code: "INTERRUPTED", What: "interrupted",
			NotDone: "the command did not finish",
			Next:    "run it again; a statement that was kept (--keep) is better sent again with indelible append: it is logged once", Err: err,
		}
	}
	return &Problem{
		Exit: ExitRefused, Code: "FAILED", What: oneLine(err),
		NotDone: "the command did not finish", Next: "correct that and run it again", Err: err,
	}
}
