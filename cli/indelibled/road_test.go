package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// road is a newcomer who types what the README prints, in order.
type road struct {
	dir     string
	address string
	env     []string
	printed map[string]string // by the word in capitals that stands for it
	node    *exec.Cmd
	story   chan error
}

// placeholders are the words in capitals and where a command prints what they stand
// for.
var placeholders = map[string]*regexp.Regexp{
	"STATEMENT": regexp.MustCompile(`(?m)^statement +([0-9a-f]{64})$`),
	"HANDLE":    regexp.MustCompile(`as handle ([0-9a-f]{32})|(?m:^handle +([0-9a-f]{32})$)`),
	"AUTHOR":    regexp.MustCompile(`as author ([0-9a-f]{64})`),
	"BINDING":   regexp.MustCompile(`under binding ([0-9a-f]{32})`),
	"REQUEST":   regexp.MustCompile(`erase status ([0-9a-f]{64})`),
}

// TestReadmeRoad runs every command of two sections of the README as it is printed:
// what a newcomer is told to type has to work, in that order and with nothing else.
func TestReadmeRoad(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	in := newInput(t, 2, 240, "77777777-6666-5555-4444")
	r := &road{dir: t.TempDir(), address: freeAddress(t), env: os.Environ(), printed: map[string]string{}}
	for name, text := range map[string]string{
		"observation.json": in.lines[0], "monday.ndjson": strings.Join(in.lines, "\n"), "form.txt": "I agree.\n",
	} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	node := commandsOf(t, string(readme), "## Running a node")
	if len(node) < 30 {
		t.Fatalf("only %d commands under Running a node", len(node))
	}
	for _, line := range node {
		r.follow(t, line)
	}
	r.erased(t)
	r.stop(t)
	r.follow(t, "indelibled fsck --config site/config.yaml")
	if !wholeRoad {
		return
	}
	r.follow(t, "indelibled quickstart")
	for _, line := range commandsOf(t, string(readme), "## Verify it yourself, offline") {
		r.follow(t, line)
	}
	r.stop(t)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// commandsOf are the lines of a section's fenced blocks, continued ones joined.
func commandsOf(t *testing.T, readme, section string) []string {
	t.Helper()
	_, rest, ok := strings.Cut(readme, section+"\n")
	if !ok {
		t.Fatalf("the README has no section %q", section)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	var lines []string
	for i, block := range strings.Split(rest, "```") {
		if i%2 == 1 {
			lines = append(lines, strings.Split(strings.TrimSpace(strings.ReplaceAll(block, "\\\n", " ")), "\n")...)
		}
	}
	return lines
}

// follow types one line.
func (r *road) follow(t *testing.T, line string) {
	t.Helper()
	for word, value := range r.printed {
		line = regexp.MustCompile(`\b`+word+`\b`).ReplaceAllString(line, value)
	}
	words := strings.Fields(os.Expand(strings.ReplaceAll(line, "'", ""), r.variable))
	switch {
	case words[0] == "go" && words[1] == "install":
		return
	case words[0] == "go" && words[1] == "run":
		words = slices.Concat([]string{filepath.Base(words[2])}, words[3:])
	case words[0] == "export":
		r.env = append(r.env, words[1])
		return
	case strings.Contains(words[0], "="):
		r.env = append(r.env, words[0])
		return
	}
	if len(words) > 1 && words[1] == "init" {
		// Another port, for this machine may have a node; a minute is long for a test.
		words = append(words, "--listen", r.address)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "grace=1m", "grace=100ms")
		}
	}
	if words[1] == "serve" || words[1] == "quickstart" {
		r.start(t, words)
		return
	}
	r.run(t, words)
}

// variable is a shell variable.
func (r *road) variable(name string) string {
	for _, setting := range slices.Backward(r.env) {
		if value, ok := strings.CutPrefix(setting, name+"="); ok {
			return value
		}
	}
	return ""
}

func (r *road) command(t *testing.T, words []string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args, cmd.Dir, cmd.Env = words, r.dir, r.env
	return cmd
}

func (r *road) run(t *testing.T, words []string) {
	t.Helper()
	cmd := r.command(t, words)
	var out, remarks bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &remarks
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(words, " "), err, &out, &remarks)
	}
	for word, where := range placeholders {
		if found := where.FindStringSubmatch(out.String()); found != nil {
			r.printed[word] = strings.Join(found[1:], "")
		}
	}
}

// start runs what goes on until Ctrl-C, up to the first thing it prints: both
// commands print once they answer.
func (r *road) start(t *testing.T, words []string) {
	t.Helper()
	r.node, r.story = r.command(t, words), make(chan error, 1)
	out, err := r.node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.node.Start(); err != nil {
		t.Fatal(err)
	}
	told := tellUntil(out, 1)
	if told.ended {
		t.Fatalf("%s ended: %v", strings.Join(words, " "), r.node.Wait())
	}
	go func() {
		for !tellUntil(out, 1).ended {
		}
		r.story <- r.node.Wait()
	}()
	t.Cleanup(func() { _ = r.node.Process.Kill() })
}

func (r *road) stop(t *testing.T) {
	t.Helper()
	if err := r.node.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-r.story; err != nil {
		t.Fatalf("it did not end well: %v", err)
	}
}

// erased asks until the person is erased.
func (r *road) erased(t *testing.T) {
	t.Helper()
	ask := time.NewTicker(50 * time.Millisecond)
	defer ask.Stop()
	for deadline := time.Now().Add(storyWait); time.Now().Before(deadline); <-ask.C {
		out, err := r.command(t, []string{"indelible", "erase", "status", r.printed["REQUEST"]}).Output()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(out, []byte("complete")) {
			return
		}
	}
	t.Fatal("the erasure did not complete")
}
