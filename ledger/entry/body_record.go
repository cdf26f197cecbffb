package entry

import "math"

// Correction replaces what an earlier statement said. That statement stays in the
// log: a reader shows both.
type Correction struct {
	Corrects StatementID // logged before, and about the same handle
}

func (c *Correction) fields(f *form) { f.fixedAt(1, must, c.Corrects[:]) }

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

func (c *Consent) fields(f *form) {
	codeAt(f, 1, must, &c.Action, &consentActionList)
	if f.at(2, must, true) {
		setOf(f, &c.Purposes, func(f *form, p *Purpose) { coded(f, p, &purposeList) })
	}
	codeAt(f, 3, must, &c.Regime, &regimeList)
	codeAt(f, 4, must, &c.Basis, &basisList)
	f.timeAt(5, must, &c.From)
	f.untilAt(6, may, c.From, &c.To)
	f.fixedAt(7, must, c.Document[:])
}

// Access records a request for data, and what was decided.
type Access struct {
	Accessor Handle // of class staff
	Action   AccessAction
	Outcome  Outcome
	Purpose  Purpose
	Bundle   *Hash  // the policy bundle that decided; nil when none is active
	Position uint64 // the tree size at which it was decided, at least 1
}

func (a *Access) fields(f *form) {
	f.fixedAt(1, must, a.Accessor[:])
	codeAt(f, 2, must, &a.Action, &accessActionList)
	codeAt(f, 3, must, &a.Outcome, &outcomeList)
	codeAt(f, 4, must, &a.Purpose, &purposeList)
	if f.at(5, may, a.Bundle != nil) {
		f.fixed(allocate(f, &a.Bundle)[:])
	}
	f.numberAt(6, must, &a.Position, 1, MaxPosition)
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

func (e *Erasure) fields(f *form) {
	codeAt(f, 1, must, &e.Step, &erasureStepList)
	executed := mustIf(e.Step == StepExecuted)
	codeAt(f, 2, mustIf(e.Step == StepRequest), &e.Scope, &scopeList)
	f.fixedAt(3, mustIf(e.Step != StepRequest), e.Request[:])
	f.numberAt(4, executed, &e.RootVersion, 0, math.MaxUint64)
	codeAt(f, 5, executed, &e.Method, &methodList)
	codeAt(f, 6, executed, &e.Strength, &strengthList)
	f.fixedAt(7, mustIf(e.Step == StepLost), e.Node[:])
}

// Hold sets or releases a legal hold. What it covers is sealed.
type Hold struct {
	Action HoldAction
	Set    StatementID // of release: the hold released
}

func (h *Hold) fields(f *form) {
	codeAt(f, 1, must, &h.Action, &holdActionList)
	f.fixedAt(2, mustIf(h.Action == HoldRelease), h.Set[:])
}
