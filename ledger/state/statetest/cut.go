package statetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const blockBytes = 4096

// Cut is what a power cut leaves of a file system that nobody writes to
// meanwhile: all that was synced, and of everything else, blocks of files and
// names in directories, each with a probability of percent.
//
// It does what vfs.MemFS.CrashClone does, in the order of the names. CrashClone
// goes through maps, so that a seed does not say what it keeps.
func Cut(t testing.TB, fs *vfs.MemFS, percent int, random *rand.Rand) *vfs.MemFS {
	t.Helper()
	c := cut{t: t, keep: func() bool { return random.IntN(100) < percent }, to: vfs.NewCrashableMem()}
	c.folder("/", reflect.ValueOf(fs).Elem().FieldByName("root"))
	return c.to
}

type cut struct {
	t    testing.TB
	keep func() bool
	to   *vfs.MemFS
}

// folder copies a directory. Nodes are private to vfs: they are read by
// reflection, which panics should they ever change.
func (c cut) folder(path string, node reflect.Value) {
	c.must(c.to.MkdirAll(path, 0o700))
	names := map[string]reflect.Value{}
	for name, child := range node.Elem().FieldByName("syncedChildren").Seq2() {
		names[name.String()] = child
	}
	children := map[string]reflect.Value{}
	for name, child := range node.Elem().FieldByName("children").Seq2() {
		children[name.String()] = child
	}
	for _, name := range slices.Sorted(maps.Keys(children)) {
		if c.keep() {
			names[name] = children[name]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		below, child := c.to.PathJoin(path, name), names[name]
		if child.Elem().FieldByName("isDir").Bool() {
			c.folder(below, child)
		} else {
			c.file(below, child.Elem().FieldByName("mu"))
		}
	}
	c.sync(c.to.OpenDir(path))
}

func (c cut) file(path string, node reflect.Value) {
	data, left := node.FieldByName("data").Bytes(), slices.Clone(node.FieldByName("syncedData").Bytes())
	for at := 0; at < len(data); at += blockBytes {
		if c.keep() {
			block := data[at:min(at+blockBytes, len(data))]
			left = append(left, make([]byte, max(0, at+len(block)-len(left)))...) // what was lost before it reads as zeros
			copy(left[at:], block)
		}
	}
	f, err := c.to.Create(path, vfs.WriteCategoryUnspecified)
	c.must(err)
	_, err = f.Write(left)
	c.must(err)
	c.sync(f, nil)
}

func (c cut) sync(f vfs.File, err error) {
	c.must(err)
	c.must(f.Sync())
	c.must(f.Close())
}

func (c cut) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(fmt.Errorf("statetest: %w", err))
	}
}
