package main

import (
	"encoding/json"
	"net"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// storyCommands are what the stories are told with, besides testscript's own.
var storyCommands = map[string]func(*testscript.TestScript, bool, []string){
	"exits":    exits,
	"until":    until,
	"member":   member,
	"freeport": freeport,
	"flip":     flip,
	"sameas":   sameas,
}

// storyWait bounds how long a story waits for something to become so.
const storyWait = 30 * time.Second

// until runs a command again and again until it succeeds and its output holds
// a text.
//
//	until TEXT PROGRAM ARGS…
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until TEXT PROGRAM ARGS…")
	}
	try := time.NewTicker(50 * time.Millisecond)
	defer try.Stop()
	for deadline := time.Now().Add(storyWait); ; {
		err := ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout"); err == nil && strings.Contains(out, args[0]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("it never held %q: %v", args[0], err)
		}
		<-try.C
	}
}

// member puts a member of the JSON object on standard output into a variable.
//
//	member VARIABLE NAME
func member(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: member VARIABLE NAME")
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &object); err != nil {
		ts.Fatalf("standard output is no JSON object: %v", err)
	}
	value, ok := object[args[1]].(string)
	if !ok || value == "" {
		ts.Fatalf("no text %s in %v", args[1], object)
	}
	ts.Setenv(args[0], value)
}

// freeport puts the address of a free port into a variable.
func freeport(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport VARIABLE")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

// flip changes one bit of a file, at the given part of its length.
//
//	flip FILE start|middle|end
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip FILE start|middle|end")
	}
	path := ts.MkAbs(args[0])
	raw, err := os.ReadFile(path)
	ts.Check(err)
	at := map[string]int{"start": 0, "middle": len(raw) / 2, "end": len(raw) - 2}[args[1]]
	raw[at] ^= 1
	ts.Check(os.WriteFile(path, raw, 0o600))
}

// sameas compares files byte for byte, the second with or without a last line feed.
func sameas(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sameas FILE FILE")
	}
	a := strings.TrimSuffix(ts.ReadFile(args[0]), "\n")
	b := strings.TrimSuffix(ts.ReadFile(args[1]), "\n")
	if (a == b) == neg {
		ts.Fatalf("%s and %s: the same is %v", args[0], args[1], a == b)
	}
}
