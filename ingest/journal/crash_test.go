package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"indelible/ingest/journal"
	"indelible/ingest/journal/journaltest"
	"indelible/test/seed"
)

// history runs random steps on a journal and on a model of it.
type history struct {
	*mathrand.Rand
	t         *testing.T
	disk      *journaltest.Disk
	journal   *journal.Journal
	model     content
	keys      map[uint64][]byte // of all segments, as they were drawn
	destroyed map[string]uint64 // keys of segments that Destroy destroyed
	step      int
}

func newHistory(t *testing.T, random *mathrand.Rand) *history {
	h := &history{
		Rand: random, t: t, disk: journaltest.NewDisk(),
		model: content{}, keys: map[uint64][]byte{}, destroyed: map[string]uint64{},
	}
	h.open("created", h.model)
	return h
}

// open opens the journal and compares it with what it may hold: one of a list.
func (h *history) open(what string, may ...content) {
	h.t.Helper()
	j, found, err := read(h.t, config(h.disk.Dir("j")))
	if err != nil {
		h.t.Fatalf("step %d, %s: %v", h.step, what, err)
	}
	if !slices.ContainsFunc(may, found.equal) {
		h.t.Fatalf("step %d, %s: found%v, may be%v", h.step, what, found, may)
	}
	h.journal, h.model = j, found
	if len(found) == 0 {
		if err := rotate(j); err != nil {
			h.t.Fatal(err)
		}
		h.model[j.Active().Number()] = []string{}
	}
	h.checkKeys()
}

// checkKeys finds the keys of what was destroyed nowhere, and no key twice.
func (h *history) checkKeys() {
	h.t.Helper()
	seen := map[string]bool{}
	for file, raw := range h.disk.Files("j") {
		if !strings.HasSuffix(file, ".key") || bytes.Equal(raw, make([]byte, len(raw))) {
			continue
		}
		if number, ok := h.destroyed[string(raw)]; ok {
			h.t.Fatalf("step %d: the key of segment %d, which was destroyed, is in %s", h.step, number, file)
		}
		if seen[string(raw)] {
			h.t.Fatalf("step %d: two segments have one key", h.step)
		}
		seen[string(raw)] = true
		for number := range h.model {
			if file == name(number, "key") {
				h.keys[number] = raw
			}
		}
	}
}

// do runs one step; the power may go in the middle of it. It returns what the journal
// may hold after a crash, besides what it held before.
func (h *history) do() (after content, err error) {
	switch n := h.IntN(100); {
	case n < 60:
		return h.append()
	case n < 85:
		return h.rotate()
	default:
		return h.destroy()
	}
}

func (h *history) record() string {
	return strings.Repeat(fmt.Sprintf("%d/%d ", h.step, h.Uint32()), 1+h.IntN(200))
}

func (h *history) append() (content, error) {
	var records [][]byte
	after, number := h.model.clone(), h.journal.Active().Number()
	for range 1 + h.IntN(4) {
		records = append(records, []byte(h.record()))
		after[number] = append(after[number], string(records[len(records)-1]))
	}
	_, err := h.journal.Append(records...)
	return after, err
}

func (h *history) rotate() (content, error) {
	after := h.model.clone()
	var carried []string
	for _, number := range slices.Sorted(maps.Keys(after)) {
		if h.IntN(2) == 0 && len(carried) < 30 {
			carried = append(carried, after[number]...)
		}
	}
	after[h.journal.Active().Number()+1] = append([]string{}, carried...)
	return after, rotate(h.journal, carried...)
}

func (h *history) destroy() (content, error) {
	segments := h.journal.Segments()
	if len(segments) == 1 {
		return h.model, nil
	}
	g := segments[h.IntN(len(segments)-1)]
	after := h.model.clone()
	delete(after, g.Number())
	err := h.journal.Destroy(g)
	if err == nil {
		h.destroyed[string(h.keys[g.Number()])] = g.Number()
	}
	return after, err
}

// Random histories against a model, with processes killed and power cut at any
// operation: what was acknowledged or shown is there, what was under way is there as
// a whole or not at all, what was destroyed stays destroyed.
func TestCrashes(t *testing.T) {
	h := newHistory(t, seed.Rand(t))
	for step := range 1000 {
		if step%50 == 49 { // a new journal, before this one grows too large
			h = newHistory(t, h.Rand)
		}
		h.step = step
		crash := h.IntN(3) == 0
		if crash {
			h.disk.CutAfter(h.IntN(12))
		}
		after, err := h.do()
		switch {
		case err != nil && !errors.Is(err, journaltest.ErrPower):
			t.Fatalf("step %d: %v", h.step, err)
		case err != nil:
			h.restart("power cut in a step", h.model, after)
		case crash:
			h.restart("power cut after a step", after)
		default:
			h.model = after
			h.checkKeys()
		}
		if h.IntN(40) == 0 {
			closeJournal(t, h.journal)
			h.open("closed", h.model)
		}
	}
}

// restart crashes; now and then only the process first, and the power a moment after
// the next one has opened the journal and shown what it holds.
func (h *history) restart(what string, may ...content) {
	h.t.Helper()
	if h.IntN(2) == 0 {
		h.disk = h.disk.Kill()
		h.open(what+", process killed", may...)
		may = []content{h.model}
	}
	cut := h.disk
	for range 3 { // different things may be left of it
		if h.journal != nil {
			_ = h.journal.Close()
		}
		h.disk = cut.Restart(h.Rand)
		h.open(what, may...)
	}
}

// The power goes at each operation of one history in turn, opening included.
func TestCrashAtEachOperation(t *testing.T) {
	random := seed.Rand(t)
	for cut := 0; ; cut++ {
		h := newHistory(t, random)
		h.disk.CutAfter(cut)
		ended := true
		for _, step := range []func() (content, error){h.append, h.rotate, h.append, h.rotate, h.destroy, h.append} {
			after, err := step()
			if err != nil {
				h.cutWhileOpening(after)
				ended = false
				break
			}
			h.model = after
		}
		if ended {
			t.Logf("%d operations", cut)
			return
		}
	}
}

// cutWhileOpening lets the power go again at each operation of the opening.
func (h *history) cutWhileOpening(after content) {
	h.t.Helper()
	for cut := 0; ; cut++ {
		disk := h.disk.Restart(h.Rand)
		disk.CutAfter(cut)
		j, _, err := read(h.t, config(disk.Dir("j")))
		h.disk = disk.Restart(h.Rand)
		if err == nil {
			_ = j.Close()
			h.open("after the cuts", h.model, after)
			return
		}
		if !errors.Is(err, journaltest.ErrPower) {
			h.t.Fatalf("cut at operation %d of opening: %v", cut, err)
		}
	}
}

// The same with single operations that fail while the process goes on: it may try
// again what the journal still takes.
func TestFaults(t *testing.T) {
	h := newHistory(t, seed.Rand(t))
	for step := range 400 {
		if step%50 == 49 {
			h = newHistory(t, h.Rand)
		}
		h.step = step
		if h.IntN(3) == 0 {
			h.disk.FailAfter(h.IntN(12))
		}
		after, err := h.do()
		switch {
		case err != nil && !errors.Is(err, journaltest.ErrFault):
			t.Fatalf("step %d: %v", step, err)
		case h.journal.Failed() != nil && err != nil:
			h.restart("a step failed", h.model, after)
		case h.journal.Failed() != nil: // the step after this one would
			h.restart("a step was acknowledged", after)
		case err == nil:
			h.model = after
			h.checkKeys()
			fallthrough
		default:
			if h.IntN(10) == 0 {
				h.disk.FailAfter(1 << 30)
				h.restart("power cut after a fault", h.model)
			}
		}
	}
}
