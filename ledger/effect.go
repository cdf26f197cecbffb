package ledger

import (
	"crypto/sha256"
	"slices"

	"indelible/ledger/entry"
)

// effect writes what follows from an accepted statement: its place in the
// indexes and, unless it waits for a second signature, what it says.
func (t *tx) effect(s *entry.Statement, index uint64, as standing) {
	t.indexSubject(s, index)
	if g, ok := s.Body.(*entry.Genesis); ok {
		t.effectGenesis(g)
		return
	}
	target := t.target(s)
	if target != nil {
		t.touchAuthor(target, index)
	}
	switch {
	case s.Confirms != nil:
		t.confirm(s, index)
	case !t.l.genesis.single() && twoPersons(s, target):
		t.pending.put(t, s.ID(), &Confirmation{Index: index})
	default:
		t.enact(s, index, index)
	}
}

// confirm lets the statement confirmed take effect at the index of its
// confirmation.
func (t *tx) confirm(s *entry.Statement, index uint64) {
	pending := t.pending.get(t, *s.Confirms)
	step := t.stepOf(s, index)
	t.pending.put(t, *s.Confirms, &Confirmation{Index: pending.Index, Confirmed: &step})
	t.enact(t.statement(pending.Index), pending.Index, index)
}

func (t *tx) stepOf(s *entry.Statement, index uint64) Step {
	return Step{Statement: s.ID(), Author: s.Author, Index: index, Time: t.now}
}

// enact writes what a statement, logged at one index, says, as of another.
func (t *tx) enact(s *entry.Statement, at, index uint64) {
	switch body := s.Body.(type) {
	case *entry.AuthorChange:
		t.effectAuthor(s, body, at, index)
	case *entry.CAChange:
		t.cas.put(t, caOf(body.Key), &CA{Key: body.Key, Active: body.Action == entry.CAActivate, Changed: index})
	case *entry.HandleChange:
		t.effectHandle(s, body, index)
	case *entry.BindingChange:
		t.effectBinding(s, body, index)
	case *entry.Erasure:
		t.effectErasure(s, body, index)
	case *entry.Hold:
		t.effectHold(s, body, index)
	case *entry.PolicyChange:
		t.set(policyKey(body.Type, body.Regime, index), body.Hash[:])
	case *entry.NodeChange:
		t.effectNode(body, at, index)
	}
}

func (t *tx) effectAuthor(s *entry.Statement, body *entry.AuthorChange, at, index uint64) {
	if body.Action == entry.AuthorEnrol {
		a := &Author{Role: body.Role, Jurisdictions: body.Jurisdictions, Linkable: body.Linkable, Enrolled: index}
		if body.Role == entry.RoleDevice {
			a.Handle, a.Jurisdiction = s.Sub.Handle(), s.Jurisdiction
		}
		t.register(body.Key, a)
		t.touchAuthor(a, at)
		return
	}
	changed := *t.authors.get(t, body.Author)
	changed.Changed = index
	switch body.Action {
	case entry.AuthorSuspend:
		changed.State = AuthorSuspended
	case entry.AuthorResume:
		changed.State = AuthorActive
	case entry.AuthorRevoke:
		changed.State, changed.Upto = AuthorRevoked, body.Upto
	}
	t.changeAuthor(&changed, index)
}

// register makes an author of a key, active from the index in a.Enrolled on.
func (t *tx) register(spki []byte, a *Author) {
	key, err := entry.ParsePublicKey(spki)
	if err != nil {
		t.fail(err)
		return
	}
	t.meta.authors++
	a.ID, a.Key, a.State, a.Changed, a.no = key.Author(), key, AuthorActive, a.Enrolled, t.meta.authors
	t.changeAuthor(a, a.Enrolled)
}

func (t *tx) changeAuthor(a *Author, index uint64) {
	t.authors.put(t, a.ID, a)
	t.touchAuthor(a, index)
}

func (t *tx) effectHandle(s *entry.Statement, body *entry.HandleChange, index uint64) {
	id := s.Sub.Handle()
	if body.Action == entry.ActionOpen {
		t.meta.handles++
		t.handles.put(t, id, &Handle{
			ID: id, Class: body.Class, Jurisdiction: s.Jurisdiction, From: body.At, Opened: index, no: t.meta.handles,
		})
		t.set(numberKey(keyByHandle, t.meta.handles, index), nil)
		return
	}
	closed := *t.handles.get(t, id)
	closed.To, closed.Closed = &body.At, index
	t.handles.put(t, id, &closed)
}

func (t *tx) effectBinding(s *entry.Statement, body *entry.BindingChange, index uint64) {
	if body.Action == entry.ActionOpen {
		t.bindings.put(t, body.Binding, &Binding{
			ID: body.Binding, Handle: body.Handle, Author: body.Author, Jurisdiction: s.Jurisdiction,
			From: body.From, To: body.To, Opened: index,
		})
		return
	}
	closed := *t.bindings.get(t, body.Binding)
	closed.To, closed.Closed = body.To, index
	t.bindings.put(t, body.Binding, &closed)
}

func (t *tx) effectErasure(s *entry.Statement, body *entry.Erasure, index uint64) {
	step := t.stepOf(s, index)
	if body.Step == entry.StepRequest {
		e := &Erasure{Request: s.ID(), Scope: body.Scope, Jurisdiction: s.Jurisdiction, Requested: step}
		t.erasures.put(t, e.Request, e)
		t.set(openErasureKey(e.Jurisdiction, index), e.Request[:])
		return
	}
	old := t.erasures.get(t, body.Request)
	e := *old
	switch body.Step {
	case entry.StepApprove:
		e.Approved = &step
	case entry.StepCancel:
		e.Cancelled = &step
	case entry.StepComplete:
		e.Completed = &step
	case entry.StepExecuted:
		node := t.authors.get(t, s.Author).Node
		e.Executed = append(slices.Clone(e.Executed), Execution{
			Step: step, Node: node, RootVersion: body.RootVersion, Method: body.Method, Strength: body.Strength,
		})
		e.Lost = returned(e.Lost, node)
	case entry.StepLost:
		node := t.authors.get(t, body.Node)
		e.Lost = append(slices.Clone(e.Lost), Loss{Step: step, Node: node.Node, NodeKey: node.ID})
	}
	t.erasures.put(t, e.Request, &e)
	if e.Ended() && !old.Ended() {
		t.unset(openErasureKey(e.Jurisdiction, e.Requested.Index))
	}
}

func returned(losses []Loss, node string) []Loss {
	losses = slices.Clone(losses)
	for i := range losses {
		losses[i].Returned = losses[i].Returned || losses[i].Node == node
	}
	return losses
}

func (t *tx) effectHold(s *entry.Statement, body *entry.Hold, index uint64) {
	step := t.stepOf(s, index)
	if body.Action == entry.HoldSet {
		t.holds.put(t, s.ID(), &Hold{Set: step, Jurisdiction: s.Jurisdiction})
		return
	}
	released := *t.holds.get(t, body.Set)
	released.Released = &step
	t.holds.put(t, body.Set, &released)
}

// target is the author that a statement changes or names, nil if it names none
// that is known.
func (t *tx) target(s *entry.Statement) *Author {
	switch body := s.Body.(type) {
	case *entry.AuthorChange:
		if body.Action != entry.AuthorEnrol {
			return t.authors.get(t, body.Author)
		}
	case *entry.BindingChange:
		if body.Action == entry.ActionOpen {
			return t.authors.get(t, body.Author)
		}
		return t.authors.get(t, t.bindings.get(t, body.Binding).Author)
	case *entry.Erasure:
		if body.Step == entry.StepLost {
			return t.authors.get(t, body.Node)
		}
	case *entry.NodeChange:
		return t.authors.get(t, sha256.Sum256(body.Node.AuthorKey))
	}
	return nil
}

// indexSubject notes which handles an entry is about (FORMATS §5): its
// sub, the handle of the binding that is its sub, the handle of a binding it
// opens or closes. Consents and accessors have lists of their own.
func (t *tx) indexSubject(s *entry.Statement, index uint64) {
	id, ok := t.about(s)
	if !ok {
		return
	}
	h := t.handles.get(t, id)
	if h == nil {
		return // not there yet: this entry opens it, see effectHandle
	}
	t.set(numberKey(keyByHandle, h.no, index), nil)
	switch body := s.Body.(type) {
	case *entry.Consent:
		t.set(numberKey(keyConsent, h.no, index), nil)
	case *entry.Access:
		t.set(numberKey(keyByAccessor, t.handles.get(t, body.Accessor).no, index), nil)
	}
}

// about is the handle an accepted statement is about; ok is false without one.
func (t *tx) about(s *entry.Statement) (id entry.Handle, ok bool) {
	switch s.Sub.Type {
	case entry.SubHandle:
		return s.Sub.Handle(), true
	case entry.SubBinding:
		return t.bindings.get(t, s.Sub.Binding()).Handle, true
	}
	body, ok := s.Body.(*entry.BindingChange)
	switch {
	case !ok:
		return id, false
	case body.Action == entry.ActionOpen:
		return body.Handle, true
	}
	return t.bindings.get(t, body.Binding).Handle, true
}

// touchAuthor notes that an entry is by an author or names it.
func (t *tx) touchAuthor(a *Author, index uint64) {
	t.set(numberKey(keyByAuthor, a.no, index), nil)
}
