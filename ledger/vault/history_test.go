package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger"
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
	"indelible/ledger/vault/store"
	"indelible/ledger/vault/vaulttest"
)

// histories is how many random ones are tried.
const histories = 24 / vaulttest.Thinner

// life is a person in the model: what was done to it and is therefore true.
type life struct {
	*person
	token    string
	request  entry.RequestID
	records  []Record // of the registration, made once the handle is known
	bind     *entry.Statement
	erasures []*erasureInTest // asked for, in order
	hold     *holdInTest      // in the log, and in force or soon to be
	identity bool             // erased
	all      bool             // erased
}

type erasureInTest struct {
	scope     entry.Scope
	record    Record
	requested bool // acknowledged
	approval  *entry.Statement
	cancel    *entry.Statement
	ended     bool
}

type holdInTest struct {
	set   Record
	class entry.Class
	told  bool // the vault was told of it, and did not have to find it in the log
}

// blocks reports whether a hold keeps an erasure of a scope from happening.
func (h *holdInTest) blocks(scope entry.Scope) bool {
	return h != nil && (h.class == entry.ClassIdentity || scope == entry.ScopeAll)
}

// history drives one site through a random life with crashes and lost
// proposals, and keeps what must be true.
type history struct {
	tb   testing.TB
	seed uint64
	rng  *rand.Rand
	site *site
	disk *vaulttest.Disk
	spy  *vaulttest.Attacker

	people    []*life
	written   bytes.Buffer
	overtaken int
	protected int // times a hold stood between an erasure that was due and its execution
}

func newHistory(tb testing.TB, seed uint64) *history {
	h := &history{tb: tb, seed: seed, rng: rand.New(rand.NewPCG(seed, 7)), spy: &vaulttest.Attacker{Group: euGroup}}
	h.disk = vaulttest.NewDisk(vfs.NewCrashableMem())
	h.disk.Written = &h.written
	h.site = newSite(tb, seed, h.disk, spec(ledgertest.Grace, 0, 0, 0))
	h.site.tap = h.spy.Hear
	return h
}

// reopen leaves the node behind and starts it on an image of its disk.
func (h *history) reopen(image *vfs.MemFS) {
	h.tb.Helper()
	old := h.site
	h.disk = vaulttest.NewDisk(image)
	h.disk.Written = &h.written
	h.site = openSite(h.tb, old.world, h.disk, old.random)
	h.site.tap = h.spy.Hear
	old.tap = nil
	old.close()
}

// do runs an operation, perhaps under a fault, and then until it succeeds, as a
// client would that got no answer.
func (h *history) do(name string, op func() error) {
	h.tb.Helper()
	switch h.rng.IntN(10) {
	case 0, 1, 2: // a power cut somewhere within
		site := h.site
		h.disk.Cut(1+h.rng.IntN(30), []int{0, 50, 100}[h.rng.IntN(3)], func() { site.dead.Store(true) })
	case 3, 4: // proposals are lost, or their answers
		faults := 1 + h.rng.IntN(3)
		skip := h.rng.IntN(4)
		h.site.propose = func(Command) string {
			if skip > 0 {
				skip--
				return ""
			}
			if faults == 0 {
				return ""
			}
			faults--
			return []string{"lost", "unknown"}[h.rng.IntN(2)]
		}
	case 5, 6: // another node is quicker
		h.overtake()
	}
	err := op()
	h.site.propose = nil
	if image := h.disk.Image; image != nil {
		h.reopen(image)
		err = errLost
	}
	h.disk.Cut(-1, 0, nil)
	for try := 0; errors.Is(err, errLost) && try < 10; try++ {
		err = op()
	}
	if err != nil {
		h.tb.Fatalf("%s: %v", name, err)
	}
}

// overtake makes a second vault on the same store mint keys, plant or register
// somebody just before a command that was built on the state before.
func (h *history) overtake() {
	done := false
	site := h.site
	site.propose = func(c Command) string {
		if done {
			return ""
		}
		rival := site.newVault(site.keyring)
		switch c.Type {
		case store.CommandPlant, store.CommandMint, store.CommandRekey:
			done = true
			site.must(rival.keys.MakeRoom(context.Background()))
			h.overtaken++
		case store.CommandRegister:
			done = true
			_, err := rival.StaffHandle(context.Background(), entry.AuthorID(site.world.Hash()))
			site.must(err)
			h.overtaken++
		}
		return ""
	}
}

func (h *history) newLife() *life {
	w := h.site.world
	token := fmt.Sprintf("%x", w.ID())
	l := &life{person: &person{identifier: "mrn|" + token}, token: token, request: entry.RequestID(w.ID())}
	for _, before := range h.people { // somebody who was erased may come back
		if before.identity && h.rng.IntN(8) == 0 && h.gone(before.identifier) {
			l.identifier = before.identifier
		}
	}
	return l
}

// gone reports whether everybody who ever had an identifier is erased.
func (h *history) gone(identifier string) bool {
	for _, l := range h.people {
		if l.identifier == identifier && !l.identity {
			return false
		}
	}
	return true
}

func (h *history) register() {
	l := h.newLife()
	switch h.rng.IntN(8) {
	case 0, 1: // a client that loses the second command and does not come back
		h.loseRegistration(l)
		l.request = entry.RequestID(h.site.world.ID())
	case 2: // one that comes back, and had the names of another person before
		other := h.newLife()
		if other.identifier == l.identifier {
			break
		}
		other.request = l.request
		h.loseRegistration(other)
		h.registerUntilDone(l)
		other.request = entry.RequestID(h.site.world.ID())
		l = other
	}
	h.registerUntilDone(l)
}

func (h *history) registerUntilDone(l *life) {
	h.do("register", func() error { return h.registerOnce(l) })
	h.people = append(h.people, l)
}

func (h *history) loseRegistration(l *life) {
	h.site.propose = func(c Command) string {
		if c.Type == store.CommandRegister {
			return "lost"
		}
		return ""
	}
	if _, err := h.openSubject(l); !errors.Is(err, errLost) {
		h.tb.Fatalf("a lost registration gave %v", err)
	}
	h.site.propose = nil
}

func (h *history) openSubject(l *life) (entry.Handle, error) {
	return h.site.vault.OpenSubject(context.Background(), SubjectRequest{
		Request: l.request, Class: entry.HandleSubject, Identifiers: []string{l.identifier, "ins|" + l.token},
	})
}

func (h *history) registerOnce(l *life) error {
	s, w := h.site, h.site.world
	handle, err := h.openSubject(l)
	if err != nil {
		return err
	}
	if handle != l.handle {
		l.handle, l.device = handle, &ledgertest.Device{Key: w.DeviceKey(), Boot: 1}
		l.records = []Record{s.openHandle(handle), s.enrol(l.person)}
		l.binding, l.bind = w.Bind(l.device, handle, euGroup)
	}
	if err := s.submit(l.records...); err != nil {
		return err
	}
	return refusalOf(s.append(w.Item(l.bind))[0])
}

func refusalOf(o ledger.Outcome) error {
	if o.Refusal != nil {
		return o.Refusal
	}
	return nil
}

func (h *history) write(l *life) {
	s := h.site
	n := len(l.readings)
	r := s.reading(l.person, fmt.Appendf(nil, `{"resourceType":"Observation","c":"CLC-%s-%d"}`, l.token, n), fmt.Appendf(nil, "IDC-%s-%d", l.token, n))
	if l.refuses() {
		vaulttest.WantCode(h.tb, s.submit(r), entry.CodeSubjectErased)
		l.device.Seq-- // a spool destroys it; the number is used again
		return
	}
	h.do("write", func() error { return h.site.submit(r) })
	l.readings = append(l.readings, reading{r.Statement.ID(), r.Openings[entry.ClassClinical], r.Openings[entry.ClassIdentity]})
}

// refuses reports whether new records of the person are refused.
func (l *life) refuses() bool {
	for _, e := range l.erasures {
		if e.requested && e.cancel == nil {
			return true
		}
	}
	return false
}

// open is the erasure that has not ended, if any.
func (l *life) open() *erasureInTest {
	if n := len(l.erasures); n > 0 && !l.erasures[n-1].ended {
		return l.erasures[n-1]
	}
	return nil
}

func (h *history) request(l *life) {
	scope := entry.Scope(1 + h.rng.IntN(2))
	s := h.site
	err := s.vault.CheckErasure(context.Background(), scope, []entry.Handle{l.handle})
	switch {
	case l.all, l.identity && scope == entry.ScopeIdentity:
		vaulttest.WantCode(h.tb, err, entry.CodeSubjectErased)
		return
	case l.open() != nil:
		vaulttest.WantCode(h.tb, err, entry.CodeErasureOpen)
		return
	case l.hold.blocks(scope):
		if err != nil || l.hold.told {
			vaulttest.WantCode(h.tb, err, entry.CodeHoldActive)
		}
		return
	}
	s.must(err)
	content, err := entry.HandleList{l.handle}.EncodeContent()
	s.must(err)
	e := &erasureInTest{scope: scope}
	e.record = s.seriesRecord(s.world.Officers[0], entry.KindErasure, &entry.Erasure{Step: entry.StepRequest, Scope: scope}, content)
	l.erasures = append(l.erasures, e)
	h.do("request", func() error {
		if err := h.site.submit(e.record); err != nil {
			return err
		}
		return h.site.vault.BeginErasure(context.Background(), e.record.Statement.ID())
	})
	e.requested = true
}

func (h *history) approve(l *life) {
	e := l.open()
	if e == nil || e.approval != nil {
		return
	}
	h.site.must(h.site.vault.CheckApproval(context.Background(), e.record.Statement.ID()))
	e.approval = h.site.step(h.site.world.Officers[1], entry.StepApprove, e.record.Statement.ID())
	h.do("approve", func() error { return refusalOf(h.site.append(h.site.world.Item(e.approval))[0]) })
}

func (h *history) cancel(l *life) {
	e := l.open()
	if e == nil {
		return
	}
	cancel := h.site.step(h.site.world.Officers[0], entry.StepCancel, e.record.Statement.ID())
	if o := h.site.append(h.site.world.Item(cancel))[0]; o.Refusal != nil {
		vaulttest.WantCode(h.tb, o.Refusal, entry.CodeGraceOver)
		return
	}
	e.cancel, e.ended = cancel, true
	h.do("cancel", func() error {
		return h.site.vault.CancelErasure(context.Background(), e.record.Statement.ID())
	})
}

// advance lets the worker do what is due and notes what that has ended.
func (h *history) advance() {
	h.do("round", func() error { return h.site.round() })
	for _, l := range h.people {
		e := l.open()
		if e == nil {
			continue
		}
		p, ok, err := h.site.progress(e.record.Statement.ID())
		if err != nil || !ok {
			h.tb.Fatalf("an erasure is not in the log: %v", err)
		}
		if l.hold.blocks(e.scope) && p.Approval != (entry.StatementID{}) && h.site.world.Now >= p.Approved+ledgertest.Grace {
			h.protected++
			if len(p.Executed) > 0 {
				h.tb.Fatalf("seed %d: executed against a hold", h.seed)
			}
		}
		if p.Completed {
			e.ended, l.identity, l.all = true, true, l.all || e.scope == entry.ScopeAll
		}
	}
}
