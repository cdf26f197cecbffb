// Command report reads what `go test -json` writes. It prints one line for each
// package, all output of what failed, and every test that was skipped; it ends
// with 1 if there was either, or if nothing was tested.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
)

// event is a line of test2json.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

type summary struct {
	output                  map[[2]string][]string // by package and test
	passed, failed, skipped []string
	packages                int
}

func main() {
	s := &summary{output: make(map[[2]string][]string)}
	if err := s.read(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
	fmt.Printf("%d packages, %d tests passed, %d failed, %d skipped\n", s.packages, len(s.passed), len(s.failed), len(s.skipped))
	for _, name := range s.skipped {
		fmt.Println("skipped, which CI does not allow:", name)
	}
	if len(s.failed) > 0 || len(s.skipped) > 0 || len(s.passed) == 0 {
		os.Exit(1)
	}
}

func (s *summary) read(from io.Reader, to io.Writer) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(to, "%s", line) // not an event: what the go command says itself
			} else {
				s.take(e, to)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *summary) take(e event, to io.Writer) {
	at := [2]string{e.Package, e.Test}
	switch e.Action {
	case "output":
		s.output[at] = append(s.output[at], e.Output)
	case "build-output":
		fmt.Fprint(to, e.Output)
	case "build-fail":
		s.failed = append(s.failed, e.ImportPath+" (build)")
	case "pass", "fail", "skip":
		s.settle(e, at, to)
	}
}

func (s *summary) settle(e event, at [2]string, to io.Writer) {
	name := e.Package + " " + e.Test
	if e.Action == "fail" {
		for _, line := range s.output[at] {
			fmt.Fprint(to, line)
		}
		s.failed = append(s.failed, name)
	}
	if e.Test == "" {
		if e.Action != "skip" { // a package without tests
			s.packages++
			fmt.Fprintf(to, "%-5s %-40s %7.2f s\n", map[string]string{"pass": "ok", "fail": "FAIL"}[e.Action], e.Package, e.Elapsed)
		}
		s.forget(e.Package)
		return
	}
	switch e.Action {
	case "pass":
		s.passed = append(s.passed, name)
	case "skip":
		s.skipped = append(s.skipped, name+"\n"+strings.Join(s.output[at], ""))
	}
	delete(s.output, at)
}

// forget drops the output of a finished package.
func (s *summary) forget(pkg string) {
	maps.DeleteFunc(s.output, func(at [2]string, _ []string) bool { return at[0] == pkg })
}
