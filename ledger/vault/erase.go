package vault

import (
	"slices"

	"indelible/ledger/entry"
)

// The commands of an erasure: begin, cancel, condemn, keep, finish. Rekey and
// the destruction of roots stand between condemn and finish.

type beginErasureCommand struct {
	request evidence
	subject uint64
	slots   []uint64
}

func (c beginErasureCommand) command() Command {
	var w writer
	w.evidence(c.request)
	w.u64(c.subject)
	w.u64s(c.slots)
	return Command{CommandBeginErasure, w.b}
}

func readBeginErasure(r *reader) beginErasureCommand {
	return beginErasureCommand{r.evidence(), r.u64(), r.u64s()}
}

func (a *applier) beginErasure(c beginErasureCommand) (Result, error) {
	l, fault := a.s.verifyStep(c.request, entry.StepRequest, entry.StatementID{})
	if fault != nil {
		return Result{Refusal: fault}, nil
	}
	id := l.ID()
	known, err := a.erasure(id)
	if err != nil || known != nil {
		return Result{}, err
	}
	fault, err = a.sealedFault(l.Statement, c.subject, c.slots)
	if err != nil || fault != nil {
		return Result{Refusal: fault}, err
	}
	row := erasureRow{state: erasureBegun, scope: l.step().Scope, subject: c.subject, slots: c.slots}
	if err := a.setErasure(id, &row); err != nil {
		return Result{}, err
	}
	for _, n := range c.slots {
		if err := a.set(key64ID(rowMark, n, id[:]), nil); err != nil {
			return Result{}, err
		}
	}
	a.effect |= wakesWorker
	return Result{}, a.raise(c.slots, 0)
}

// verifyStep is verify for a step of an erasure; request is what later steps
// must name.
func (s *Store) verifyStep(e evidence, step entry.ErasureStep, request entry.StatementID) (*logged, *entry.Refusal) {
	l, fault := s.verify(e, entry.KindErasure)
	if fault != nil {
		return nil, fault
	}
	if body := l.step(); body == nil || body.Step != step || body.Request != request {
		return nil, entry.Refuse(entry.CodeWrongState, "the statement in the command is another step or of another erasure")
	}
	return l, nil
}

// step is the body of an erasure statement.
func (l *logged) step() *entry.Erasure {
	body, ok := l.Body.(*entry.Erasure)
	if !ok {
		return nil
	}
	return body
}

func (a *applier) setErasure(request entry.StatementID, row *erasureRow) error {
	open := keyID(rowOpen, request[:])
	var err error
	if row.state == erasureBegun || row.state == erasureCondemned {
		err = a.set(open, nil)
	} else {
		err = a.delete(open)
	}
	if err != nil {
		return err
	}
	return a.set(keyID(rowErase, request[:]), row.encode())
}

// openErasures lists the erasures that are begun or condemned.
func (v view) openErasures() ([]entry.StatementID, error) {
	var list []entry.StatementID
	err := v.each(key(rowOpen), func(k, _ []byte) (bool, error) {
		if len(k) != 1+entry.HashSize {
			return false, errWire
		}
		list = append(list, entry.StatementID(k[1:]))
		return true, nil
	})
	return list, err
}

type cancelErasureCommand struct {
	request entry.StatementID
	cancel  evidence
}

func (c cancelErasureCommand) command() Command {
	var w writer
	w.raw(c.request[:])
	w.evidence(c.cancel)
	return Command{CommandCancelErasure, w.b}
}

func readCancelErasure(r *reader) cancelErasureCommand {
	var c cancelErasureCommand
	r.fixed(c.request[:])
	c.cancel = r.evidence()
	return c
}

func (a *applier) cancelErasure(c cancelErasureCommand) (Result, error) {
	if _, fault := a.s.verifyStep(c.cancel, entry.StepCancel, c.request); fault != nil {
		return Result{Refusal: fault}, nil
	}
	row, err := a.erasure(c.request)
	if err != nil {
		return Result{}, err
	}
	switch {
	case row == nil || row.state == erasureCancelled:
		return Result{}, nil
	case row.state != erasureBegun:
		return refuse(entry.CodeGraceOver, "the erasure's keys are condemned")
	}
	row.state = erasureCancelled
	if err := a.setErasure(c.request, row); err != nil {
		return Result{}, err
	}
	for _, n := range row.slots {
		if err := a.delete(key64ID(rowMark, n, c.request[:])); err != nil {
			return Result{}, err
		}
	}
	return Result{}, a.raise(row.slots, 0)
}

// keepStatementCommand keeps what a node signed before it is sent, so that
// after a crash the same bytes are sent again.
type keepStatementCommand struct {
	request   entry.StatementID
	author    entry.AuthorID
	step      entry.ErasureStep
	statement []byte
}

func (c keepStatementCommand) command() Command {
	var w writer
	w.raw(c.request[:])
	w.raw(c.author[:])
	w.u8(uint8(c.step))
	w.bytes(c.statement)
	return Command{CommandKeepStatement, w.b}
}

func readKeepStatement(r *reader) keepStatementCommand {
	var c keepStatementCommand
	r.fixed(c.request[:])
	r.fixed(c.author[:])
	c.step, c.statement = entry.ErasureStep(r.u8()), r.bytes()
	return c
}

// keepStatement answers with the statement kept, which is the first.
func (a *applier) keepStatement(c keepStatementCommand) (Result, error) {
	k := keyKept(c.request, c.author, c.step)
	kept, err := a.get(k)
	if err != nil || kept != nil {
		return Result{Value: kept}, err
	}
	row, err := a.erasure(c.request)
	if err != nil {
		return Result{}, err
	}
	if row == nil || row.state != erasureCondemned || len(c.statement) == 0 || len(c.statement) > entry.MaxStatement {
		return refuse(entry.CodeWrongState, "the erasure is not being executed")
	}
	return Result{Value: slices.Clone(c.statement)}, a.set(k, c.statement)
}

type finishErasureCommand struct {
	request  entry.StatementID
	complete evidence
}

func (c finishErasureCommand) command() Command {
	var w writer
	w.raw(c.request[:])
	w.evidence(c.complete)
	return Command{CommandFinishErasure, w.b}
}

func readFinishErasure(r *reader) finishErasureCommand {
	var c finishErasureCommand
	r.fixed(c.request[:])
	c.complete = r.evidence()
	return c
}

// finishErasure drops the rows of a completed erasure. They could not be opened
// any more; dropping them gives back the space.
func (a *applier) finishErasure(c finishErasureCommand) (Result, error) {
	if _, fault := a.s.verifyStep(c.complete, entry.StepComplete, c.request); fault != nil {
		return Result{Refusal: fault}, nil
	}
	row, err := a.erasure(c.request)
	if err != nil {
		return Result{}, err
	}
	if row == nil || row.state == erasureFinished {
		return Result{}, nil
	}
	left, err := a.anyDoomed(row.leaves)
	if err != nil {
		return Result{}, err
	}
	if row.state != erasureCondemned || left {
		return refuse(entry.CodeWrongState, "keys of the erasure are still in the tree")
	}
	row.state, row.leaves = erasureFinished, nil
	if err := a.setErasure(c.request, row); err != nil {
		return Result{}, err
	}
	if err := a.drop(keyID(rowKept, c.request[:])); err != nil {
		return Result{}, err
	}
	return Result{}, a.dropSubject(row)
}

func (a *applier) dropSubject(row *erasureRow) error {
	who, err := a.view.subject(row.subject)
	if err != nil {
		return err
	}
	if who == nil {
		return errWire
	}
	who.record = nil
	if row.scope != entry.ScopeAll {
		return a.setSubject(row.subject, who)
	}
	who.slots = nil
	for _, n := range row.slots {
		slot, err := a.view.slot(n)
		if err != nil {
			return err
		}
		if slot == nil {
			return errWire
		}
		slot.link = nil
		if err := a.setSlot(n, slot); err != nil {
			return err
		}
		if err := a.drop(append(key64(rowRecord, n), groupData)); err != nil {
			return err
		}
	}
	if err := a.drop(key64(rowSeries, row.subject)); err != nil {
		return err
	}
	return a.setSubject(row.subject, who)
}
