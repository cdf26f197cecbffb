package vault

import (
	"bytes"
	"context"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/vaulttest"
	"indelible/test/seed"
)

// TestOmniscientAttacker runs random histories of registering, writing,
// holding, erasing, crashing, and losing proposals. At every end of an erasure,
// and at the end of the history, somebody who has kept every byte ever written
// and every key that still exists gets nothing that was erased; and everything
// that lives comes back.
func TestOmniscientAttacker(t *testing.T) {
	seeds := seed.Each(t, 1, histories)
	erased, overtaken, protected := 0, 0, 0
	for _, number := range seeds {
		h := newHistory(t, number)
		h.run(60)
		h.finish()
		h.judge()
		h.nobodyLooked()
		h.scan()
		for _, l := range h.people {
			if l.identity {
				erased++
			}
		}
		h.site.close()
		overtaken += h.overtaken
		protected += h.protected
	}
	if !seed.Given(t) && (erased == 0 || overtaken == 0 || protected == 0 && len(seeds) > 10) {
		t.Fatal("no history erased anyone, overtook anyone, or held anything: the test proves nothing")
	}
	t.Logf("%d persons erased, %d commands overtaken, %d times protected by a hold", erased, overtaken, protected)
}

func (h *history) run(steps int) {
	for range 3 {
		h.register()
	}
	for range steps {
		l := h.people[h.rng.IntN(len(h.people))]
		switch h.rng.IntN(17) {
		case 0, 1:
			h.register()
		case 2, 3, 4, 5:
			h.write(l)
		case 6, 7, 8:
			h.request(l)
		case 9, 10:
			if l.hold == nil {
				h.approve(l)
				if h.rng.IntN(4) == 0 {
					h.setHold(l)
				}
			}
		case 11:
			h.cancel(l)
		case 12:
			h.toggleHold(l)
		case 13:
			h.site.world.Now += uint64(h.rng.IntN(90_000))
			h.advance()
			h.judge()
		case 14:
			h.living(l)
		case 15:
			h.reopen(h.disk.Now(100))
		case 16:
			h.look(l)
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
	h.site.world.Now += 60_000 // what waited for a hold looks again
	h.site.world.Now += 600_000
	h.advance()
	h.advance()
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
	list := h.spy.Attack(h.tb, h.disk)
	got := make(map[string]bool)
	for _, o := range list {
		got[o.What] = true
	}
	for i, l := range h.people {
		h.judgeOne(uint64(i), l, list, got)
	}
}

func (h *history) judgeOne(i uint64, l *life, list []vaulttest.Opened, got map[string]bool) {
	h.tb.Helper()
	slot, ok, err := h.site.store.View().Find(l.handle)
	if err != nil || !ok {
		h.tb.Fatalf("seed %d: the slot of person %d is gone: %v", h.seed, i, err)
	}
	n := slot // both numbers come from one allocation
	if l.identity {
		needles := []string{"ins|" + l.token, "IDC-" + l.token}
		if h.gone(l.identifier) {
			needles = append(needles, l.identifier)
		}
		for _, needle := range needles {
			if what, seen := vaulttest.Sees(list, []byte(needle)); seen {
				h.tb.Fatalf("seed %d: the identity of person %d is erased and yet found in a %s", h.seed, i, what)
			}
		}
	} else if _, seen := vaulttest.Sees(list, []byte(l.identifier)); !seen {
		h.tb.Fatalf("seed %d: the attacker is too weak: a living identity does not open", h.seed)
	}
	if l.all {
		if what, seen := vaulttest.Sees(list, []byte("CLC-"+l.token)); seen {
			h.tb.Fatalf("seed %d: person %d is erased and yet found in a %s", h.seed, i, what)
		}
		if what, seen := vaulttest.Sees(list, l.handle[:]); seen {
			h.tb.Fatalf("seed %d: the handle of person %d is erased and yet found in a %s", h.seed, i, what)
		}
		if got[vaulttest.LinkOf(slot)] || got[vaulttest.SlotsOfSubject(n)] {
			h.tb.Fatalf("seed %d: the slots of person %d can still be joined", h.seed, i)
		}
		return
	}
	if !got[vaulttest.LinkOf(slot)] || !got[vaulttest.SlotsOfSubject(n)] {
		h.tb.Fatalf("seed %d: the attacker is too weak: a living series does not open", h.seed)
	}
	if _, seen := vaulttest.Sees(list, []byte("CLC-"+l.token)); !seen && len(l.readings) > 0 {
		h.tb.Fatalf("seed %d: the attacker is too weak: living records do not open", h.seed)
	}
}

// living demands that what was not erased comes back against a grant, and what
// was does not.
func (h *history) living(l *life) {
	h.tb.Helper()
	s := h.site
	if !l.identity && !h.executing(l) {
		s.whole(l.person)
		return
	}
	if _, err := s.find(l.identifier); l.identity && h.gone(l.identifier) {
		vaulttest.WantCode(h.tb, err, entry.CodeUnknownSubject)
	}
	if len(l.readings) == 0 {
		return
	}
	list, err := s.readAll(l.person, "clinical", "identity")
	if l.all {
		vaulttest.WantCode(h.tb, err, entry.CodeSubjectErased)
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
	if e == nil || e.approval == nil {
		return false
	}
	return !l.hold.blocks(e.scope)
}

func (h *history) graceEnd(e *erasureInTest) uint64 {
	p, _, err := h.site.progress(e.record.Statement.ID())
	h.site.must(err)
	return p.Approved + ledgertest.Grace
}

// look leaves an access entry about somebody, whose audit part can be told.
func (h *history) look(l *life) {
	s := h.site
	r := Request{RPC: "Count", Fields: []string{"clinical"}, Caller: caller, Handle: l.handle}
	_, err := s.grant(ask{entry.AccessCount, l.handle, r}, func(a *entry.AccessAudit, _ *entry.Draft) { a.UserAgent = "AUC-" + l.token })
	if err != nil && !l.all && !h.executing(l) {
		h.tb.Fatalf("seed %d: an access is not recorded: %v", h.seed, err)
	}
}

// nobodyLooked demands that the audit parts of who is erased altogether are
// gone: here they have no floor.
func (h *history) nobodyLooked() {
	list := h.spy.Attack(h.tb, h.disk)
	for _, l := range h.people {
		if what, seen := vaulttest.Sees(list, []byte("AUC-"+l.token)); seen && l.all {
			h.tb.Fatalf("seed %d: who looked at an erased person is found in a %s", h.seed, what)
		}
	}
}

// toggleHold sets a hold, or releases the one in force.
func (h *history) toggleHold(l *life) {
	s, w, ctx := h.site, h.site.world, context.Background()
	if l.hold == nil {
		h.setHold(l)
		return
	}
	release := w.Hold(w.Officers[0], euGroup, &entry.Hold{Action: entry.HoldRelease, Set: l.hold.set.Statement.ID()})
	confirm := w.Confirm(w.Officers[1], release)
	s.mustAppend(release, confirm)
	h.do("release", func() error { return h.site.vault.EndHold(ctx, confirm.ID()) })
	l.hold = nil
}

// setHold sets a hold, also while an erasure is in its grace. Half of the time
// the node that should put it into force never does.
func (h *history) setHold(l *life) {
	s := h.site
	class := entry.Class(1 + h.rng.IntN(2))
	content, err := entry.HoldTarget{Handles: entry.HandleList{l.handle}, Class: class}.EncodeContent()
	s.must(err)
	hold := &holdInTest{class: class, told: h.rng.IntN(2) == 0}
	hold.set = s.seriesRecord(s.world.Officers[0], entry.KindHold, &entry.Hold{Action: entry.HoldSet}, content)
	if l.all || l.identity && class == entry.ClassIdentity {
		vaulttest.WantCode(h.tb, s.submit(hold.set), entry.CodeSubjectErased)
		return
	}
	if e := l.open(); e != nil && e.approval != nil && s.world.Now >= h.graceEnd(e) {
		return // it may be too late, or not
	}
	h.do("hold", func() error {
		if err := h.site.submit(hold.set); err != nil || !hold.told {
			return err
		}
		return h.site.vault.BeginHold(context.Background(), hold.set.Statement.ID())
	})
	l.hold = hold
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
	isRoot := make(map[vaulttest.Key]bool)
	for _, root := range vaulttest.Roots(h.tb, h.disk, "keyring") {
		isRoot[root] = true
	}
	for k := range h.spy.Reach(h.tb, h.disk) {
		if !isRoot[k] && bytes.Contains(all, k[:]) {
			h.tb.Fatalf("seed %d: a key was written in clear", h.seed)
		}
	}
}
