package ledger_test

import (
	"math/rand/v2"
	"testing"

	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
)

// submission is a statement on its way, sealed or not.
type submission struct {
	raw    []byte
	sealed bool
}

// history writes random statements about a small world: most of them in order,
// many wrong in one way or another, some late, twice or never.
type history struct {
	*ledgertest.World
	rng    *rand.Rand
	oracle *oracle // what the author of a statement can know
	all    []submission
	later  []submission // sent some time, in this order or another

	people   []*ledgertest.Key // of every role but node and device
	subjects []*ledgertest.Subject
	strays   []entry.Handle // without a device
	staff    []entry.Handle
	nodes    []*ledgertest.Node
	firsts   []*entry.Statement // that may want a confirmation
	requests []entry.StatementID
	holds    []entry.StatementID
	readings []entry.StatementID
	spares   []*ledgertest.Node // could be added
	cas      [][]byte
}

var places = []string{"eu", "us", "xx"}

func newHistory(t *testing.T, seed uint64) *history {
	spec := ledgertest.Spec{Jurisdictions: []entry.JurisdictionRule{
		{Name: "eu", Regime: entry.RegimeGDPR, Grace: 5 * hour}, {Name: "us", Regime: entry.RegimeHIPAA},
	}}
	rng := rand.New(rand.NewPCG(seed, 1))
	if rng.IntN(5) == 0 {
		spec.Registrars = 1
	} else {
		spec.Registrars = 2 + rng.IntN(2)
	}
	spec.Nodes = []ledgertest.NodeSpec{{Name: "a"}, {Name: "b", Placement: []string{"eu"}}}
	w := ledgertest.NewWorldOf(t, seed, spec)
	h := &history{World: w, rng: rng, oracle: newOracle(w.Genesis), nodes: w.Nodes}
	h.people = append(append(h.people, w.Registrars...), w.Operators...)
	for range 3 {
		h.cas = append(h.cas, w.Key().SPKI())
	}
	for _, name := range []string{"a", "b", "c"} {
		for range 2 {
			h.spares = append(h.spares, w.NewNode(ledgertest.NodeSpec{Name: name, Placement: []string{pick(rng, places[:2])}}))
		}
	}
	h.founders()
	return h
}

// founders queues what most histories begin with.
func (h *history) founders() {
	for _, s := range h.Staff() {
		h.send(s)
	}
	h.people = append(append(h.people, h.Officers...), h.ConsentService, h.Service, h.Clinician)
	for range 3 {
		h.subject()
	}
	for _, n := range h.nodes {
		id, s := h.OpenHandleBy(n.Author, entry.HandleStaff, "eu")
		h.staff = append(h.staff, id)
		h.send(s)
	}
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

func (h *history) odds(percent int) bool { return h.rng.IntN(100) < percent }

func (h *history) place() string {
	if h.odds(90) {
		return pick(h.rng, places[:2])
	}
	return pick(h.rng, places)
}

// send queues a statement as its author would, and hardly ever otherwise.
func (h *history) send(s *entry.Statement) {
	h.all = append(h.all, submission{raw: s.Bytes(), sealed: (s.Parts != nil) != h.odds(2)})
}

// sign queues a draft, sometimes with a claim that is wrong. Drafts that no
// author could sign are dropped.
func (h *history) sign(k *ledgertest.Key, d entry.Draft) *entry.Statement {
	switch h.rng.IntN(60) {
	case 0:
		d.Log = entry.LogID(h.Hash())
	case 1:
		d.IssuedAt = h.Now + uint64(h.rng.IntN(20))*minute
	case 2:
		if d.Jurisdiction != "" {
			d.Jurisdiction = h.place()
		}
	case 3:
		k = pick(h.rng, h.people)
	case 4:
		d.Seen = &entry.Seen{Size: 1 + uint64(h.rng.IntN(len(h.oracle.log)+2)), Root: h.Hash()}
	case 5, 6:
		size := 1 + h.rng.IntN(len(h.oracle.log))
		d.Seen = &entry.Seen{Size: uint64(size), Root: entry.Hash(naiveRoot(h.oracle.hashes()[:size]))}
	}
	s, err := h.TrySign(k, d)
	if err != nil {
		return nil
	}
	if h.odds(5) && s.Request != nil {
		d.Request, d.IssuedAt = s.Request, h.Now+1
		if again, err := h.TrySign(k, d); err == nil {
			h.send(again)
		}
	}
	h.send(s)
	return s
}

func (h *history) subject() {
	j := pick(h.rng, places[:2])
	class := entry.HandleSubject
	linkable := h.odds(25)
	if linkable != h.odds(5) {
		class = entry.HandleDevice
	}
	s := &ledgertest.Subject{Jurisdiction: j}
	var open, enrol, bind *entry.Statement
	s.Handle, open = h.OpenHandle(class, j)
	s.Device, enrol = h.EnrolDevice(s.Handle, j, linkable)
	s.Binding, bind = h.Bind(s.Device, s.Handle, j)
	h.subjects = append(h.subjects, s)
	h.send(open)
	h.send(enrol)
	h.send(bind)
}

// reading queues the next reading of a device, or one that cannot follow: at a
// used number, after a jump, with another prev, under another binding.
func (h *history) reading() {
	s := pick(h.rng, h.subjects)
	d, parts := s.Device, h.Hash()
	on := *d
	draft := on.Next(entry.Draft{
		Kind: entry.KindReading, Sub: entry.SubOfBinding(s.Binding), Jurisdiction: s.Jurisdiction, Parts: &parts,
	})
	moves := true
	switch h.rng.IntN(24) {
	case 0:
		draft.Seq = 1 + h.rng.Uint64N(draft.Seq)
		moves = false
	case 1:
		draft.Boot, draft.Seq = draft.Boot+1+h.rng.Uint64N(1200), 1
	case 2:
		draft.Seq += h.rng.Uint64N(4)
	case 3:
		draft.Prev = nil
	case 4:
		if len(h.readings) > 0 {
			id := pick(h.rng, h.readings)
			draft.Prev = &id
		}
	case 5:
		draft.Sub = entry.SubOfBinding(pick(h.rng, h.subjects).Binding)
	case 6:
		draft.IssuedAt = h.Now - h.rng.Uint64N(30*minute)
	case 7:
		draft.Sub = entry.SubOfBinding(entry.BindingID(h.ID()))
	}
	if h.odds(6) && len(h.readings) > 0 {
		draft.Kind, draft.Body = entry.KindCorrection, &entry.Correction{Corrects: pick(h.rng, h.readings)}
	}
	r := h.sign(d.Key, draft)
	if r == nil {
		return
	}
	id := r.ID()
	h.readings = append(h.readings, id)
	if moves {
		d.Boot, d.Seq, d.Prev = draft.Boot, draft.Seq, &id
	}
}

// burst queues several readings of one device from the newest to the oldest.
func (h *history) burst() {
	from := len(h.all)
	s := pick(h.rng, h.subjects)
	for range 2 + h.rng.IntN(5) {
		r := h.Reading(s)
		h.readings = append(h.readings, r.ID())
		h.send(r)
	}
	late := h.all[from:]
	if h.odds(50) {
		h.rng.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
		return
	}
	for i, j := 0, len(late)-1; i < j; i, j = i+1, j-1 {
		late[i], late[j] = late[j], late[i]
	}
}
