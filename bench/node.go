package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stateDir is where a node keeps all of its databases, below its folder.
const stateDir = "state"

// node is an indelibled that runs as a process of its own.
type node struct {
	binary string
	dir    string        // what the quickstart made
	logs   string        // its standard error
	url    string        // while it runs
	took   time.Duration // from the newest start to the first answer
	cmd    *exec.Cmd
}

func newNode(dir string) *node {
	return &node{binary: filepath.Join(dir, "indelibled"), dir: filepath.Join(dir, "log"), logs: filepath.Join(dir, "node.log")}
}

// command runs a program to its end.
func command(ctx context.Context, what, name string, args ...string) error {
	say("%s", what)
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", what, err, out)
	}
	return nil
}

// found builds the binary and lets its quickstart found a log with everybody
// enrolled in it.
func (n *node) found(ctx context.Context) error {
	if err := command(ctx, "building indelibled", "go", "build", "-o", n.binary, "./cli/indelibled"); err != nil {
		return err
	}
	return command(ctx, "founding a log", n.binary, "quickstart", "--once", "--dir", n.dir)
}

func (n *node) config() string { return filepath.Join(n.dir, "config.yaml") }

// stopWait is how long a node may take to stop.
const stopWait = time.Minute

// start runs the node until it answers.
func (n *node) start(ctx context.Context) (err error) {
	say("starting the node")
	logs, err := os.OpenFile(n.logs, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the node's log: %w", err)
	}
	defer func() { err = errors.Join(err, logs.Close()) }()
	cmd := exec.CommandContext(ctx, n.binary, "serve", "--config", n.config(), "--output", "json")
	cmd.Stderr = logs
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWait
	out, err := cmd.StdoutPipe()
	began := time.Now()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("start the node: %w", err)
	}
	n.cmd = cmd
	var serving struct {
		URL string `json:"url"`
	}
	if err := json.NewDecoder(out).Decode(&serving); err != nil {
		return errors.Join(fmt.Errorf("the node does not answer: its words are in %s: %w", n.logs, err), n.stop())
	}
	n.url, n.took = serving.URL, time.Since(began)
	return nil
}

// stop ends the node properly; one that does not run is left alone.
func (n *node) stop() error {
	cmd := n.cmd
	if cmd == nil {
		return nil
	}
	n.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the node: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("the node ended badly: its words are in %s: %w", n.logs, err)
	}
	return nil
}

// fsck checks the log of the stopped node.
func (n *node) fsck(ctx context.Context) error {
	return command(ctx, "checking every entry", n.binary, "fsck", "--config", n.config())
}

// memory is the node's resident memory now and at most so far, in bytes; zeros
// where the system does not tell.
func (n *node) memory() (now, peak uint64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("measure the node's memory: %w", err)
	}
	for name, into := range map[string]*uint64{"VmRSS:": &now, "VmHWM:": &peak} {
		_, rest, _ := strings.Cut(string(status), name)
		if _, err := fmt.Sscan(rest, into); err != nil {
			return 0, 0, fmt.Errorf("measure the node's memory: %w", err)
		}
		*into <<= 10 // it is in KiB
	}
	return now, peak, nil
}

// disk is how many bytes the node's databases take.
func (n *node) disk() (uint64, error) {
	var total uint64
	err := filepath.WalkDir(filepath.Join(n.dir, stateDir), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += uint64(info.Size())
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("measure the node's disk: %w", err)
	}
	return total, nil
}
