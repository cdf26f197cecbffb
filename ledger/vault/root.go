package vault

import (
	"encoding/binary"
	"fmt"

	"indelible/ledger/entry"
)

// Root versions: reserved before the key exists, current while the tree hangs
// in it, superseded by the next, doomed once nothing living needs it any more,
// destroyed when every member has attested. An id is never taken twice, and a
// version serves at most one attempt to plant or rekey: what a failed attempt
// wrapped under it would outlive an erasure ordered between two attempts.

type reserveRootCommand struct{}

func (reserveRootCommand) command() Command { return Command{Type: CommandReserveRoot} }

func readReserveRoot(*reader) reserveRootCommand { return reserveRootCommand{} }

func (a *applier) reserveRoot(reserveRootCommand) (Result, error) {
	c, err := a.counters()
	if err != nil {
		return Result{}, err
	}
	c.roots++
	if err := a.setCounters(c); err != nil {
		return Result{}, err
	}
	return number(c.roots), a.setRoot(c.roots, rootReserved)
}

type abandonRootCommand struct{ version uint64 }

func (c abandonRootCommand) command() Command {
	var w writer
	w.u64(c.version)
	return Command{CommandAbandonRoot, w.b}
}

func readAbandonRoot(r *reader) abandonRootCommand { return abandonRootCommand{r.u64()} }

func (a *applier) abandonRoot(c abandonRootCommand) (Result, error) {
	state, err := a.rootState(c.version)
	if err != nil {
		return Result{}, err
	}
	if state != rootReserved {
		return outdated("the root version")
	}
	return Result{}, a.doomRoot(c.version)
}

// burn dooms a reserved version whose attempt failed.
func (a *applier) burn(version uint64) error {
	state, err := a.rootState(version)
	if err != nil || state != rootReserved {
		return err
	}
	return a.doomRoot(version)
}

func (a *applier) doomRoot(version uint64) error {
	a.effect |= wakesWorker
	return a.setRoot(version, rootDoomed)
}

func (a *applier) setRoot(version uint64, s rootState) error {
	return a.set(key64(rowRoot, version), []byte{byte(s)})
}

// rootState is 0 for a version that is destroyed, or was never reserved.
func (v view) rootState(version uint64) (rootState, error) {
	row, err := v.get(key64(rowRoot, version))
	if row == nil || err != nil {
		return 0, err
	}
	if len(row) != 1 {
		return 0, fmt.Errorf("vault: row %q: %w", rowRoot, errWire)
	}
	return rootState(row[0]), nil
}

// rootVersion is a version id and its state.
type rootVersion struct {
	id    uint64
	state rootState
}

// roots lists the versions below a bound that are not destroyed by every member.
func (v view) roots(below uint64) ([]rootVersion, error) {
	var list []rootVersion
	err := v.span(key64(rowRoot, 0), key64(rowRoot, below), func(k, value []byte) (bool, error) {
		if len(value) != 1 {
			return false, fmt.Errorf("vault: row %q: %w", k[:1], errWire)
		}
		list = append(list, rootVersion{binary.BigEndian.Uint64(k[1:]), rootState(value[0])})
		return true, nil
	})
	return list, err
}

// allRoots is a bound above every version.
const allRoots = 1<<64 - 1

type destroyRootCommand struct{ current uint64 }

func (c destroyRootCommand) command() Command {
	var w writer
	w.u64(c.current)
	return Command{CommandDestroyRoot, w.b}
}

func readDestroyRoot(r *reader) destroyRootCommand { return destroyRootCommand{r.u64()} }

// destroyRoot dooms everything below the current version, once a majority of
// members has found every living key under it and none has missed one.
func (a *applier) destroyRoot(c destroyRootCommand) (Result, error) {
	t, err := a.top()
	if err != nil {
		return Result{}, err
	}
	old, err := a.oldTop()
	if err != nil {
		return Result{}, err
	}
	if t == nil || old == nil || t.root != c.current {
		return outdated("the root version")
	}
	sound, err := a.sound(c.current)
	if err != nil {
		return Result{}, err
	}
	if !sound {
		return refuse(entry.CodeWrongState, "root version %d has not been verified by a majority", c.current)
	}
	below, err := a.roots(c.current)
	if err != nil {
		return Result{}, err
	}
	for _, r := range below {
		if err := a.doomRoot(r.id); err != nil {
			return Result{}, err
		}
	}
	if err := a.drop(key64(rowVerdict, c.current)); err != nil {
		return Result{}, err
	}
	return Result{}, a.drop(key(rowOld))
}
