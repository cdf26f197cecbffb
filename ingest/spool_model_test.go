package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"indelible/api/client"
	"indelible/ledger/entry"
	"indelible/test/seed"
)

// history runs random steps on a spool and on a model of it.
type history struct {
	*rand.Rand
	t       *testing.T
	dir     string
	spool   *Spool
	model   contents
	devices []*client.Device
}

// TestAgainstModel runs random histories against a map and reopens now and then.
func TestAgainstModel(t *testing.T) {
	log := newTestLog(t)
	h := &history{
		Rand: seed.Rand(t), t: t, dir: t.TempDir(),
		model:   contents{waiting: map[entry.StatementID]bool{}, values: map[string]string{}},
		devices: []*client.Device{newDevice(t, log.id, "eu"), newDevice(t, log.id, "us"), newDevice(t, log.id, "eu")},
	}
	h.spool = openSpool(t, h.dir)
	for step := range 250 / min(scale, 3) {
		switch n := h.IntN(100); {
		case n < 50:
			h.commit(step)
		case n < 85:
			h.deliver()
		case n < 90:
			if err := h.spool.purge(true); err != nil {
				t.Fatal(err)
			}
		case n < 93:
			if err := h.spool.tidy(); err != nil {
				t.Fatal(err)
			}
		default:
			h.reopen(h.IntN(2) == 0)
		}
		if got := contentsOf(t, h.spool); !got.equal(h.model) {
			t.Fatalf("step %d: %d readings, want %d; values %v, want %v", step, len(got.waiting), len(h.model.waiting), got.values, h.model.values)
		}
	}
	closeSpool(t, h.spool)
	noCanary(t, h.dir)
}

func (h *history) commit(step int) {
	b := Batch{Values: map[string][]byte{}}
	for range 1 + h.IntN(4) {
		signed := sign(h.t, h.devices[h.IntN(3)], step)
		b.Readings = append(b.Readings, signed)
		h.model.waiting[signed.Statement.ID()] = true
	}
	key := fmt.Sprint("k", h.IntN(6))
	if b.Values[key] = nil; h.IntN(3) > 0 {
		b.Values[key] = fmt.Append(nil, step)
		h.model.values[key] = fmt.Sprint(step)
	} else {
		delete(h.model.values, key)
	}
	if err := h.spool.Commit(b); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) deliver() {
	list, _, err := h.spool.take([]string{"eu", "us"}[h.IntN(2)], 1+h.IntN(6), 1<<30)
	if err != nil {
		h.t.Fatal(err)
	}
	var left []provenReading
	var erased, back []leased
	for _, l := range list {
		switch h.IntN(4) {
		case 0:
			back = append(back, l)
		case 1:
			erased = append(erased, l)
			delete(h.model.waiting, l.id)
		default:
			left = append(left, provenReading{l.pending, &client.Proven{Statement: l.signed.Statement}})
			delete(h.model.waiting, l.id)
		}
	}
	h.spool.giveBack(back)
	if err := errors.Join(h.spool.leaveProven(left), h.spool.leaveErased(erased)); err != nil {
		h.t.Fatal(err)
	}
}

// reopen ends the process properly, or without a word.
func (h *history) reopen(properly bool) {
	image := allBytes(h.t, h.dir)
	closeSpool(h.t, h.spool)
	if !properly {
		h.dir = restore(h.t, image)
	}
	h.spool = openSpool(h.t, h.dir)
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
	if err := s.leaveErased([]leased{erased}); err != nil {
		t.Fatal(err)
	}
	s.giveBack(slices.Delete(slices.Clone(list), 4, 5))
	images = append(images, allBytes(t, dir))
	secret := erased.signed.Openings[0].Encoded
	if !opensAnywhere(t, images, allBytes(t, dir), secret) {
		t.Fatal("the attack does not find what is still there: it proves nothing")
	}
	key := filepath.Join(dir, "queue", keyName(erased.in.Number()))
	link := filepath.Join(dir, "link") // to the blocks on which the key lies
	if err := os.Link(key, link); err != nil {
		t.Fatal(err)
	}
	if err := s.purge(true); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadFile(link); err != nil || !bytes.Equal(left, make([]byte, keySize)) {
		t.Errorf("the key was removed but not overwritten: %v", err)
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
		if err := s.leaveProven([]provenReading{{l.pending, log.proven(t, l.signed)}}); err != nil {
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
				found := false
				for _, format := range []string{"spool", "dead letters"} {
					_ = readJournal(dir, format, func(record []byte) { found = found || bytes.Contains(record, secret) })
				}
				if err := os.RemoveAll(dir); err != nil {
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
