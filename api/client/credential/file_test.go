package credential

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// What is no file is written to: replacing /dev/stdout would take it from everybody.
func TestWriteReplacesFilesOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "open")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteSecret(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != secretMode {
		t.Errorf("a secret in place of a file others may read: %v, %v", info.Mode(), err)
	}
	if err := WriteSecret(dir, nil); err == nil {
		t.Error("a directory was written to")
	}
	if runtime.GOOS == "windows" {
		return
	}
	link := filepath.Join(dir, "stdout")
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Fatal(err)
	}
	if err := WritePublic(link, []byte("text")); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(link); err != nil || to != os.DevNull {
		t.Errorf("the way to a device was replaced: %q, %v", to, err)
	}
}
