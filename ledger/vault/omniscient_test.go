package vault

import (
	"bytes"
	"context"
	"testing"

	"indelible/ledger/entry"
)

// TestOmniscientAttacker runs random histories of registering, writing,
// holding, erasing, crashing, and losing proposals. At every end of an erasure,
// and at the end of the history, somebody who has kept every byte ever written
// and every key that still exists gets nothing that was erased; and everything
// that lives comes back.
func TestOmniscientAttacker(t *testing.T) {
	seeds := make([]uint64, 0, *histories)
	for i := range *histories {
		seeds = append(seeds, uint64(i)+1)
	}
	if *seedFlag != 0 {
		seeds = []uint64{*seedFlag}
	}
	erased, overtaken := 0, 0
	for _, seed := range seeds {
		h := newHistory(t, seed)
		h.run(60)
		h.finish()
		h.judge()
		h.scan()
		for _, l := range h.people {
			if l.identity {
				erased++
			}
		}
		h.site.close()
		overtaken += h.overtaken
	}
	if erased == 0 || overtaken == 0 {
		t.Fatal("no history erased anyone, or nobody was overtaken: the test proves nothing")
	}
	t.Logf("%d persons erased, %d commands overtaken", erased, overtaken)
}

func (h *history) run(steps int) {
	for range 3 {
		h.register()
	}
	for range steps {
		l := h.people[h.rng.IntN(len(h.people))]
		switch h.rng.IntN(16) {
		case 0, 1:
			h.register()
		case 2, 3, 4, 5:
			h.write(l)
		case 6, 7, 8:
			h.request(l)
		case 9, 10:
			if l.hold == nil {
				h.approve(l)
			}
		case 11:
			h.cancel(l)
		case 12:
			h.toggleHold(l)
		case 13:
			h.site.world.Now += uint64(h.rng.IntN(90_000))
			h.settle()
			h.judge()
		case 14:
			h.living(l)
		case 15:
			h.reopen(h.disk.now(100))
		}
	}
}

// finish ends what is under way and lets the worker run dry.
func (h *history) finish() {
	for _, l := range h.people {
		if l.hold != nil {
			h.toggleHold(l)
		}
		h.approve(l)
	}
	h.site.world.Now += 600_000
	h.settle()
	h.settle()
	for _, l := range h.people {
		if e := l.open(); e != nil {
			h.tb.Fatalf("seed %d: an erasure has not ended", h.seed)
		}
		h.living(l)
	}
}

// judge sets the attacker on everything there ever was.
func (h *history) judge() {
	h.tb.Helper()
	list := h.spy.attack(h.tb, h.disk)
	got := make(map[string]bool)
	for _, o := range list {
		got[o.what] = true
	}
	for i, l := range h.people {
		h.judgeOne(uint64(i), l, list, got)
	}
}

func (h *history) judgeOne(i uint64, l *life, list []opened, got map[string]bool) {
	h.tb.Helper()
	slot, ok, err := h.site.store.view().slotOf(l.handle)
	if err != nil || !ok {
		h.tb.Fatalf("seed %d: the slot of person %d is gone: %v", h.seed, i, err)
	}
	n := slot // both numbers come from one allocation
	if l.identity {
		for _, needle := range []string{l.identifier, "ins|" + l.token, "IDC-" + l.token} {
			if what, seen := sees(list, []byte(needle)); seen {
				h.tb.Fatalf("seed %d: the identity of person %d is erased and yet found in a %s", h.seed, i, what)
			}
		}
	} else if _, seen := sees(list, []byte(l.identifier)); !seen {
		h.tb.Fatalf("seed %d: the attacker is too weak: a living identity does not open", h.seed)
	}
	if l.all {
		if what, seen := sees(list, []byte("CLC-"+l.token)); seen {
			h.tb.Fatalf("seed %d: person %d is erased and yet found in a %s", h.seed, i, what)
		}
		if got[linkOf(slot)] || got[slotsOfSubject(n)] {
			h.tb.Fatalf("seed %d: the slots of person %d can still be joined", h.seed, i)
		}
		return
	}
	if !got[linkOf(slot)] || !got[slotsOfSubject(n)] {
		h.tb.Fatalf("seed %d: the attacker is too weak: a living series does not open", h.seed)
	}
	if _, seen := sees(list, []byte("CLC-"+l.token)); !seen && len(l.readings) > 0 {
		h.tb.Fatalf("seed %d: the attacker is too weak: living records do not open", h.seed)
	}
}

// living demands that what was not erased comes back through the gate, and what
// was does not.
func (h *history) living(l *life) {
	h.tb.Helper()
	s := h.site
	if !l.identity && !h.executing(l) {
		s.whole(l.person)
		return
	}
	if _, err := s.find(l.identifier); l.identity {
		wantCode(h.tb, err, entry.CodeUnknownSubject)
	}
	if len(l.readings) == 0 {
		return
	}
	list, err := s.readAll(l.person, "clinical", "identity")
	if l.all {
		wantCode(h.tb, err, entry.CodeSubjectErased)
		return
	}
	if h.executing(l) {
		return // between condemnation and completion either answer is right
	}
	s.must(err)
	for i, one := range list {
		if !bytes.Equal(one.Openings[entry.ClassClinical], l.readings[i].clinical) || one.Openings[entry.ClassIdentity] != nil {
			h.tb.Fatalf("seed %d: after an erasure of identity the clinical part alone must come back", h.seed)
		}
	}
}

// executing reports whether keys of the person may be condemned already.
func (h *history) executing(l *life) bool {
	e := l.open()
	return e != nil && e.approval != nil
}

// toggleHold sets a hold, or releases the one in force.
func (h *history) toggleHold(l *life) {
	s, w, ctx := h.site, h.site.world, context.Background()
	if l.hold == nil {
		if l.all || l.open() != nil {
			return
		}
		class := entry.Class(1 + h.rng.IntN(2))
		content, err := entry.HoldTarget{Handles: entry.HandleList{l.handle}, Class: class}.EncodeContent()
		s.must(err)
		hold := &holdInTest{class: class}
		hold.set = s.seriesRecord(w.Officers[0], entry.KindHold, &entry.Hold{Action: entry.HoldSet}, content)
		h.do("hold", func() error {
			if err := h.site.submit(hold.set); err != nil {
				return err
			}
			return h.site.vault.BeginHold(ctx, hold.set.Statement.ID())
		})
		l.hold = hold
		return
	}
	release := w.Hold(w.Officers[0], euGroup, &entry.Hold{Action: entry.HoldRelease, Set: l.hold.set.Statement.ID()})
	confirm := w.Confirm(w.Officers[1], release)
	s.mustAppend(release, confirm)
	h.do("release", func() error { return h.site.vault.EndHold(ctx, confirm.ID()) })
	l.hold = nil
}

// scan looks for anything in clear in what was ever written to the disk.
func (h *history) scan() {
	h.tb.Helper()
	all := h.written.Bytes()
	for _, l := range h.people {
		for _, needle := range []string{l.identifier, "IDC-" + l.token, "CLC-" + l.token} {
			if bytes.Contains(all, []byte(needle)) {
				h.tb.Fatalf("seed %d: %s was written in clear", h.seed, needle[:4])
			}
		}
	}
	roots, err := h.site.keyring.List()
	h.site.must(err)
	isRoot := make(map[Key]bool)
	for _, version := range roots {
		k, err := h.site.keyring.load(version)
		h.site.must(err)
		isRoot[*k] = true
	}
	for k := range h.spy.reach(h.tb, h.disk) {
		if !isRoot[k] && bytes.Contains(all, k[:]) {
			h.tb.Fatalf("seed %d: a key was written in clear", h.seed)
		}
	}
}
