package example

import (
	"os"
	"path/filepath"
	"testing"
)

// Own is the path of something in the module's own data, which is in every clone.
func Own(t testing.TB, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{root(t), "test", "example", "testdata"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Shared is the path of something in the larger collection, if that is there.
func Shared(t testing.TB, elem ...string) (path string, found bool) {
	t.Helper()
	dir := os.Getenv("SHARED_DATA")
	if dir == "" {
		dir = filepath.Join(root(t), "..", "shared", "data")
		if _, err := os.Stat(dir); err != nil {
			return "", false
		}
	}
	path = filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the shared data is there and lacks something: %v", err)
	}
	return path, true
}

// root is the folder of go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("no go.mod above the folder of this test")
	return ""
}
