package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"indelible/api/client"
	"indelible/ledger/entry"
)

// roomy opens a spool whose segments do not fill by themselves.
func roomy(t testing.TB, dir string, change func(*SpoolConfig)) *Spool {
	t.Helper()
	cfg := spoolConfig(dir)
	cfg.SegmentBytes = 0
	if change != nil {
		change(&cfg)
	}
	s, err := OpenSpool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// kill -9 between a node's word that a subject is erased and the destruction of its
// openings: the next process destroys them when it opens the spool.
func TestErasedOpeningsDieAfterACrash(t *testing.T) {
	dir := memory(t)
	s := roomy(t, dir, nil)
	d := newDevice(t, newTestLog(t).id, "eu")
	commitAll(t, s, sign(t, d, 0), sign(t, d, 1))
	list := takeAll(t, s, "eu")
	if err := s.leaveErased(list[:1]); err != nil {
		t.Fatal(err)
	}
	image := allBytes(t, dir)
	closeSpool(t, s)
	dir = restore(t, image)
	secret, living := list[0].signed.Openings[0].Encoded, list[1].signed.Openings[0].Encoded
	if !opensAnywhere(t, []map[string][]byte{image}, image, secret) {
		t.Fatal("the attack does not find what is still there: it proves nothing")
	}
	s = roomy(t, dir, nil)
	defer closeSpool(t, s)
	images := []map[string][]byte{image, allBytes(t, dir)}
	if opensAnywhere(t, images, allBytes(t, dir), secret) {
		t.Error("the opening of an erased subject survives the crash")
	}
	if !opensAnywhere(t, images, allBytes(t, dir), living) || len(waiting(t, s, "eu")) != 1 {
		t.Error("a living opening does not")
	}
}

// That a reading of the same segment was delivered after an erasure does not save
// what the erasure marked, and neither does the pace of purges.
func TestErasureOutlastsDeliveries(t *testing.T) {
	dir := memory(t)
	now := time.Now()
	s := roomy(t, dir, func(c *SpoolConfig) { c.Now = func() time.Time { return now } })
	log := newTestLog(t)
	d := newDevice(t, log.id, "eu")
	commitAll(t, s, sign(t, d, 0), sign(t, d, 1), sign(t, d, 2))
	list := takeAll(t, s, "eu")
	if err := s.leaveErased(list[:1]); err != nil {
		t.Fatal(err)
	}
	if err := s.leaveProven([]provenReading{{list[1].pending, log.proven(t, list[1].signed)}}); err != nil {
		t.Fatal(err)
	}
	images := []map[string][]byte{allBytes(t, dir)}
	secret := list[0].signed.Openings[0].Encoded
	opens := func() bool {
		images = append(images, allBytes(t, dir))
		return opensAnywhere(t, images, allBytes(t, dir), secret)
	}
	now = s.purged.Add(purgeEvery - 1)
	if err := s.purge(false); err != nil || !opens() {
		t.Fatalf("a purge came before its time: %v", err)
	}
	now = s.purged.Add(purgeEvery)
	if err := s.purge(false); err != nil || opens() {
		t.Errorf("the opening of an erased subject can still be opened: %v", err)
	}
	closeSpool(t, s)
}

// tidy destroys what was replaced in the journal, and what was delivered.
func TestTidyDestroysWhatIsNotNeeded(t *testing.T) {
	log := newTestLog(t)
	d := newDevice(t, log.id, "eu")
	old := []byte("the value before")
	signed := sign(t, d, 0)
	for name, test := range map[string]struct {
		secret []byte
		fill   func(s *Spool) error
	}{
		"a replaced value": {old, func(s *Spool) error {
			return errors.Join(
				s.Commit(Batch{Values: map[string][]byte{"k": old}}),
				s.Commit(Batch{Values: map[string][]byte{"k": []byte("the value after")}}))
		}},
		"a replaced value beside a reading that waits": {old, func(s *Spool) error {
			commitAll(t, s, sign(t, d, 1))
			return errors.Join(
				s.Commit(Batch{Values: map[string][]byte{"k": old}}),
				s.Commit(Batch{Values: map[string][]byte{"k": []byte("the value after")}}))
		}},
		"a delivered reading": {signed.Openings[0].Encoded, func(s *Spool) error {
			commitAll(t, s, signed)
			return s.leaveProven([]provenReading{{takeAll(t, s, "eu")[0].pending, log.proven(t, signed)}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := memory(t)
			s := roomy(t, dir, nil)
			defer closeSpool(t, s)
			if err := test.fill(s); err != nil {
				t.Fatal(err)
			}
			images := []map[string][]byte{allBytes(t, dir)}
			if !opensAnywhere(t, images, allBytes(t, dir), test.secret) {
				t.Fatal("the attack does not find what is still there: it proves nothing")
			}
			if err := s.tidy(); err != nil {
				t.Fatal(err)
			}
			if opensAnywhere(t, images, allBytes(t, dir), test.secret) {
				t.Error("it can still be read")
			}
		})
	}
}

// A segment whose destruction a crash prevented is destroyed when the spool opens.
func TestDrainedSegmentDiesAfterACrash(t *testing.T) {
	dir := memory(t)
	s := roomy(t, dir, nil)
	log := newTestLog(t)
	signed := sign(t, newDevice(t, log.id, "eu"), 0)
	commitAll(t, s, signed)
	if err := s.leaveProven([]provenReading{{takeAll(t, s, "eu")[0].pending, log.proven(t, signed)}}); err != nil {
		t.Fatal(err)
	}
	before := allBytes(t, dir)
	if err := s.tidy(); err != nil {
		t.Fatal(err)
	}
	image := allBytes(t, dir)
	closeSpool(t, s)
	for name, content := range before { // the new segment is published, the old one still there
		if _, there := image[name]; !there {
			image[name] = content
		}
	}
	dir = restore(t, image)
	s = roomy(t, dir, nil)
	defer closeSpool(t, s)
	if opensAnywhere(t, []map[string][]byte{image}, allBytes(t, dir), signed.Openings[0].Encoded) {
		t.Error("the opening of a delivered reading survives the crash")
	}
}

// A new segment that a crash kept from being published leaves no key and no copy.
func TestUnpublishedSegmentDies(t *testing.T) {
	dir := memory(t)
	s := roomy(t, dir, nil)
	commitAll(t, s, sign(t, newDevice(t, newTestLog(t).id, "eu"), 0))
	image := allBytes(t, dir)
	if err := s.rotate(func(*spoolSegment) bool { return true }); err != nil {
		t.Fatal(err)
	}
	fresh := s.active().Number()
	after := allBytes(t, dir)
	closeSpool(t, s)
	image[filepath.Join("queue", keyName(fresh))] = after[filepath.Join("queue", keyName(fresh))]
	image[filepath.Join("queue", temporaryName(fresh))] = after[filepath.Join("queue", segmentName(fresh))]
	dir = restore(t, image)
	s = roomy(t, dir, nil)
	defer closeSpool(t, s)
	for name := range allBytes(t, dir) {
		if strings.Contains(name, fmt.Sprintf("%016d", fresh)) {
			t.Errorf("%s is still there", name)
		}
	}
	if len(waiting(t, s, "eu")) != 1 {
		t.Error("the reading is gone")
	}
}

// Commits that wait for each other are written in frames of bounded size.
func TestWaitingCommitsFillSeveralFrames(t *testing.T) {
	s := roomy(t, memory(t), nil)
	defer closeSpool(t, s)
	s.writer.Lock()
	var running sync.WaitGroup
	for n := range 4 {
		running.Go(func() {
			if err := s.Commit(Batch{Values: map[string][]byte{fmt.Sprint(n): make([]byte, maxFrame*2/5)}}); err != nil {
				t.Error(err)
			}
		})
	}
	for queued := 0; queued < 4; {
		s.mu.Lock()
		queued = len(s.waiting)
		s.mu.Unlock()
		runtime.Gosched()
	}
	segment := filepath.Join(s.cfg.Dir, "queue", segmentName(s.active().Number()))
	frames := func() int {
		raw, err := os.ReadFile(segment)
		if err != nil {
			t.Fatal(err)
		}
		return frameCount(t, raw)
	}
	before := frames()
	s.writer.Unlock()
	running.Wait()
	if made := frames(); len(s.segments) == 1 && made != before+2 {
		t.Errorf("%d frames for four commits", made-before)
	}
}

// A reading that is being delivered is not taken a second time, and one that stands
// twice in a batch waits once.
func TestSpoolHoldsAReadingOnce(t *testing.T) {
	s := roomy(t, memory(t), nil)
	defer closeSpool(t, s)
	signed := sign(t, newDevice(t, newTestLog(t).id, "eu"), 0)
	commitAll(t, s, signed, signed)
	if n, size := s.Pending(); n != 1 || size != int64(signed.Size()) {
		t.Errorf("%d readings of %d bytes wait", n, size)
	}
	if list := takeAll(t, s, "eu"); len(list) != 1 {
		t.Fatalf("%d readings are delivered", len(list))
	}
	commitAll(t, s, signed)
	if list := takeAll(t, s, "eu"); len(list) != 0 {
		t.Error("a reading under delivery is delivered a second time")
	}
}

// Readings that could not be read back are free again.
func TestTakeAfterAReadFault(t *testing.T) {
	dir := memory(t)
	s := roomy(t, dir, nil)
	d := newDevice(t, newTestLog(t).id, "eu")
	commitAll(t, s, sign(t, d, 0))
	commitAll(t, s, sign(t, d, 1))
	path := filepath.Join(dir, "queue", segmentName(s.active().Number()))
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(good)
	bad[len(bad)-1-markSize] ^= 1 // of the last frame
	overwrite(t, path, bad)
	if _, _, err := s.take("eu", 9, 1<<20); !errors.Is(err, ErrSpoolCorrupt) {
		t.Fatalf("got %v", err)
	}
	overwrite(t, path, good)
	if list := takeAll(t, s, "eu"); len(list) != 2 {
		t.Errorf("%d readings are free", len(list))
	}
	closeSpool(t, s)
}

// overwrite changes a file in place.
func overwrite(t *testing.T, path string, content []byte) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt(content, 0)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// The newest of an author is that of its last boot epoch.
func TestNewestFirstAcrossBoots(t *testing.T) {
	s := roomy(t, memory(t), nil)
	defer closeSpool(t, s)
	log := newTestLog(t).id
	d, key := newP256Device(t, log)
	for n := range 3 {
		commitAll(t, s, sign(t, d, n))
	}
	d = newDeviceOf(t, log, "eu", key, client.NextBoot(1))
	commitAll(t, s, sign(t, d, 3))
	s.turnAround("eu", d.Author().Author(), time.Time{})
	var order []string
	for _, l := range takeAll(t, s, "eu") {
		order = append(order, fmt.Sprint(l.boot, "-", l.seq))
	}
	if want := []string{"2-1", "1-3", "1-2", "1-1"}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}

// A reading stays until its dead letter is durable.
func TestReadingStaysWithoutItsDeadLetter(t *testing.T) {
	dir := memory(t)
	s := roomy(t, dir, nil)
	defer closeSpool(t, s)
	commitAll(t, s, sign(t, newDevice(t, newTestLog(t).id, "eu"), 0))
	if err := os.Mkdir(filepath.Join(dir, "dead", strings.Repeat("0", 15)+"1.tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	list := takeAll(t, s, "eu")
	if err := s.leaveRefused([]refusedReading{{list[0], entry.Refuse(entry.CodeWrongBinding, "x")}}); err == nil {
		t.Fatal("the dead letter cannot have been written")
	}
	s.giveBack(list)
	if n, _ := s.Pending(); n != 1 {
		t.Error("the reading is gone and so is its dead letter")
	}
}
