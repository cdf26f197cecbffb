package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"indelible/cli/indelibled/founding"
)

// Two foundings in one directory would mix the keys of one log with the genesis of
// the other, for good.
func TestOneFoundingADirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	lock, err := founding.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"quickstart", "init"} {
		code, _, remarks := program(t, command, "--dir", dir)
		if code != 1 || !strings.Contains(remarks, "Another process") || !strings.Contains(remarks, "Not done: Nothing was") {
			t.Errorf("%s: exit code %d: %s", command, code, remarks)
		}
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("%d files were made: %v", len(names), err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if code, _, remarks := program(t, "init", "--dir", dir); code != 0 {
		t.Errorf("init afterwards: exit code %d: %s", code, remarks)
	}
}
