package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"indelible/api/client"
	"indelible/ingest/journal/journaltest"
	"indelible/ledger/entry"
)

func TestSpoolHasBounds(t *testing.T) {
	log := newTestLog(t)
	cfg := spoolConfig(t.TempDir())
	cfg.MaxBytes = 4000
	s, err := OpenSpool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer closeSpool(t, s)
	d := newDevice(t, log.id, "eu")
	for n := 0; ; n++ {
		err := s.Commit(Batch{Readings: []*client.Signed{sign(t, d, n)}, Values: map[string][]byte{"n": fmt.Append(nil, n)}})
		if errors.Is(err, ErrSpoolFull) {
			break
		}
		if err != nil || n > 10 {
			t.Fatal(n, err)
		}
	}
	held, size := s.Pending()
	if size > cfg.MaxBytes {
		t.Errorf("%d bytes wait, %d allowed", size, cfg.MaxBytes)
	}
	if value, _ := s.Value("n"); string(value) != fmt.Sprint(held-1) {
		t.Errorf("a full spool moved the position to %s with %d readings", value, held)
	}
	if err := s.Commit(Batch{Values: map[string][]byte{"n": []byte("x")}}); err != nil {
		t.Errorf("a full spool does not take values: %v", err)
	}
	if err := s.Commit(Batch{Values: map[string][]byte{"n": make([]byte, maxFrame)}}); !errors.Is(err, ErrCommitTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func TestSpoolIsForOneProcess(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	if _, err := OpenSpool(spoolConfig(dir)); !errors.Is(err, ErrSpoolLocked) {
		t.Errorf("a second one opens: %v", err)
	}
	closeSpool(t, s)
	closeSpool(t, openSpool(t, dir))
}

func TestOnceMakesOnce(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	made := 0
	var running sync.WaitGroup
	for range 20 {
		running.Go(func() {
			value, err := s.Once("k", func() ([]byte, error) { made++; return fmt.Append(nil, made), nil })
			if err != nil || string(value) != "1" {
				t.Errorf("%q, %v", value, err)
			}
		})
	}
	running.Wait()
	if _, err := s.Once("fails", func() ([]byte, error) { return nil, errors.New("no") }); err == nil {
		t.Error("an error is swallowed")
	}
	closeSpool(t, s)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	value, err := s.Once("k", func() ([]byte, error) { return nil, errors.New("made again") })
	if err != nil || string(value) != "1" || made != 1 {
		t.Errorf("%q, %v, made %d times", value, err, made)
	}
}

func TestConcurrentCommits(t *testing.T) {
	log, dir := newTestLog(t), t.TempDir()
	s := openSpool(t, dir)
	var mu sync.Mutex
	want := map[entry.StatementID]bool{}
	var running sync.WaitGroup
	for range 8 {
		d := newDevice(t, log.id, "eu")
		running.Go(func() {
			for n := range 25 {
				signed := sign(t, d, n)
				if err := s.Commit(Batch{Readings: []*client.Signed{signed}}); err != nil {
					t.Error(err)
				}
				mu.Lock()
				want[signed.Statement.ID()] = true
				mu.Unlock()
			}
		})
	}
	running.Wait()
	closeSpool(t, s)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	if !maps.Equal(ids(waiting(t, s, "eu")), want) {
		t.Error("other readings came back")
	}
}

func TestNewestFirst(t *testing.T) {
	log := newTestLog(t)
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	d, other := newDevice(t, log.id, "eu"), newDevice(t, log.id, "eu")
	for n := range 12 {
		commitAll(t, s, sign(t, []*client.Device{d, other}[n%2], n))
	}
	s.turnAround("eu", d.Author().Author(), time.Time{})
	var mine, others []uint64
	for i, signed := range waiting(t, s, "eu") {
		if signed.Statement.Author == d.Author().Author() {
			mine = append(mine, signed.Statement.Seq)
			if i%2 != 0 {
				t.Error("places moved")
			}
		} else {
			others = append(others, signed.Statement.Seq)
		}
	}
	if !slices.Equal(mine, []uint64{6, 5, 4, 3, 2, 1}) || !slices.Equal(others, []uint64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("%v and %v", mine, others)
	}
}

func TestDeadLettersAreKeptSealed(t *testing.T) {
	log, dir := newTestLog(t), t.TempDir()
	s := openSpool(t, dir)
	d := newDevice(t, log.id, "eu")
	a, b := sign(t, d, 1), sign(t, d, 2)
	commitAll(t, s, a, b)
	list := takeAll(t, s, "eu")
	refusal := entry.Refuse(entry.CodeWrongBinding, "the binding is another's")
	for _, l := range list {
		if err := s.leaveRefused([]refusedReading{{l, refusal}}); err != nil {
			t.Fatal(err)
		}
	}
	// A crash between the dead letter and the mark in the queue writes it again.
	if err := s.writeLetters([]refusedReading{{list[0], refusal}}); err != nil {
		t.Fatal(err)
	}
	closeSpool(t, s)
	noCanary(t, dir)
	s = openSpool(t, dir)
	defer closeSpool(t, s)
	letters, err := s.DeadLetters()
	if err != nil || len(letters) != 2 {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	for i, want := range []*client.Signed{a, b} {
		l := letters[i]
		if l.Code != refusal.Code || l.Text != refusal.Text || l.At == 0 || l.Signed.Statement.ID() != want.Statement.ID() ||
			!bytes.Equal(l.Signed.Openings[0].Encoded, want.Openings[0].Encoded) {
			t.Errorf("letter %d is another one", i)
		}
	}
	if count, _ := s.Pending(); count != 0 {
		t.Errorf("%d still wait", count)
	}
	if err := s.PurgeDeadLetters(); err != nil {
		t.Fatal(err)
	}
	if letters, err := s.DeadLetters(); err != nil || len(letters) != 0 {
		t.Errorf("after the purge %d letters, %v", len(letters), err)
	}
	for name := range allBytes(t, filepath.Join(dir, "dead")) {
		t.Errorf("%s is left", name)
	}
}

// A spool of the format before this one is refused with a text that says what it is,
// and left as it is: its readings were signed and may be in no log.
func TestOlderSpoolIsRefused(t *testing.T) {
	old := map[string][]byte{
		"queue/" + segmentName(3): append([]byte("indelible spool1"), make([]byte, 300)...),
		"queue/" + keyName(3):     bytes.Repeat([]byte{7}, keySize),
		"queue/" + keyName(4):     bytes.Repeat([]byte{8}, keySize), // not yet published
		"queue/lock":              nil,
	}
	dir := restore(t, old)
	_, err := OpenSpool(spoolConfig(dir))
	if !errors.Is(err, ErrSpoolCorrupt) || !strings.Contains(err.Error(), "another format") || !strings.Contains(err.Error(), "indelible spool1") {
		t.Errorf("got %v", err)
	}
	if !maps.EqualFunc(allBytes(t, dir), old, bytes.Equal) {
		t.Error("the directory was changed")
	}
}

// A spool that is closed says nothing of dead letters, and does not call them purged.
func TestDeadLettersOfAClosedSpool(t *testing.T) {
	s := openSpool(t, t.TempDir())
	closeSpool(t, s)
	_, err := s.DeadLetters()
	for _, err := range []error{err, s.PurgeDeadLetters(), s.forgetLetters(entry.AuthorID{})} {
		if !errors.Is(err, ErrSpoolBroken) {
			t.Errorf("got %v", err)
		}
	}
}

// A purge that failed, or the forgetting of a subject, is not called done the next time
// by a process that only no longer looks at what it could not destroy.
func TestDeadLettersThatCouldNotBeDestroyed(t *testing.T) {
	log := newTestLog(t)
	d := newDevice(t, log.id, "eu")
	a := sign(t, d, 1)
	for what, test := range map[string]struct {
		destroy func(s *Spool) error
		after   int // operations
	}{
		"purged":    {(*Spool).PurgeDeadLetters, 0},
		"forgotten": {func(s *Spool) error { return s.forgetLetters(a.Statement.Author) }, 9}, // after those of a segment
	} {
		disk := journaltest.NewDisk()
		s, err := OpenSpool(onDisk(disk))
		if err != nil {
			t.Fatal(err)
		}
		commitAll(t, s, a)
		refused := refusedReading{takeAll(t, s, "eu")[0], entry.Refuse(entry.CodeWrongBinding, "the binding is another's")}
		if err := s.leaveRefused([]refusedReading{refused}); err != nil {
			t.Fatal(err)
		}
		disk.FailAfter(test.after)
		if err := test.destroy(s); !errors.Is(err, journaltest.ErrFault) {
			t.Fatalf("%s: %v", what, err)
		}
		if err := test.destroy(s); !errors.Is(err, ErrSpoolBroken) {
			t.Errorf("%s a second time: %v", what, err)
		}
		closeSpool(t, s)
		if s, err = OpenSpool(onDisk(disk)); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if letters, err := s.DeadLetters(); err != nil || len(letters) != 1 {
			t.Errorf("%s, opened again: %d letters, %v", what, len(letters), err)
		}
		if err := test.destroy(s); err != nil {
			t.Errorf("%s, opened again: %v", what, err)
		}
		if letters, err := s.DeadLetters(); err != nil || len(letters) != 0 {
			t.Errorf("%s at last: %d letters, %v", what, len(letters), err)
		}
		closeSpool(t, s)
	}
}

func TestSpoolStopsAfterAFailedWrite(t *testing.T) {
	log := newTestLog(t)
	disk := journaltest.NewDisk()
	s, err := OpenSpool(onDisk(disk))
	if err != nil {
		t.Fatal(err)
	}
	d := newDevice(t, log.id, "eu")
	commitAll(t, s, sign(t, d, 1))
	disk.FailAfter(0) // once
	for n := range 2 {
		if err := s.Commit(Batch{Readings: []*client.Signed{sign(t, d, 2+n)}}); !errors.Is(err, ErrSpoolBroken) {
			t.Fatalf("commit %d: %v", n, err)
		}
	}
	if count, _ := s.Pending(); count != 1 {
		t.Errorf("%d wait after failed commits", count)
	}
	_ = s.Close()
}

func TestSpoolConfigReportsAllFaults(t *testing.T) {
	err := SpoolConfig{SegmentBytes: 1, MaxBytes: -1}.Validate()
	for _, want := range []string{"Dir", "SegmentBytes", "MaxBytes", "Now", "Rand", "Logger"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not reported: %v", want, err)
		}
	}
}

// A segment that holds what was forgotten is destroyed after a crash too, although no
// reading has left it.
func TestForgettingOutlivesARotation(t *testing.T) {
	log, disk := newTestLog(t), journaltest.NewDisk()
	s, err := OpenSpool(onDisk(disk))
	if err != nil {
		t.Fatal(err)
	}
	signed := sign(t, newDevice(t, log.id, "eu"), 1)
	if err := s.Commit(Batch{Readings: []*client.Signed{signed}, Values: map[string][]byte{"who": []byte("old")}}); err != nil {
		t.Fatal(err)
	}
	if err := s.forgetValues(map[string][]byte{"who": nil}); err != nil {
		t.Fatal(err)
	}
	if err := s.rotate(nil); err != nil {
		t.Fatal(err)
	}
	if s, err = OpenSpool(onDisk(disk.Kill())); err != nil {
		t.Fatal(err)
	}
	if first := s.journal.Segments()[0].Number(); first == 1 {
		t.Error("the segment with the forgotten value is still there")
	}
	if waiting, _ := s.Pending(); waiting != 1 {
		t.Errorf("%d readings wait", waiting)
	}
	closeSpool(t, s)
}
