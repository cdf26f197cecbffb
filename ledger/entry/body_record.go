package entry

// Correction replaces what an earlier statement said.
type Correction struct {
	Corrects StatementID
}

// Kind returns KindCorrection.
func (*Correction) Kind() Kind { return KindCorrection }

func (c *Correction) encode(m *mapWriter) { m.bytes(1, c.Corrects[:]) }

func parseCorrection(w *walker, f *fields) Body {
	c := &Correction{}
	f.need(1)
	w.fixed(c.Corrects[:])
	return c
}

// Consent is a person's consent or its withdrawal.
type Consent struct {
	Action   ConsentAction
	Purposes []Purpose
	Regime   Regime
	Basis    Basis
	From     uint64  // Unix milliseconds
	To       *uint64 // Unix milliseconds; nil: until withdrawn
	Document Hash    // document version, from a policy list
}

// Kind returns KindConsent.
func (*Consent) Kind() Kind { return KindConsent }

func (c *Consent) encode(m *mapWriter) {
	m.uint(1, uint64(c.Action))
	m.key(2)
	m.body = appendSet(m.body, c.Purposes, func(b []byte, p Purpose) []byte { return appendUint(b, uint64(p)) })
	m.uint(3, uint64(c.Regime))
	m.uint(4, uint64(c.Basis))
	m.uint(5, c.From)
	if c.To != nil {
		m.uint(6, *c.To)
	}
	m.bytes(7, c.Document[:])
}

func parseConsent(w *walker, f *fields) Body {
	c := &Consent{}
	f.need(1)
	c.Action = ConsentAction(w.code(&consentActionList))
	f.need(2)
	w.set(func() { c.Purposes = append(c.Purposes, Purpose(w.code(&purposeList))) })
	f.need(3)
	c.Regime = Regime(w.code(&regimeList))
	f.need(4)
	c.Basis = Basis(w.code(&basisList))
	f.need(5)
	c.From = w.time()
	if f.has(6) {
		c.To = w.until(c.From)
	}
	f.need(7)
	w.fixed(c.Document[:])
	return c
}

// Access records that somebody asked for data, and what was decided.
type Access struct {
	Accessor Handle // of class staff
	Action   AccessAction
	Outcome  Outcome
	Purpose  Purpose
	Bundle   *Hash  // the policy bundle that decided; nil when none is active
	Position uint64 // the tree size at which it was decided, at least 1
}

// Kind returns KindAccess.
func (*Access) Kind() Kind { return KindAccess }

func (a *Access) encode(m *mapWriter) {
	m.bytes(1, a.Accessor[:])
	m.uint(2, uint64(a.Action))
	m.uint(3, uint64(a.Outcome))
	m.uint(4, uint64(a.Purpose))
	if a.Bundle != nil {
		m.bytes(5, a.Bundle[:])
	}
	m.uint(6, a.Position)
}

func parseAccess(w *walker, f *fields) Body {
	a := &Access{}
	f.need(1)
	w.fixed(a.Accessor[:])
	f.need(2)
	a.Action = AccessAction(w.code(&accessActionList))
	f.need(3)
	a.Outcome = Outcome(w.code(&outcomeList))
	f.need(4)
	a.Purpose = Purpose(w.code(&purposeList))
	if f.has(5) {
		a.Bundle = new(Hash)
		w.fixed(a.Bundle[:])
	}
	f.need(6)
	a.Position = w.uintWithin(1, MaxPosition)
	return a
}

// Erasure is one step in the life of an erasure.
type Erasure struct {
	Step    ErasureStep
	Scope   Scope       // of request
	Request StatementID // of every later step: the request's statement id

	// Of executed.
	RootVersion uint64
	Method      Method
	Strength    Strength

	Node AuthorID // of lost: the node given up
}

// Kind returns KindErasure.
func (*Erasure) Kind() Kind { return KindErasure }

func (e *Erasure) encode(m *mapWriter) {
	request, executed, lost := e.Step == StepRequest, e.Step == StepExecuted, e.Step == StepLost
	m.uint(1, uint64(e.Step))
	if request || e.Scope != 0 {
		m.uint(2, uint64(e.Scope))
	}
	if !request || e.Request != (StatementID{}) {
		m.bytes(3, e.Request[:])
	}
	if executed || e.RootVersion != 0 {
		m.uint(4, e.RootVersion)
	}
	if executed || e.Method != 0 {
		m.uint(5, uint64(e.Method))
	}
	if executed || e.Strength != 0 {
		m.uint(6, uint64(e.Strength))
	}
	if lost || e.Node != (AuthorID{}) {
		m.bytes(7, e.Node[:])
	}
}

func parseErasure(w *walker, f *fields) Body {
	e := &Erasure{}
	f.need(1)
	e.Step = ErasureStep(w.code(&erasureStepList))
	if e.Step == StepRequest {
		f.need(2)
		e.Scope = Scope(w.code(&scopeList))
		return e
	}
	f.need(3)
	w.fixed(e.Request[:])
	switch e.Step {
	case StepExecuted:
		f.need(4)
		e.RootVersion = w.uint()
		f.need(5)
		e.Method = Method(w.code(&methodList))
		f.need(6)
		e.Strength = Strength(w.code(&strengthList))
	case StepLost:
		f.need(7)
		w.fixed(e.Node[:])
	}
	return e
}

// Hold sets or releases a legal hold. What it covers is sealed.
type Hold struct {
	Action HoldAction
	Set    StatementID // of release: the hold released
}

// Kind returns KindHold.
func (*Hold) Kind() Kind { return KindHold }

func (h *Hold) encode(m *mapWriter) {
	m.uint(1, uint64(h.Action))
	if h.Action == HoldRelease || h.Set != (StatementID{}) {
		m.bytes(2, h.Set[:])
	}
}

func parseHold(w *walker, f *fields) Body {
	h := &Hold{}
	f.need(1)
	h.Action = HoldAction(w.code(&holdActionList))
	if h.Action == HoldRelease {
		f.need(2)
		w.fixed(h.Set[:])
	}
	return h
}
