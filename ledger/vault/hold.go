package vault

import (
	"bytes"
	"context"
	"fmt"

	"indelible/ledger/entry"
)

// setHoldCommand puts a hold into force. What it covers is sealed in its series
// part; the slots in the command are the proposer's reading of it.
type setHoldCommand struct {
	set     evidence
	subject uint64
	class   entry.Class
	slots   []uint64
}

func (c setHoldCommand) command() Command {
	var w writer
	w.evidence(c.set)
	w.u64(c.subject)
	w.u8(uint8(c.class))
	w.u64s(c.slots)
	return Command{CommandSetHold, w.b}
}

func readSetHold(r *reader) setHoldCommand {
	return setHoldCommand{r.evidence(), r.u64(), entry.Class(r.u8()), r.u64s()}
}

func (a *applier) setHold(c setHoldCommand) (Result, error) {
	l, fault := a.s.verify(c.set, entry.KindHold)
	if fault != nil {
		return Result{Refusal: fault}, nil
	}
	body, ok := l.Body.(*entry.Hold)
	if !ok || body.Action != entry.HoldSet {
		return refuse(entry.CodeWrongState, "the statement in the command sets no hold")
	}
	known, err := a.hold(l.ID())
	if err != nil || known != nil {
		return Result{}, err
	}
	fault, err = a.sealedFault(l.Statement, c.subject, c.slots)
	if err != nil || fault != nil {
		return Result{Refusal: fault}, err
	}
	outlived, err := a.outlived(c.slots, c.class)
	if err != nil {
		return Result{}, err
	}
	if outlived {
		return Result{Refusal: errErased()}, nil
	}
	row := holdRow{class: c.class, subject: c.subject, slots: c.slots}
	id := l.ID()
	if err := a.set(keyID(rowHold, id[:]), row.encode()); err != nil {
		return Result{}, err
	}
	for _, n := range c.slots {
		if err := a.set(keyHeld(n, c.class, id), nil); err != nil {
			return Result{}, err
		}
	}
	return Result{}, a.raise(c.slots, 0)
}

// sealedFault checks that a request or hold lies sealed with the subject the
// command names, and that the slots exist.
func (a *applier) sealedFault(s *entry.Statement, subject uint64, slots []uint64) (*entry.Refusal, error) {
	row, err := a.record(owner{space: spaceSeries, number: subject}, s.ID())
	if err != nil {
		return nil, err
	}
	ok, err := a.knownSlots(slots)
	if err != nil {
		return nil, err
	}
	if row == nil || !ok {
		return entry.Refuse(entry.CodeNotSealed, "the statement is not sealed with this subject"), nil
	}
	parts, err := entry.ParseParts(row.parts)
	if err != nil {
		return nil, fmt.Errorf("vault: parts of a record: %w", err)
	}
	if digest := parts.Digest(); s.Parts == nil || !bytes.Equal(digest[:], s.Parts[:]) {
		return entry.Refuse(entry.CodeCommitmentMismatch, "the statement is sealed with other parts"), nil
	}
	return nil, nil
}

// releaseHoldCommand lifts a hold. confirmation is empty where one authority is
// enough.
type releaseHoldCommand struct {
	release      evidence
	confirmation evidence
}

func (c releaseHoldCommand) command() Command {
	var w writer
	w.evidence(c.release)
	w.evidence(c.confirmation)
	return Command{CommandReleaseHold, w.b}
}

func readReleaseHold(r *reader) releaseHoldCommand {
	return releaseHoldCommand{r.evidence(), r.evidence()}
}

func (a *applier) releaseHold(c releaseHoldCommand) (Result, error) {
	l, fault := a.s.verify(c.release, entry.KindHold)
	if fault != nil {
		return Result{Refusal: fault}, nil
	}
	body, ok := l.Body.(*entry.Hold)
	if !ok || body.Action != entry.HoldRelease {
		return refuse(entry.CodeWrongState, "the statement in the command releases no hold")
	}
	if !a.s.single {
		if len(c.confirmation.statement) == 0 {
			return refuse(entry.CodeWrongState, "the release is not confirmed")
		}
		second, fault := a.s.verify(c.confirmation, entry.KindHold)
		if fault != nil {
			return Result{Refusal: fault}, nil
		}
		if second.Confirms == nil || *second.Confirms != l.ID() {
			return refuse(entry.CodeWrongState, "the release is not confirmed")
		}
	}
	return Result{}, a.liftHold(body.Set)
}

func (a *applier) liftHold(set entry.StatementID) error {
	row, err := a.hold(set)
	if err != nil || row == nil || row.released {
		return err
	}
	row.released = true
	for _, n := range row.slots {
		if err := a.delete(keyHeld(n, row.class, set)); err != nil {
			return err
		}
	}
	if err := a.set(keyID(rowHold, set[:]), row.encode()); err != nil {
		return err
	}
	a.effect |= wakesWorker
	return a.raise(row.slots, 0)
}

// held names the first of these classes that a hold covers in one of the slots.
func (v view) held(slots []uint64, classes ...entry.Class) (entry.Class, bool, error) {
	for _, class := range classes {
		for _, n := range slots {
			found, err := v.any(append(key64(rowHeld, n), byte(class)))
			if err != nil || found {
				return class, found, err
			}
		}
	}
	return 0, false, nil
}

// outlived reports whether a class is gone from all of these slots: a hold on it
// would promise what nobody can keep.
func (v view) outlived(slots []uint64, class entry.Class) (bool, error) {
	for _, n := range slots {
		slot, err := v.slot(n)
		if err != nil || slot == nil || !slot.gone.has(class) {
			return false, err
		}
	}
	return true, nil
}

// BeginHold puts a hold into force once its set entry is in the log and before
// that is acknowledged. It is idempotent.
func (v *Vault) BeginHold(ctx context.Context, set entry.StatementID) error {
	known, err := v.store.view().hold(set)
	if err != nil || known != nil {
		return err
	}
	e, s, err := v.evidenceOf(ctx, set)
	if err != nil {
		return err
	}
	who, opening, err := v.series(s)
	if err != nil {
		return err
	}
	target, err := entry.ParseHoldTarget(opening)
	if err != nil {
		return fmt.Errorf("vault: sealed part of a hold: %w", err)
	}
	slots, err := v.slotsOf(v.store.view(), target.Handles)
	if err != nil {
		return err
	}
	_, err = v.propose(ctx, setHoldCommand{e, who, target.Class, slots})
	return err
}

// EndHold lifts a hold. The statement named is the one by which the release
// took effect: its confirmation, or, in a log with a single authority, the
// release itself. It is idempotent.
func (v *Vault) EndHold(ctx context.Context, effective entry.StatementID) error {
	last, s, err := v.evidenceOf(ctx, effective)
	if err != nil {
		return err
	}
	c := releaseHoldCommand{release: last}
	if s.Confirms != nil {
		c.confirmation = last
		if c.release, _, err = v.evidenceOf(ctx, *s.Confirms); err != nil {
			return err
		}
	}
	_, err = v.propose(ctx, c)
	return err
}
