package statetest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func put(t *testing.T, fs vfs.FS, name string, content []byte, sync bool) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	if sync {
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// disk has a synced file that grew since, one without a durable name, and one that
// was removed without a sync of its folder.
func disk(t *testing.T) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewCrashableMem()
	if err := fs.MkdirAll("a/b", 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, fs, "a/b/kept", bytes.Repeat([]byte{1}, 3*blockBytes), true)
	put(t, fs, "a/b/removed", []byte("still here"), true)
	for _, dir := range []string{"/", "a", "a/b"} {
		d, err := fs.OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	f, err := fs.OpenReadWrite("a/b/kept", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{2}, 20*blockBytes), blockBytes); err != nil {
		t.Fatal(err)
	}
	put(t, fs, "a/b/new", []byte("not durable"), true)
	if err := fs.Remove("a/b/removed"); err != nil {
		t.Fatal(err)
	}
	return fs
}

func get(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func chance(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// With nothing and with everything kept, Cut is CrashClone, which leaves nothing to
// chance then.
func TestCutIsACrash(t *testing.T) {
	for _, percent := range []int{0, 100} {
		fs := disk(t)
		want := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: chance(1)})
		got := Cut(t, fs, percent, chance(1))
		for _, name := range []string{"a/b/kept", "a/b/removed", "a/b/new"} {
			if !bytes.Equal(get(t, got, name), get(t, want, name)) {
				t.Errorf("%d %%: %s differs from a crash of vfs", percent, name)
			}
		}
		if got.String() != want.String() {
			t.Errorf("%d %%: left\n%s\nwant\n%s", percent, got, want)
		}
	}
}

// The same seed leaves the same bytes, another one others, and what was synced and
// not written over is always there.
func TestCutRepeats(t *testing.T) {
	fs := disk(t)
	contents := map[string]int{}
	for number := range uint64(20) {
		once, again := Cut(t, fs, 50, chance(number)), Cut(t, fs, 50, chance(number))
		kept := get(t, once, "a/b/kept")
		if once.String() != again.String() || !bytes.Equal(kept, get(t, again, "a/b/kept")) {
			t.Errorf("seed %d does not repeat", number)
		}
		if len(kept) < 3*blockBytes || kept[0] != 1 || string(get(t, once, "a/b/removed")) != "still here" {
			t.Errorf("seed %d lost what was synced", number)
		}
		contents[string(kept)]++
	}
	if len(contents) < 15 {
		t.Errorf("20 seeds left %d different images", len(contents))
	}
}
