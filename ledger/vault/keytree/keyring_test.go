package keytree

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/vault/vaulttest"
)

func newKeyring(t *testing.T, fs vfs.FS) *Keyring {
	t.Helper()
	k, err := NewKeyring(fs, "a/b/keyring", vaulttest.NewSource(1))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestKeyring: what is wrapped comes back under its version and nothing else,
// and not at all once that is destroyed.
func TestKeyring(t *testing.T) {
	k := newKeyring(t, vfs.NewMem())
	for _, version := range []uint64{1, 2, 300} {
		if err := k.Create(version); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Create(2); !errors.Is(err, errRootExists) {
		t.Fatalf("a version was made twice: %v", err)
	}
	own := Key{1, 2, 3}
	wrapped, err := k.Wrap(2, &own, []byte("place"))
	if err != nil {
		t.Fatal(err)
	}
	back, err := k.Unwrap(2, wrapped, []byte("place"))
	if err != nil || *back != own {
		t.Fatalf("the key did not come back: %v", err)
	}
	for _, bad := range []struct {
		version uint64
		data    string
	}{{1, "place"}, {2, "elsewhere"}, {9, "place"}} {
		if _, err := k.Unwrap(bad.version, wrapped, []byte(bad.data)); err == nil {
			t.Errorf("unwrapped under version %d at %q", bad.version, bad.data)
		}
	}
	for range 2 {
		if err := k.Destroy(2); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.Unwrap(2, wrapped, []byte("place")); !errors.Is(err, errRootMissing) {
		t.Fatalf("a destroyed version answers %v", err)
	}
	list, err := k.List()
	if err != nil || !slices.Equal(list, []uint64{1, 300}) {
		t.Fatalf("%v %v", list, err)
	}
}

// TestKeyringSurvivesPowerCuts: a version that was created is there, one that
// was destroyed is not, and no cut leaves key bytes behind that were destroyed.
func TestKeyringSurvivesPowerCuts(t *testing.T) {
	for n := 1; n < 60; n++ {
		d := vaulttest.NewDisk(vfs.NewCrashableMem())
		k := newKeyring(t, d)
		var done []string
		var before []string
		d.Cut(n, 50*(n%3), func() { before = slices.Clone(done) })
		step := func(name string, err error) {
			if err != nil {
				t.Fatal(err)
			}
			done = append(done, name)
		}
		step("create 1", k.Create(1))
		root, err := k.load(1)
		if err != nil {
			t.Fatal(err)
		}
		step("create 2", k.Create(2))
		step("destroy 1", k.Destroy(1))
		if d.Image == nil {
			break
		}
		list, err := newKeyring(t, d.Image).List()
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(before, "create 2") && !slices.Contains(list, 2) {
			t.Fatalf("cut %d: a version that was created is gone", n)
		}
		if slices.Contains(before, "create 1") && len(before) == 1 && !slices.Contains(list, 1) {
			t.Fatalf("cut %d: a version that was created is gone", n)
		}
		if slices.Contains(before, "destroy 1") && slices.Contains(list, 1) {
			t.Fatalf("cut %d: a destroyed version is back", n)
		}
		if slices.Contains(before, "destroy 1") && holds(t, d.Image, root[:]) {
			t.Fatalf("cut %d: the destroyed key is on the disk", n)
		}
	}
}

// holds looks for bytes in every file of the keyring.
func holds(t *testing.T, fs vfs.FS, needle []byte) bool {
	t.Helper()
	names, err := fs.List("a/b/keyring")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f, err := fs.Open(fs.PathJoin("a/b/keyring", name))
		if err != nil {
			t.Fatal(err)
		}
		content := make([]byte, 4096)
		n, _ := f.ReadAt(content, 0)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content[:n], needle) {
			return true
		}
	}
	return false
}

// TestKeyringRefusesDamage: a root file that was altered is an error, never a key.
func TestKeyringRefusesDamage(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "keys", "eu"), 0o777); err != nil { // by whoever prepared the machine
		t.Fatal(err)
	}
	k, err := NewKeyring(vfs.Default, filepath.Join(dir, "keys", "eu"), vaulttest.NewSource(2))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "keys", "eu")); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("the keyring's mode is %v (%v)", info.Mode(), err)
	}
	if err := k.Create(5); err != nil {
		t.Fatal(err)
	}
	name := k.file(5)
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v (%v)", info.Mode(), err)
	}
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for at := range good {
		bad := bytes.Clone(good)
		bad[at] ^= 0x10
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := k.load(5); !errors.Is(err, errRootFile) {
			t.Fatalf("byte %d altered: %v", at, err)
		}
	}
	for _, bad := range [][]byte{nil, good[:len(good)-1], append(bytes.Clone(good), 0)} {
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := k.load(5); !errors.Is(err, errRootFile) {
			t.Fatalf("%d bytes: %v", len(bad), err)
		}
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Base(name), name); err != nil { // cannot be opened, and yet is there
		t.Fatal(err)
	}
	if _, err := k.load(5); err == nil || errors.Is(err, errRootMissing) {
		t.Fatalf("a file that does not open: %v", err)
	}
	if err := os.Rename(name, k.file(6)); err != nil { // under another version's name
		t.Fatal(err)
	}
	if err := os.WriteFile(k.file(6), good, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := k.load(6); !errors.Is(err, errRootFile) {
		t.Fatalf("renamed: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "keys", "eu", "x.root"), good, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := k.List(); !errors.Is(err, errRootFile) {
		t.Fatalf("a file that is no version: %v", err)
	}
}

// TestKeyringDestroysDrafts: what a crash left half made was never used.
func TestKeyringDestroysDrafts(t *testing.T) {
	fs := vfs.NewMem()
	k := newKeyring(t, fs)
	root := Key{7, 7, 7}
	if err := k.writeFile(fs.PathJoin("a/b/keyring", "0000000000000001.draft"), encodeRoot(1, &root)); err != nil {
		t.Fatal(err)
	}
	newKeyring(t, fs)
	if names, err := fs.List("a/b/keyring"); err != nil || len(names) != 0 {
		t.Fatalf("left: %v (%v)", names, err)
	}
}
