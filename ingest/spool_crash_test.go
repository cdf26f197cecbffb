package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"indelible/ledger/entry"
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
	size          int // of the segment before the last commit
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
		if err := s.Commit(Batch{Readings: []*Signed{sign(t, d, n)}, Values: map[string][]byte{"n": fmt.Append(nil, n)}}); err != nil {
			t.Fatal(err)
		}
	}
	x := tail{before: contentsOf(t, s)}
	image := allBytes(t, dir)
	x.segment = newestSegment(image)
	x.size = len(image[x.segment])
	if err := s.Commit(Batch{Readings: []*Signed{sign(t, d, 9)}, Values: map[string][]byte{"n": []byte("9")}}); err != nil {
		t.Fatal(err)
	}
	x.after, x.image = contentsOf(t, s), allBytes(t, dir)
	closeSpool(t, s)
	return x
}

// Power goes at every byte of the last write: the commits before it are there,
// and of the last one all or nothing.
func TestTornTail(t *testing.T) {
	x := newTail(t)
	whole := x.image[x.segment]
	for length := x.size; length <= len(whole); length++ {
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
	r := newRand(t)
	x := newTail(t)
	whole := x.image[x.segment]
	for range 200 {
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
	r := newRand(t)
	x := newTail(t)
	whole := x.image[x.segment]
	for range 200 {
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
}

// Every state of the directory that a crash can leave while a segment is closed
// and older ones are destroyed holds the same.
func TestCrashWhileRotating(t *testing.T) {
	log, dir := newTestLog(t), t.TempDir()
	s := openSpool(t, dir)
	d := newDevice(t, log.id, "eu")
	for n := range 5 {
		if err := s.Commit(Batch{Readings: []*Signed{sign(t, d, n)}, Values: map[string][]byte{"n": fmt.Append(nil, n)}}); err != nil {
			t.Fatal(err)
		}
	}
	list := takeAll(t, s, "eu")
	if err := s.settle([]settled{{list[1].pending, log.proven(t, list[1].signed)}}); err != nil {
		t.Fatal(err)
	}
	if err := s.forget(list[2:3]); err != nil {
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
	for length := 0; length <= len(whole); length += 1 + length/20 {
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

// TestAgainstModel runs random histories against a map and reopens now and then.
func TestAgainstModel(t *testing.T) {
	r := newRand(t)
	log, dir := newTestLog(t), t.TempDir()
	devices := []*Device{newDevice(t, log.id, "eu"), newDevice(t, log.id, "us"), newDevice(t, log.id, "eu")}
	model := contents{waiting: map[entry.StatementID]bool{}, values: map[string]string{}}
	s := openSpool(t, dir)
	for step := range 250 {
		switch n := r.IntN(100); {
		case n < 50:
			b := Batch{Values: map[string][]byte{}}
			for range 1 + r.IntN(4) {
				signed := sign(t, devices[r.IntN(3)], step)
				b.Readings = append(b.Readings, signed)
				model.waiting[signed.Statement.ID()] = true
			}
			key := fmt.Sprint("k", r.IntN(6))
			if b.Values[key] = nil; r.IntN(3) > 0 {
				b.Values[key] = fmt.Append(nil, step)
				model.values[key] = fmt.Sprint(step)
			} else {
				delete(model.values, key)
			}
			if err := s.Commit(b); err != nil {
				t.Fatal(err)
			}
		case n < 85:
			list, _, err := s.take([]string{"eu", "us"}[r.IntN(2)], 1+r.IntN(6), 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			var left []settled
			var erased, back []leased
			for _, l := range list {
				switch r.IntN(4) {
				case 0:
					back = append(back, l)
				case 1:
					erased = append(erased, l)
					delete(model.waiting, l.id)
				default:
					left = append(left, settled{l.pending, log.proven(t, l.signed)})
					delete(model.waiting, l.id)
				}
			}
			s.giveBack(back)
			if err := errors.Join(s.settle(left), s.forget(erased)); err != nil {
				t.Fatal(err)
			}
		case n < 90:
			if err := s.purge(true); err != nil {
				t.Fatal(err)
			}
		case n < 93:
			if err := s.tidy(); err != nil {
				t.Fatal(err)
			}
		default: // the process ends without a word, or properly
			if r.IntN(2) == 0 {
				closeSpool(t, s)
				s = openSpool(t, dir)
			} else {
				image := allBytes(t, dir)
				closeSpool(t, s)
				dir = restore(t, image)
				s = openSpool(t, dir)
			}
		}
		if got := contentsOf(t, s); !got.equal(model) {
			t.Fatalf("step %d: %d readings, want %d; values %v, want %v", step, len(got.waiting), len(model.waiting), got.values, model.values)
		}
	}
	closeSpool(t, s)
	noCanary(t, dir)
}

// What a purge destroyed does not open any more, not even for somebody who kept
// every byte ever written, with the keys that still exist.
func TestPurgeDestroysOpenings(t *testing.T) {
	log, dir := newTestLog(t), t.TempDir()
	s := openSpool(t, dir)
	d := newDevice(t, log.id, "eu")
	images := []map[string][]byte{}
	for n := range 12 {
		commitAll(t, s, sign(t, d, n))
		images = append(images, allBytes(t, dir))
	}
	list := takeAll(t, s, "eu")
	erased := list[4]
	if err := s.forget([]leased{erased}); err != nil {
		t.Fatal(err)
	}
	s.giveBack(slices.Delete(slices.Clone(list), 4, 5))
	images = append(images, allBytes(t, dir))
	secret := erased.signed.Openings[0].Encoded
	if !opensAnywhere(t, images, allBytes(t, dir), secret) {
		t.Fatal("the attack does not find what is still there: it proves nothing")
	}
	if err := s.purge(true); err != nil {
		t.Fatal(err)
	}
	images = append(images, allBytes(t, dir))
	if opensAnywhere(t, images, allBytes(t, dir), secret) {
		t.Error("the opening of an erased subject can still be opened")
	}
	living := list[5].signed.Openings[0].Encoded
	if !opensAnywhere(t, images, allBytes(t, dir), living) {
		t.Error("a living opening was destroyed")
	}
	if got := waiting(t, s, "eu"); len(got) != 11 {
		t.Errorf("%d readings wait", len(got))
	}
	for _, l := range takeAll(t, s, "eu") {
		if err := s.settle([]settled{{l.pending, log.proven(t, l.signed)}}); err != nil {
			t.Fatal(err)
		}
	}
	closeSpool(t, s) // drained: every key that held a reading dies
	if opensAnywhere(t, images, allBytes(t, dir), living) {
		t.Error("the opening of a delivered reading can still be opened")
	}
}

// opensAnywhere tries every existing key on every segment ever seen.
func opensAnywhere(t *testing.T, images []map[string][]byte, now map[string][]byte, secret []byte) bool {
	t.Helper()
	for keyFile, key := range now {
		if !strings.HasSuffix(keyFile, ".key") {
			continue
		}
		for _, image := range images {
			for name, content := range image {
				number, ok := numbered(filepath.Base(name), ".seg")
				if !ok {
					continue
				}
				dir := restore(t, map[string][]byte{segmentName(number): content, keyName(number): key})
				root, err := openDir(dir)
				if err != nil {
					t.Fatal(err)
				}
				found := false
				g, err := openSegment(root, number)
				if err == nil {
					_ = g.scan(true, func(_ frameAt, payload []byte) error {
						found = found || bytes.Contains(payload, secret)
						return nil
					})
					_ = g.close()
				}
				if err := errors.Join(root.Close(), os.RemoveAll(dir)); err != nil {
					t.Fatal(err)
				}
				if found {
					return true
				}
			}
		}
	}
	return false
}

// TestKillChild is the process that TestKill kills: it commits and settles for
// ever and says so after each. Without a directory it has nothing to do.
func TestKillChild(t *testing.T) {
	dir := os.Getenv("INGEST_KILL_DIR")
	if dir == "" {
		return
	}
	log := newTestLog(t)
	s := openSpool(t, dir)
	d := newDevice(t, log.id, "eu")
	for n := 0; ; n++ {
		signed := sign(t, d, n)
		commitAll(t, s, signed)
		fmt.Printf("kept %s\n", signed.Statement.ID())
		if n%7 != 0 {
			continue
		}
		for _, l := range takeSome(t, s, 3) {
			fmt.Printf("leaves %s\n", l.id)
			// Readings of an earlier child were signed for its own log: what counts
			// here is only that something leaves.
			if err := s.settle([]settled{{l.pending, &Proven{Statement: l.signed.Statement}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func takeSome(t testing.TB, s *Spool, count int) []leased {
	t.Helper()
	list, _, err := s.take("eu", count, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// kill -9 at any moment: everything acknowledged is there, and nothing comes back
// that had left.
func TestKill(t *testing.T) {
	r := newRand(t)
	dir := t.TempDir()
	kept, leaves := map[string]bool{}, map[string]bool{}
	for range 10 {
		child := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
		child.Env = append(os.Environ(), "INGEST_KILL_DIR="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		killAt := 1 + r.IntN(60)
		for n := 1; lines.Scan(); n++ {
			if strings.Contains(lines.Text(), "FAIL") {
				t.Error("the child failed")
			}
			if word, id, ok := strings.Cut(lines.Text(), " "); ok && word == "kept" {
				kept[id] = true
			} else if ok && word == "leaves" {
				leaves[id] = true
			}
			if n == killAt {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait()
	}
	s := openSpool(t, dir)
	defer closeSpool(t, s)
	waits := map[string]bool{}
	for _, signed := range waiting(t, s, "eu") {
		waits[signed.Statement.ID().String()] = true
	}
	missing, back := 0, 0
	for id := range kept {
		if !waits[id] && !leaves[id] {
			missing++
		}
	}
	for id := range waits {
		if !kept[id] {
			back++ // durable, but its line was not printed any more
		}
	}
	t.Logf("%d kept, %d left, %d wait", len(kept), len(leaves), len(waits))
	if missing > 0 || back > 10 {
		t.Errorf("%d of %d acknowledged readings are missing, %d unknown ones wait", missing, len(kept), back)
	}
}
