package ingest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"indelible/api/client"
	"indelible/ledger/entry"
)

func spoolConfig(dir string) SpoolConfig {
	return SpoolConfig{Dir: dir, SegmentBytes: minSegmentBytes, Now: time.Now, Rand: rand.Reader, Logger: quiet()}
}

func openSpool(t testing.TB, dir string) *Spool {
	t.Helper()
	s, err := OpenSpool(spoolConfig(dir))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeSpool(t testing.TB, s *Spool) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// waiting takes everything of a jurisdiction, checks that openings came back
// whole, and gives it back.
func waiting(t testing.TB, s *Spool, jurisdiction string) []*client.Signed {
	t.Helper()
	list := takeAll(t, s, jurisdiction)
	s.giveBack(list)
	signed := make([]*client.Signed, len(list))
	for i, l := range list {
		signed[i] = l.signed
	}
	return signed
}

func takeAll(t testing.TB, s *Spool, jurisdiction string) []leased {
	t.Helper()
	list, _, err := s.take(jurisdiction, 1<<20, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		commitments := map[entry.Class]entry.Hash{}
		for _, o := range l.signed.Openings {
			commitments[o.Class] = entry.Commit(o.Encoded)
		}
		parts, err := entry.NewParts(commitments)
		if err != nil || *l.signed.Statement.Parts != parts.Digest() {
			t.Fatal("a reading came back with other openings")
		}
		if err := l.signed.Statement.Verify(l.signed.Author); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func ids(list []*client.Signed) map[entry.StatementID]bool {
	set := map[entry.StatementID]bool{}
	for _, s := range list {
		set[s.Statement.ID()] = true
	}
	return set
}

func commitAll(t testing.TB, s *Spool, list ...*client.Signed) {
	t.Helper()
	if err := s.Commit(Batch{Readings: list}); err != nil {
		t.Fatal(err)
	}
}

// allBytes reads every file below a directory.
func allBytes(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// memory is a directory in memory where the system has one: images of crashes
// are opened by the hundred, and nobody pulls the plug on them.
func memory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "indelible-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// restore writes an image of a directory.
func restore(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := memory(t)
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func noCanary(t testing.TB, dir string) {
	t.Helper()
	for name, content := range allBytes(t, dir) {
		if bytes.Contains(content, []byte(canary)) {
			t.Errorf("%s holds the canary in clear", name)
		}
	}
}

func TestSpoolKeepsReadingsAndValues(t *testing.T) {
	log, dir := newTestLog(t), t.TempDir()
	s := openSpool(t, dir)
	d, other := newDevice(t, log.id, "eu"), newDevice(t, log.id, "us")
	var want []*client.Signed
	for n := range 30 {
		device := d
		if n%3 == 0 {
			device = other
		}
		signed := sign(t, device, n)
		key, state := journaled(device)
		err := s.Commit(Batch{Readings: []*client.Signed{signed}, Values: map[string][]byte{key: state, "n": fmt.Append(nil, n), fmt.Sprint("gone", n-1): nil, fmt.Sprint("gone", n): []byte("x")}})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, signed)
	}
	for range 3 {
		closeSpool(t, s)
		noCanary(t, dir)
		s = openSpool(t, dir)
		if count, size := s.Pending(); count != 30 || size <= 0 {
			t.Fatalf("%d readings wait", count)
		}
		if got := s.jurisdictions(); !slices.Equal(got, []string{"eu", "us"}) {
			t.Fatal(got)
		}
		got := append(waiting(t, s, "eu"), waiting(t, s, "us")...)
		if !maps.Equal(ids(got), ids(want)) {
			t.Fatal("other readings came back")
		}
		if value, _ := s.Value("n"); string(value) != "29" {
			t.Fatalf("n is %q", value)
		}
		if keys := s.keys("gone"); !slices.Equal(keys, []string{"gone29"}) {
			t.Fatalf("kept %q", keys)
		}
		value, _ := s.Value(keyDevice + d.Author().Author().String())
		if state, err := decodeDeviceState(value); err != nil || state.Seq != d.State().Seq {
			t.Fatalf("device state %+v, %v", state, err)
		}
	}
	closeSpool(t, s)
}

func TestSpoolOrderIsThatOfCommits(t *testing.T) {
	log := newTestLog(t)
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	d := newDevice(t, log.id, "eu")
	for n := range 20 {
		commitAll(t, s, sign(t, d, n))
	}
	for i, signed := range waiting(t, s, "eu") {
		if signed.Statement.Seq != uint64(i+1) {
			t.Fatalf("place %d holds sequence %d", i, signed.Statement.Seq)
		}
	}
}

func TestSpoolTakesNothingTwice(t *testing.T) {
	log := newTestLog(t)
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	signed := sign(t, newDevice(t, log.id, "eu"), 1)
	commitAll(t, s, signed)
	commitAll(t, s, signed)
	if count, _ := s.Pending(); count != 1 {
		t.Errorf("%d readings wait", count)
	}
	first := takeAll(t, s, "eu")
	if again := takeAll(t, s, "eu"); len(first) != 1 || len(again) != 0 {
		t.Errorf("took %d and %d", len(first), len(again))
	}
}

func TestSpoolLeavesOnlyWithItsOwnReceipt(t *testing.T) {
	log := newTestLog(t)
	s := openSpool(t, t.TempDir())
	defer closeSpool(t, s)
	d := newDevice(t, log.id, "eu")
	a, b := sign(t, d, 1), sign(t, d, 2)
	commitAll(t, s, a, b)
	list := takeAll(t, s, "eu")
	for name, p := range map[string]*client.Proven{"none": nil, "another's": log.proven(t, b)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a reading left with %s receipt", name)
				}
			}()
			_ = s.leaveProven([]provenReading{{list[0].pending, p}})
		}()
	}
	if count, _ := s.Pending(); count != 2 {
		t.Fatalf("%d wait", count)
	}
	if err := s.leaveProven([]provenReading{{list[0].pending, log.proven(t, a)}}); err != nil {
		t.Fatal(err)
	}
	if got := waiting(t, s, "eu"); len(got) != 0 { // b is still taken
		t.Fatalf("%d can be taken", len(got))
	}
	s.giveBack(list[1:])
	if got := waiting(t, s, "eu"); len(got) != 1 || got[0].Statement.ID() != b.Statement.ID() {
		t.Fatal("the other one is gone")
	}
}
