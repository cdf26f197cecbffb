package ledger

import (
	"crypto/sha256"
	"slices"

	"indelible/ledger/entry"
)

// effect writes what follows from an accepted statement: its place in the
// indexes and, unless it waits for a second signature, what it says.
func (t *tx) effect(s *entry.Statement, index uint64, as standing) error {
	if err := t.indexSubject(s, index); err != nil {
		return err
	}
	if g, ok := s.Body.(*entry.Genesis); ok {
		return t.effectGenesis(g)
	}
	target, err := t.target(s)
	if err != nil {
		return err
	}
	if target != nil {
		if err := t.touchAuthor(target, index); err != nil {
			return err
		}
	}
	switch {
	case s.Confirms != nil:
		return t.confirm(s, index)
	case !t.l.genesis.single() && twoPersons(s, target):
		return t.pending.put(t, s.ID(), &Confirmation{Index: index})
	}
	return t.enact(s, index, index)
}

// confirm lets the statement confirmed take effect at the index of its
// confirmation.
func (t *tx) confirm(s *entry.Statement, index uint64) error {
	pending, err := t.pending.get(t, *s.Confirms)
	if err != nil {
		return err
	}
	step := t.stepOf(s, index)
	if err := t.pending.put(t, *s.Confirms, &Confirmation{Index: pending.Index, Confirmed: &step}); err != nil {
		return err
	}
	first, err := t.statement(pending.Index)
	if err != nil {
		return err
	}
	return t.enact(first, pending.Index, index)
}

func (t *tx) stepOf(s *entry.Statement, index uint64) Step {
	return Step{Statement: s.ID(), Author: s.Author, Index: index, Time: t.now}
}

// enact writes what a statement, logged at one index, says, as of another.
func (t *tx) enact(s *entry.Statement, at, index uint64) error {
	switch body := s.Body.(type) {
	case *entry.AuthorChange:
		return t.effectAuthor(s, body, at, index)
	case *entry.CAChange:
		ca := &CA{Key: body.Key, Active: body.Action == entry.CAActivate, Changed: index}
		return t.cas.put(t, caOf(body.Key), ca)
	case *entry.HandleChange:
		return t.effectHandle(s, body, index)
	case *entry.BindingChange:
		return t.effectBinding(s, body, index)
	case *entry.Erasure:
		return t.effectErasure(s, body, index)
	case *entry.Hold:
		return t.effectHold(s, body, index)
	case *entry.PolicyChange:
		return t.set(policyKey(body.Type, body.Regime, index), body.Hash[:])
	case *entry.NodeChange:
		return t.effectNode(body, at, index)
	}
	return nil
}

func (t *tx) effectAuthor(s *entry.Statement, body *entry.AuthorChange, at, index uint64) error {
	if body.Action == entry.AuthorEnrol {
		a := &Author{Role: body.Role, Jurisdictions: body.Jurisdictions, Linkable: body.Linkable, Enrolled: index}
		if body.Role == entry.RoleDevice {
			a.Handle, a.Jurisdiction = s.Sub.Handle(), s.Jurisdiction
		}
		if err := t.register(body.Key, a); err != nil {
			return err
		}
		return t.touchAuthor(a, at)
	}
	a, err := t.authors.get(t, body.Author)
	if err != nil {
		return err
	}
	changed := *a
	changed.Changed = index
	switch body.Action {
	case entry.AuthorSuspend:
		changed.State = AuthorSuspended
	case entry.AuthorResume:
		changed.State = AuthorActive
	case entry.AuthorRevoke:
		changed.State, changed.Upto = AuthorRevoked, body.Upto
	}
	return t.changeAuthor(&changed, index)
}

// register makes an author of a key, active from the index in a.Enrolled on.
func (t *tx) register(spki []byte, a *Author) error {
	key, err := entry.ParsePublicKey(spki)
	if err != nil {
		return err
	}
	t.meta.authors++
	a.ID, a.Key, a.State, a.Changed, a.no = key.Author(), key, AuthorActive, a.Enrolled, t.meta.authors
	return t.changeAuthor(a, a.Enrolled)
}

func (t *tx) changeAuthor(a *Author, index uint64) error {
	if err := t.authors.put(t, a.ID, a); err != nil {
		return err
	}
	return t.touchAuthor(a, index)
}

func (t *tx) effectHandle(s *entry.Statement, body *entry.HandleChange, index uint64) error {
	id := s.Sub.Handle()
	if body.Action == entry.ActionOpen {
		t.meta.handles++
		h := &Handle{
			ID: id, Class: body.Class, Jurisdiction: s.Jurisdiction, From: body.At, Opened: index, no: t.meta.handles,
		}
		if err := t.handles.put(t, id, h); err != nil {
			return err
		}
		return t.set(numberKey(keyByHandle, h.no, index), nil)
	}
	h, err := t.handles.get(t, id)
	if err != nil {
		return err
	}
	closed := *h
	closed.To, closed.Closed = &body.At, index
	return t.handles.put(t, id, &closed)
}

func (t *tx) effectBinding(s *entry.Statement, body *entry.BindingChange, index uint64) error {
	if body.Action == entry.ActionOpen {
		return t.bindings.put(t, body.Binding, &Binding{
			ID: body.Binding, Handle: body.Handle, Author: body.Author, Jurisdiction: s.Jurisdiction,
			From: body.From, To: body.To, Opened: index,
		})
	}
	b, err := t.bindings.get(t, body.Binding)
	if err != nil {
		return err
	}
	closed := *b
	closed.To, closed.Closed = body.To, index
	return t.bindings.put(t, body.Binding, &closed)
}

func (t *tx) effectErasure(s *entry.Statement, body *entry.Erasure, index uint64) error {
	step := t.stepOf(s, index)
	if body.Step == entry.StepRequest {
		e := &Erasure{Request: s.ID(), Scope: body.Scope, Jurisdiction: s.Jurisdiction, Requested: step}
		if err := t.erasures.put(t, e.Request, e); err != nil {
			return err
		}
		return t.set(openErasureKey(e.Jurisdiction, index), e.Request[:])
	}
	old, err := t.erasures.get(t, body.Request)
	if err != nil {
		return err
	}
	e := *old
	author, err := t.authors.get(t, s.Author)
	if err != nil {
		return err
	}
	switch body.Step {
	case entry.StepApprove:
		e.Approved = &step
	case entry.StepCancel:
		e.Cancelled = &step
	case entry.StepComplete:
		e.Completed = &step
	case entry.StepExecuted:
		e.Executed = append(slices.Clone(e.Executed), Execution{
			Step: step, Node: author.Node, RootVersion: body.RootVersion, Method: body.Method, Strength: body.Strength,
		})
		e.Lost = returned(e.Lost, author.Node)
	case entry.StepLost:
		node, err := t.authors.get(t, body.Node)
		if err != nil {
			return err
		}
		e.Lost = append(slices.Clone(e.Lost), Loss{Step: step, Node: node.Node, NodeKey: node.ID})
	}
	if err := t.erasures.put(t, e.Request, &e); err != nil {
		return err
	}
	if e.Ended() && !old.Ended() {
		return t.unset(openErasureKey(e.Jurisdiction, e.Requested.Index))
	}
	return nil
}

func returned(losses []Loss, node string) []Loss {
	losses = slices.Clone(losses)
	for i := range losses {
		losses[i].Returned = losses[i].Returned || losses[i].Node == node
	}
	return losses
}

func (t *tx) effectHold(s *entry.Statement, body *entry.Hold, index uint64) error {
	step := t.stepOf(s, index)
	if body.Action == entry.HoldSet {
		return t.holds.put(t, s.ID(), &Hold{Set: step, Jurisdiction: s.Jurisdiction})
	}
	h, err := t.holds.get(t, body.Set)
	if err != nil {
		return err
	}
	released := *h
	released.Released = &step
	return t.holds.put(t, body.Set, &released)
}

// target is the author that a statement changes or names, nil if it names none
// that is known.
func (t *tx) target(s *entry.Statement) (*Author, error) {
	switch body := s.Body.(type) {
	case *entry.AuthorChange:
		if body.Action != entry.AuthorEnrol {
			return t.authors.get(t, body.Author)
		}
	case *entry.BindingChange:
		if body.Action == entry.ActionOpen {
			return t.authors.get(t, body.Author)
		}
		b, err := t.bindings.get(t, body.Binding)
		if err != nil {
			return nil, err
		}
		return t.authors.get(t, b.Author)
	case *entry.Erasure:
		if body.Step == entry.StepLost {
			return t.authors.get(t, body.Node)
		}
	case *entry.NodeChange:
		return t.authors.get(t, sha256.Sum256(body.Node.AuthorKey))
	}
	return nil, nil
}
