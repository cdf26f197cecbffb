package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"indelible/api/client"
	"indelible/ledger/entry"
	"indelible/test/seed"
)

// contents is all a spool promises to keep: what waits, and the journal.
type contents struct {
	waiting map[entry.StatementID]bool
	values  map[string]string
}

func contentsOf(t testing.TB, s *Spool) contents {
	t.Helper()
	c := contents{waiting: map[entry.StatementID]bool{}, values: map[string]string{}}
	for _, jurisdiction := range s.jurisdictions() {
		maps.Copy(c.waiting, ids(waiting(t, s, jurisdiction)))
	}
	for _, key := range s.keys("") {
		value, _ := s.Value(key)
		c.values[key] = string(value)
	}
	return c
}

func (c contents) equal(other contents) bool {
	return maps.Equal(c.waiting, other.waiting) && maps.Equal(c.values, other.values)
}

// openImage opens a spool on an image of its directory and returns what it holds.
func openImage(t testing.TB, image map[string][]byte) (contents, error) {
	t.Helper()
	dir := restore(t, image)
	defer os.RemoveAll(dir)
	s, err := OpenSpool(spoolConfig(dir))
	if err != nil {
		return contents{}, err
	}
	c := contentsOf(t, s)
	// What was recovered takes new writes and is found again.
	if err := s.Commit(Batch{Values: map[string][]byte{"after": []byte("crash")}}); err != nil {
		t.Fatal(err)
	}
	closeSpool(t, s)
	s = openSpool(t, dir)
	again := contentsOf(t, s)
	delete(again.values, "after")
	if !c.equal(again) {
		t.Fatal("opening again finds something else")
	}
	closeSpool(t, s)
	return c, nil
}

func newestSegment(image map[string][]byte) string {
	var names []string
	for name := range image {
		if strings.HasSuffix(name, ".seg") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names[len(names)-1]
}

// tail is a spool directory before and after its last commit.
type tail struct {
	before, after contents
	image         map[string][]byte
	segment       string
	size          int    // of the segment before the last commit
	marked        []byte // the segment with its mark
}

func newTail(t *testing.T) tail {
	log, dir := newTestLog(t), t.TempDir()
	cfg := spoolConfig(dir)
	cfg.SegmentBytes = 0
	s, err := OpenSpool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d := newDevice(t, log.id, "eu")
	for n := range 3 {
		if err := s.Commit(Batch{Readings: []*client.Signed{sign(t, d, n)}, Values: map[string][]byte{"n": fmt.Append(nil, n)}}); err != nil {
			t.Fatal(err)
		}
	}
	x := tail{before: contentsOf(t, s)}
	image := allBytes(t, dir)
	x.segment = newestSegment(image)
	x.size = len(image[x.segment]) - markSize // which the next frame overwrites
	if err := s.Commit(Batch{Readings: []*client.Signed{sign(t, d, 9)}, Values: map[string][]byte{"n": []byte("9")}}); err != nil {
		t.Fatal(err)
	}
	x.after, x.image = contentsOf(t, s), allBytes(t, dir)
	// The last frame is durable, its mark is not: see TestDamageOfTheLastFrame.
	x.marked = x.image[x.segment]
	x.image[x.segment] = x.marked[:len(x.marked)-markSize]
	closeSpool(t, s)
	return x
}

// tornStep goes byte by byte; under the race detector in larger steps, and always
// to the end.
func tornStep(length, whole int) int { return max(1, min(scale, whole-length)) }

// Power goes at every byte of the last write: the commits before it are there,
// and of the last one all or nothing.
func TestTornTail(t *testing.T) {
	x := newTail(t)
	whole := x.image[x.segment]
	for length := x.size; length <= len(whole); length += tornStep(length, len(whole)) {
		image := maps.Clone(x.image)
		image[x.segment] = whole[:length]
		got, err := openImage(t, image)
		if err != nil {
			t.Fatalf("cut at %d of %d: %v", length, len(whole), err)
		}
		want := x.before
		if length == len(whole) {
			want = x.after
		}
		if !got.equal(want) {
			t.Fatalf("cut at %d of %d: %d readings, n = %q", length, len(whole), len(got.waiting), got.values["n"])
		}
	}
}

// The file has its length but some of its last pages were not written.
func TestTornPages(t *testing.T) {
	r := seed.Rand(t)
	x := newTail(t)
	whole := x.image[x.segment]
	for range 200 / scale {
		torn := bytes.Clone(whole)
		from := x.size + r.IntN(len(whole)-x.size)
		to := from + 1 + r.IntN(len(whole)-from)
		for i := from; i < to; i++ {
			torn[i] = []byte{0, 0xFF, byte(r.Uint32())}[r.IntN(3)]
		}
		if bytes.Equal(torn, whole) {
			continue
		}
		image := maps.Clone(x.image)
		image[x.segment] = torn
		got, err := openImage(t, image)
		if err != nil || !got.equal(x.before) {
			t.Fatalf("bytes %d to %d of %d: %v", from, to, len(whole), err)
		}
	}
}

// A damaged byte before the last frame is no torn write and must not pass for one.
func TestDamageIsNotTaken(t *testing.T) {
	r := seed.Rand(t)
	x := newTail(t)
	whole := x.image[x.segment]
	for range 200 / scale {
		damaged := bytes.Clone(whole)
		damaged[r.IntN(x.size)] ^= 1 << r.IntN(8)
		image := maps.Clone(x.image)
		image[x.segment] = damaged
		if _, err := openImage(t, image); !errors.Is(err, ErrSpoolCorrupt) {
			t.Fatalf("a flipped bit opens: %v", err)
		}
	}
	image := maps.Clone(x.image)
	delete(image, strings.TrimSuffix(x.segment, ".seg")+".key")
	if _, err := openImage(t, image); !errors.Is(err, ErrSpoolCorrupt) {
		t.Fatalf("a segment without a key: %v", err)
	}
}

// What was committed last and is damaged afterwards does not pass for a torn write
// either, once its mark is on the disk.
func TestDamageOfTheLastFrame(t *testing.T) {
	r := seed.Rand(t)
	x := newTail(t)
	image := maps.Clone(x.image)
	image[x.segment] = x.marked
	if got, err := openImage(t, image); err != nil || !got.equal(x.after) {
		t.Fatalf("%d readings, %v", len(got.waiting), err)
	}
	for range 200 / scale {
		damaged := bytes.Clone(x.marked)
		damaged[x.size+r.IntN(len(damaged)-markSize-x.size)] ^= 1 << r.IntN(8)
		image[x.segment] = damaged
		if _, err := openImage(t, image); !errors.Is(err, ErrSpoolCorrupt) {
			t.Fatalf("a flipped bit opens: %v", err)
		}
	}
}

// A segment cannot be put in the place of another, or of its own past.
func TestFramesStayInPlace(t *testing.T) {
	x := newTail(t)
	number := strings.TrimSuffix(x.segment, ".seg")
	image := maps.Clone(x.image)
	image["queue/0000000000000077.seg"] = image[x.segment]
	image["queue/0000000000000077.key"] = image[number+".key"]
	if _, err := openImage(t, image); !errors.Is(err, ErrSpoolCorrupt) {
		t.Errorf("a renamed segment opens: %v", err)
	}
	// The last two frames exchanged, their ordinals put right in the clear heads.
	whole := x.image[x.segment]
	at := bytes.LastIndex(whole[:x.size], whole[x.size:x.size+tagSize])
	first, second := bytes.Clone(whole[at:x.size]), bytes.Clone(whole[x.size:])
	for i := tagSize; i < tagSize+4; i++ {
		first[i], second[i] = second[i], first[i]
	}
	image = maps.Clone(x.image)
	image[x.segment] = slices.Concat(whole[:at], second, first)
	if got, err := openImage(t, image); err == nil && len(got.waiting) != len(x.before.waiting)-1 {
		t.Errorf("exchanged frames open: %d readings", len(got.waiting))
	}
}

// Every state of the directory that a crash can leave while a segment is closed
// and older ones are destroyed holds the same.
func TestCrashWhileRotating(t *testing.T) {
	log, dir := newTestLog(t), t.TempDir()
	s := openSpool(t, dir)
	d := newDevice(t, log.id, "eu")
	for n := range 5 {
		if err := s.Commit(Batch{Readings: []*client.Signed{sign(t, d, n)}, Values: map[string][]byte{"n": fmt.Append(nil, n)}}); err != nil {
			t.Fatal(err)
		}
	}
	list := takeAll(t, s, "eu")
	if err := s.leaveProven([]provenReading{{list[1].pending, log.proven(t, list[1].signed)}}); err != nil {
		t.Fatal(err)
	}
	if err := s.leaveErased(list[2:3]); err != nil {
		t.Fatal(err)
	}
	s.giveBack(slices.Delete(slices.Clone(list), 1, 3))
	want, before := contentsOf(t, s), allBytes(t, dir)
	if err := s.purge(true); err != nil {
		t.Fatal(err)
	}
	after := allBytes(t, dir)
	closeSpool(t, s)
	if len(want.waiting) != 3 {
		t.Fatalf("%d wait", len(want.waiting))
	}
	fresh := strings.TrimSuffix(newestSegment(after), ".seg")
	if newestSegment(before) == fresh+".seg" {
		t.Fatal("nothing was rotated")
	}
	check := func(what string, image map[string][]byte) {
		t.Helper()
		got, err := openImage(t, image)
		if err != nil || !got.equal(want) {
			t.Fatalf("%s: %d readings, %v", what, len(got.waiting), err)
		}
	}
	image := maps.Clone(before)
	check("before", image)
	for _, length := range []int{0, 1, 31, 32} {
		image[fresh+".key"] = after[fresh+".key"][:length]
		check(fmt.Sprintf("key cut at %d", length), image)
	}
	whole := after[fresh+".seg"]
	for length := 0; length <= len(whole); length += scale + length/20 {
		image[fresh+".tmp"] = whole[:length]
		check(fmt.Sprintf("temporary segment cut at %d", length), image)
	}
	delete(image, fresh+".tmp")
	image[fresh+".seg"] = whole
	check("published, nothing destroyed", image)
	for name := range before {
		number, isSegment := strings.CutSuffix(name, ".seg")
		if _, kept := after[name]; !isSegment || kept {
			continue
		}
		image[number+".key"] = make([]byte, keySize)
		check("key zeroed", image)
		delete(image, name)
		check("segment removed", image)
		delete(image, number+".key")
		check("key removed", image)
	}
	check("after", after)
}
