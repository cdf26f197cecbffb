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
	"strconv"
	"strings"
	"syscall"
	"time"
)

// node is an indelibled that runs as a process of its own.
type node struct {
	binary string
	dir    string // what the quickstart made
	logs   string // its standard error
	url    string // while it runs
	cmd    *exec.Cmd
}

// buildNode builds the binary and lets its quickstart found a log with everybody
// enrolled in it.
func buildNode(ctx context.Context, dir string) (*node, error) {
	n := &node{binary: filepath.Join(dir, "indelibled"), dir: filepath.Join(dir, "log"), logs: filepath.Join(dir, "node.log")}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", n.binary, "./cli/indelibled").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the node: %w: %s", err, out)
	}
	if out, err := exec.CommandContext(ctx, n.binary, "quickstart", "--once", "--dir", n.dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("found a log: %w: %s", err, out)
	}
	return n, nil
}

func (n *node) config() string { return filepath.Join(n.dir, "config.yaml") }

// stopWait is how long a node may take to stop.
const stopWait = time.Minute

// start runs the node and returns how long it took to answer.
func (n *node) start(ctx context.Context) (_ time.Duration, err error) {
	logs, err := os.OpenFile(n.logs, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return 0, fmt.Errorf("open the node's log: %w", err)
	}
	defer func() { err = errors.Join(err, logs.Close()) }()
	cmd := exec.CommandContext(ctx, n.binary, "serve", "--config", n.config(), "--output", "json")
	cmd.Stderr = logs
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWait
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, fmt.Errorf("start the node: %w", err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start the node: %w", err)
	}
	n.cmd = cmd
	var serving struct {
		URL string `json:"url"`
	}
	if err := json.NewDecoder(out).Decode(&serving); err != nil {
		return 0, errors.Join(fmt.Errorf("the node does not answer: its words are in %s: %w", n.logs, err), n.stop())
	}
	n.url = serving.URL
	return time.Since(began), nil
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
	out, err := exec.CommandContext(ctx, n.binary, "fsck", "--config", n.config()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("fsck: %w: %s", err, out)
	}
	return nil
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
	for line := range strings.Lines(string(status)) {
		for name, into := range map[string]*uint64{"VmRSS:": &now, "VmHWM:": &peak} {
			rest, ok := strings.CutPrefix(line, name)
			if !ok {
				continue
			}
			kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				return 0, 0, fmt.Errorf("measure the node's memory: %w", err)
			}
			*into = kib << 10
		}
	}
	return now, peak, nil
}

// disk is how many bytes the files of a folder of the node take.
func (n *node) disk(folder string) (uint64, error) {
	var total uint64
	err := filepath.WalkDir(filepath.Join(n.dir, folder), func(_ string, d fs.DirEntry, err error) error {
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
