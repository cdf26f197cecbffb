package ledger_test

import (
	"indelible/ledger/entry"
	"indelible/ledger/ledgertest"
)

// step queues one thing that somebody does.
func (h *history) step() {
	switch n := h.rng.IntN(100); {
	case n < 42:
		h.reading()
	case n < 47:
		h.burst()
	case n < 49:
		h.subject()
	case n < 54:
		h.author()
	case n < 57:
		h.enrol()
	case n < 66:
		h.confirm()
	case n < 72:
		h.handles()
	case n < 76:
		h.binding()
	case n < 86:
		h.erasure()
	case n < 89:
		h.hold()
	case n < 93:
		h.record()
	case n < 96:
		h.access()
	case n < 98:
		h.node()
	default:
		h.sign(pick(h.rng, h.Registrars), entry.Draft{Kind: entry.KindCA, Body: &entry.CAChange{
			Action: entry.CAAction(1 + h.rng.IntN(2)), Key: pick(h.rng, h.cas),
		}})
		h.first()
	}
}

// first remembers the statement queued last as one to confirm.
func (h *history) first() {
	s, err := entry.Parse(h.all[len(h.all)-1].raw)
	if err == nil {
		h.firsts = append(h.firsts, s)
	}
}

// author changes the state of somebody, seldom of a founder.
func (h *history) author() {
	b := &entry.AuthorChange{Action: entry.AuthorResume}
	if h.odds(40) {
		b.Action = entry.AuthorSuspend
	}
	d := entry.Draft{Kind: entry.KindAuthor, Body: b}
	if h.odds(70) {
		s := pick(h.rng, h.subjects)
		b.Author, d.Sub, d.Jurisdiction = s.Device.Key.ID(), entry.SubOfHandle(s.Handle), s.Jurisdiction
		if h.odds(30) {
			b.Action = entry.AuthorRevoke
			h.vouch(b, s)
		}
		if h.odds(8) {
			d.Sub = entry.SubOfHandle(pick(h.rng, h.subjects).Handle)
		}
	} else {
		b.Author = pick(h.rng, h.people[len(h.Registrars):]).ID()
		if h.odds(10) {
			b.Author = pick(h.rng, h.nodes).Author.ID()
		}
		if h.odds(5) {
			b.Author = h.Key().ID()
		}
		if h.odds(5) {
			b.Action = entry.AuthorRevoke
		}
	}
	if h.sign(pick(h.rng, h.Registrars), d) != nil {
		h.first()
	}
}

// vouch names a statement up to which a revoked device is believed: its newest,
// one that is still on its way, or any.
func (h *history) vouch(b *entry.AuthorChange, s *ledgertest.Subject) {
	switch h.rng.IntN(5) {
	case 0:
		return
	case 1:
		if len(h.readings) > 0 {
			id := pick(h.rng, h.readings)
			b.Upto = &id
		}
		return
	case 2:
		h.burst()
	}
	var last entry.StatementID
	if s.Device.Prev != nil {
		last = *s.Device.Prev
	}
	for range h.rng.IntN(4) {
		r := h.Reading(s)
		last = r.ID()
		h.readings = append(h.readings, last)
		h.later = append(h.later, submission{raw: r.Bytes(), sealed: true})
	}
	b.Upto = &last
}

func (h *history) enrol() {
	roles := []entry.Role{
		entry.RoleRegistrar, entry.RoleOperator, entry.RoleOfficer, entry.RoleConsentService, entry.RoleService, entry.RoleAuditor,
	}
	k := h.Key()
	if h.odds(15) {
		k = pick(h.rng, h.people)
	}
	if h.sign(pick(h.rng, h.Registrars), entry.Draft{Kind: entry.KindAuthor, Body: &entry.AuthorChange{
		Action: entry.AuthorEnrol, Key: k.SPKI(), Role: pick(h.rng, roles), Jurisdictions: []string{h.place()},
	}}) != nil {
		h.people = append(h.people, k)
		h.first()
	}
}

func (h *history) confirm() {
	if len(h.firsts) == 0 {
		return
	}
	first := pick(h.rng, h.firsts)
	signers := h.Registrars
	switch first.Kind {
	case entry.KindNode:
		signers = h.Operators
	case entry.KindHold:
		signers = h.Officers
	}
	if h.odds(8) {
		signers = h.people
	}
	id := first.ID()
	d := entry.Draft{Kind: first.Kind, Sub: first.Sub, Jurisdiction: first.Jurisdiction, Confirms: &id}
	switch h.rng.IntN(20) {
	case 0:
		id = entry.StatementID(h.Hash())
	case 1:
		id = h.Genesis.ID()
	case 2:
		d.Kind = entry.KindCA
	}
	h.sign(pick(h.rng, signers), d)
}

func (h *history) handles() {
	j := h.place()
	if h.odds(40) {
		class := entry.HandleClass(1 + h.rng.IntN(4))
		k := pick(h.rng, h.Registrars)
		if h.odds(40) {
			k, class = pick(h.rng, h.nodes).Author, entry.HandleClass(1+h.rng.IntN(2))
		}
		id := entry.Handle(h.ID())
		if h.odds(10) {
			id = pick(h.rng, h.subjects).Handle
		}
		if class == entry.HandleStaff {
			h.staff = append(h.staff, id)
		}
		h.strays = append(h.strays, id)
		h.openClose(k, id, j, &entry.HandleChange{Action: entry.ActionOpen, Class: class, At: h.Now})
		return
	}
	id := pick(h.rng, h.staff)
	if s := pick(h.rng, h.subjects); h.odds(40) {
		id, j = s.Handle, s.Jurisdiction
	}
	k := pick(h.rng, h.Registrars)
	if h.odds(30) {
		k = pick(h.rng, h.nodes).Author
	}
	if h.odds(40) {
		h.openClose(k, id, j, &entry.HandleChange{Action: entry.ActionClose, At: h.Now})
	}
}

func (h *history) openClose(k *ledgertest.Key, id entry.Handle, j string, b *entry.HandleChange) {
	parts := h.Hash()
	h.sign(k, entry.Draft{Kind: entry.KindHandle, Sub: entry.SubOfHandle(id), Jurisdiction: j, Parts: &parts, Body: b})
}

func (h *history) binding() {
	s, other := pick(h.rng, h.subjects), pick(h.rng, h.subjects)
	b := &entry.BindingChange{Action: entry.ActionClose, Binding: s.Binding}
	to := h.Now - 10*minute + h.rng.Uint64N(30*minute)
	if h.odds(50) {
		b = &entry.BindingChange{
			Action: entry.ActionOpen, Binding: entry.BindingID(h.ID()), Handle: s.Handle, Author: s.Device.Key.ID(),
			From: h.Now - 20*minute + h.rng.Uint64N(40*minute),
		}
		switch h.rng.IntN(8) {
		case 0:
			b.Author = other.Device.Key.ID()
		case 1:
			b.Author = pick(h.rng, h.people).ID()
		case 2:
			b.Handle = other.Handle
		case 3:
			b.Binding = other.Binding
		case 4:
			b.Author = h.Key().ID()
		}
		if h.odds(20) {
			to = b.From + h.rng.Uint64N(hour)
			b.To = &to
		}
	} else {
		b.To = &to
		if h.odds(10) {
			b.Binding = entry.BindingID(h.ID())
		}
	}
	if h.sign(pick(h.rng, h.Registrars), entry.Draft{Kind: entry.KindBinding, Jurisdiction: s.Jurisdiction, Body: b}) != nil &&
		b.Action == entry.ActionOpen && h.odds(70) {
		s.Binding = b.Binding
	}
}

func (h *history) erasure() {
	if len(h.requests) == 0 || h.odds(15) {
		parts := h.Hash()
		if s := h.sign(pick(h.rng, h.Officers), entry.Draft{
			Kind: entry.KindErasure, Jurisdiction: pick(h.rng, places[:2]), Parts: &parts,
			Body: &entry.Erasure{Step: entry.StepRequest, Scope: entry.Scope(1 + h.rng.IntN(2))},
		}); s != nil {
			h.requests = append(h.requests, s.ID())
		}
		return
	}
	id := pick(h.rng, h.requests[max(0, len(h.requests)-2):])
	b := &entry.Erasure{Step: entry.ErasureStep(2 + h.rng.IntN(5)), Request: id}
	j := pick(h.rng, places[:2])
	if e := h.oracle.erasures[id]; e != nil && h.odds(90) {
		j = e.j
	}
	k := pick(h.rng, h.Officers)
	switch b.Step {
	case entry.StepExecuted:
		k, b.RootVersion, b.Method, b.Strength = pick(h.rng, h.nodes).Author, 1, entry.MethodHSMDestroy, entry.StrengthHardware
	case entry.StepComplete:
		k = pick(h.rng, h.nodes).Author
	case entry.StepLost:
		b.Node = pick(h.rng, h.nodes).Author.ID()
		if h.odds(10) {
			b.Node = pick(h.rng, h.people).ID()
		}
	}
	if h.odds(3) {
		b.Request = entry.StatementID(h.Hash())
	}
	h.sign(k, entry.Draft{Kind: entry.KindErasure, Jurisdiction: j, Body: b})
}

func (h *history) hold() {
	j := pick(h.rng, places[:2])
	if len(h.holds) == 0 || h.odds(40) {
		parts := h.Hash()
		if s := h.sign(pick(h.rng, h.Officers), entry.Draft{
			Kind: entry.KindHold, Jurisdiction: j, Parts: &parts, Body: &entry.Hold{Action: entry.HoldSet},
		}); s != nil {
			h.holds = append(h.holds, s.ID())
		}
		return
	}
	if h.sign(pick(h.rng, h.Officers), entry.Draft{
		Kind: entry.KindHold, Jurisdiction: j, Body: &entry.Hold{Action: entry.HoldRelease, Set: pick(h.rng, h.holds)},
	}) != nil {
		h.first()
	}
}

// record: consents, and corrections by a service.
func (h *history) record() {
	s, parts := pick(h.rng, h.subjects), h.Hash()
	sub := entry.SubOfHandle(s.Handle)
	if len(h.strays) > 0 && h.odds(15) {
		sub = entry.SubOfHandle(pick(h.rng, h.strays))
	}
	if h.odds(40) || len(h.readings) == 0 {
		h.sign(pick(h.rng, []*ledgertest.Key{h.ConsentService, h.Officers[0]}), entry.Draft{
			Kind: entry.KindConsent, Sub: sub, Jurisdiction: s.Jurisdiction, Body: &entry.Consent{
				Action: entry.ConsentWithdraw, Regime: entry.RegimeGDPR, Basis: entry.BasisResearch, From: h.Now,
			},
		})
		return
	}
	if h.odds(50) {
		sub = entry.SubOfBinding(s.Binding)
	}
	target := pick(h.rng, h.readings)
	if s.Device.Prev != nil && h.odds(60) {
		target = *s.Device.Prev
	}
	if h.odds(5) {
		target = h.Genesis.ID()
	}
	d := entry.Draft{
		Kind: entry.KindCorrection, Sub: sub, Jurisdiction: s.Jurisdiction, Parts: &parts, Body: &entry.Correction{Corrects: target},
	}
	if h.odds(10) {
		d.Boot, d.Seq = 1, 1
	}
	h.sign(h.Service, d)
}

func (h *history) access() {
	s, parts := pick(h.rng, h.subjects), h.Hash()
	accessor := pick(h.rng, h.staff)
	if h.odds(15) {
		accessor = s.Handle
	}
	h.sign(pick(h.rng, h.nodes).Author, entry.Draft{
		Kind: entry.KindAccess, Sub: entry.SubOfHandle(s.Handle), Jurisdiction: s.Jurisdiction, Parts: &parts,
		Body: &entry.Access{
			Accessor: accessor, Action: entry.AccessCount, Outcome: entry.OutcomeDeny, Purpose: entry.PurposeHLEGAL,
			Position: uint64(max(1, len(h.oracle.log)-2+h.rng.IntN(4))),
		},
	})
}

func (h *history) node() {
	n := pick(h.rng, h.spares)
	b := &entry.NodeChange{Action: entry.NodeAction(1 + h.rng.IntN(4)), Node: n.Record}
	if h.odds(20) {
		b.Node.CosignerKey = pick(h.rng, h.nodes).Record.CosignerKey
	}
	if h.odds(30) {
		b.Node.Placement = []string{h.place()}
	}
	if h.sign(pick(h.rng, h.Operators), entry.Draft{Kind: entry.KindNode, Body: b}) != nil {
		h.nodes = append(h.nodes, n)
		h.first()
	}
}
