package journaltest

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sync"

	"indelible/ingest/journal"
)

// ErrPower is what every operation returns after the power has gone.
var ErrPower = errors.New("journaltest: the power is gone")

// ErrFault is what an operation returns that fails while there is power.
var ErrFault = errors.New("journaltest: an operation failed")

// sector is what a drive writes at once, in bytes.
const sector = 512

// Disk is a set of directories that lose power together.
type Disk struct {
	mu    sync.Mutex // guards all below, and what the directories hold
	dirs  map[string]*dir
	steps int // operations that change something, so far
	limit int // the power goes with the operation after this one
	fault int // the operation after this one fails, once
}

// NewDisk is an empty disk.
func NewDisk() *Disk { return &Disk{dirs: map[string]*dir{}, limit: math.MaxInt, fault: -1} }

// Dir opens a directory of the disk, creating it durably.
func (d *Disk) Dir(name string) journal.Dir {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dirs[name] == nil {
		d.dirs[name] = &dir{disk: d, names: map[string]*node{}, synced: map[string]*node{}}
	}
	return d.dirs[name]
}

// CutAfter makes the power go with the operation after the next n that change
// something; that one is done or not, as chance has it at the next Restart.
func (d *Disk) CutAfter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = d.steps + n
}

// FailAfter makes one operation fail, after the next n that change something, and
// those behind it succeed. What a failed sync of a file should have written, the system
// goes on to show and has dropped: a later sync does not write it.
func (d *Disk) FailAfter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = d.steps + n
}

// Kill ends the processes that use the disk: what was written stays written, their
// open files and locks are gone. It returns the disk for the next process.
func (d *Disk) Kill() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := NewDisk()
	for name, old := range d.dirs {
		after.dirs[name] = &dir{disk: after, names: old.names, synced: old.synced, pending: old.pending}
	}
	d.limit = -1
	return after
}

// Restart is the disk after a power cut: see the package. The old one can be cut again.
func (d *Disk) Restart(random *rand.Rand) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := NewDisk()
	for _, name := range slices.Sorted(maps.Keys(d.dirs)) {
		kept := maps.Clone(d.dirs[name].synced)
		for _, change := range d.dirs[name].pending {
			if random.IntN(2) == 0 {
				change(kept)
			}
		}
		for _, file := range slices.Sorted(maps.Keys(kept)) {
			content := kept[file].afterCut(random)
			kept[file] = &node{content: content, synced: bytes.Clone(content)}
		}
		after.dirs[name] = &dir{disk: after, names: kept, synced: maps.Clone(kept)}
	}
	d.limit = -1
	return after
}

// change does an operation if there is power when it begins. mu is held.
func (d *Disk) change(do func()) error {
	if d.steps == d.fault {
		d.steps++
		return ErrFault
	}
	if d.steps <= d.limit {
		do()
	}
	if d.steps++; d.steps > d.limit {
		return ErrPower
	}
	return nil
}

// node is the content of a file, whatever its name.
type node struct {
	content []byte
	synced  []byte
	pending []write // since the last sync
}

// write is a piece of content or, with no bytes, a change of size.
type write struct {
	at   int64
	data []byte
}

func (w write) apply(content []byte) []byte {
	if w.data == nil {
		return resize(content, w.at)
	}
	if end := w.at + int64(len(w.data)); end > int64(len(content)) {
		content = resize(content, end)
	}
	copy(content[w.at:], w.data)
	return content
}

func resize(content []byte, size int64) []byte {
	if size <= int64(len(content)) {
		return content[:size:size]
	}
	return append(content[:len(content):len(content)], make([]byte, size-int64(len(content)))...)
}

// afterCut applies any choice of the pending writes, each in sectors.
func (n *node) afterCut(random *rand.Rand) []byte {
	content := bytes.Clone(n.synced)
	all := random.IntN(4) // 0: nothing of it, 1: all of it, else a choice
	keep := func() bool { return all == 1 || (all > 1 && random.IntN(2) == 0) }
	for _, w := range n.pending {
		if w.data == nil {
			if keep() {
				content = w.apply(content)
			}
			continue
		}
		for at := w.at; at < w.at+int64(len(w.data)); {
			end := min(w.at+int64(len(w.data)), (at/sector+1)*sector)
			if keep() {
				content = write{at, w.data[at-w.at : end-w.at]}.apply(content)
			}
			at = end
		}
	}
	return content
}

// dir is a directory of a Disk.
type dir struct {
	disk    *Disk
	names   map[string]*node
	synced  map[string]*node
	pending []func(names map[string]*node) // changes since the last sync
	locked  bool
}

func (d *dir) Open(name string, create bool) (journal.File, error) {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	n := d.names[name]
	if n == nil && !create {
		return nil, &fs.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	if n == nil {
		n = &node{}
		if err := d.rename(func(names map[string]*node) { names[name] = n }); err != nil {
			return nil, err
		}
	}
	return &file{dir: d, node: n}, nil
}

// rename makes a change of names. mu is held.
func (d *dir) rename(change func(names map[string]*node)) error {
	return d.disk.change(func() {
		change(d.names)
		d.pending = append(d.pending, change)
	})
}

func (d *dir) Rename(from, to string) error {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	n := d.names[from]
	return d.rename(func(names map[string]*node) { delete(names, from); names[to] = n })
}

func (d *dir) Remove(name string) error {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	if d.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: os.ErrNotExist}
	}
	return d.rename(func(names map[string]*node) { delete(names, name) })
}

func (d *dir) List() ([]string, error) {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	return slices.Collect(maps.Keys(d.names)), nil
}

func (d *dir) Sync() error {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	return d.disk.change(func() { d.synced, d.pending = maps.Clone(d.names), nil })
}

func (d *dir) Lock() error {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	if d.locked {
		return journal.ErrLocked
	}
	d.locked = true
	return nil
}

func (d *dir) Close() error {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	d.locked = false
	return nil
}

// file is an open file of a Disk.
type file struct {
	dir  *dir
	node *node
}

// info is what Stat tells: the size.
type info struct {
	fs.FileInfo
	size int64
}

func (i info) Size() int64 { return i.size }

func (f *file) Stat() (fs.FileInfo, error) {
	f.dir.disk.mu.Lock()
	defer f.dir.disk.mu.Unlock()
	return info{size: int64(len(f.node.content))}, nil
}

func (f *file) ReadAt(b []byte, at int64) (int, error) {
	f.dir.disk.mu.Lock()
	defer f.dir.disk.mu.Unlock()
	return bytes.NewReader(f.node.content).ReadAt(b, at)
}

func (f *file) WriteAt(b []byte, at int64) (int, error) {
	if err := f.change(write{at, append([]byte{}, b...)}); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (f *file) Truncate(size int64) error { return f.change(write{at: size}) }

func (f *file) change(w write) error {
	f.dir.disk.mu.Lock()
	defer f.dir.disk.mu.Unlock()
	return f.dir.disk.change(func() {
		f.node.content = w.apply(f.node.content)
		f.node.pending = append(f.node.pending, w)
	})
}

func (f *file) Sync() error {
	f.dir.disk.mu.Lock()
	defer f.dir.disk.mu.Unlock()
	pending := f.node.pending
	f.node.pending = nil // also if it fails
	return f.dir.disk.change(func() {
		for _, w := range pending {
			f.node.synced = w.apply(f.node.synced)
		}
	})
}

func (f *file) Close() error { return nil }

// Files copies the content of a directory's files.
func (d *Disk) Files(name string) map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	files := map[string][]byte{}
	for file, n := range d.dirs[name].names {
		files[file] = bytes.Clone(n.content)
	}
	return files
}

// DiskOf is a disk with one directory that holds files, durably.
func DiskOf(name string, files map[string][]byte) *Disk {
	d := NewDisk()
	d.Dir(name)
	for file, content := range files {
		d.dirs[name].names[file] = &node{content: bytes.Clone(content), synced: bytes.Clone(content)}
	}
	d.dirs[name].synced = maps.Clone(d.dirs[name].names)
	return d
}
