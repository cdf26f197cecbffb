package store

import (
	"encoding/binary"
	"fmt"

	"indelible/ledger/entry"
	"indelible/ledger/vault/layout"
)

// RootState is the life of a root version: reserved before its key exists,
// current while the tree hangs in it, superseded by the next, doomed once
// nothing living needs it any more. A version that was taken and has no row is
// destroyed by every member. A number is never taken twice, and a version serves
// at most one attempt to plant or rekey: what a failed attempt wrapped under it
// would outlive an erasure ordered between two attempts.
type RootState uint8

// The states of a root version.
const (
	RootReserved   RootState = 1 + iota // taken; its key may or may not exist
	RootCurrent                         // wraps the top of the tree
	RootSuperseded                      // replaced; kept until every living key is found under the new one
	RootDoomed                          // to be destroyed by every member: superseded and verified, or abandoned
)

// Root is a root version that is not destroyed by every member.
type Root struct {
	Version uint64
	State   RootState
}

// ReserveRoot takes the next root version. The answer's Value is its number.
type ReserveRoot struct{}

func (*ReserveRoot) apply(a *applier) *entry.Refusal {
	n := read(a, a.Counters)
	n.Roots++
	a.put(key(rowCounters), &n)
	a.setRoot(n.Roots, RootReserved)
	a.answer = layout.Number(n.Roots)
	return nil
}

// AbandonRoot dooms a reserved version that is not in use.
type AbandonRoot struct{ Version uint64 }

func (r *AbandonRoot) apply(a *applier) *entry.Refusal {
	if !a.abandon(r.Version) {
		return outdated("the root version")
	}
	return nil
}

// abandon dooms a version if it is still reserved.
func (a *applier) abandon(version uint64) bool {
	if readAt(a, a.RootState, version) != RootReserved {
		return false
	}
	a.setRoot(version, RootDoomed)
	a.change.Due = true
	return true
}

func (a *applier) setRoot(version uint64, s RootState) {
	a.set(key64(rowRoot, version), []byte{byte(s)})
}

// RootState is 0 for a version that is destroyed, or was never reserved.
func (v View) RootState(version uint64) (RootState, error) {
	row, err := v.get(key64(rowRoot, version))
	if row == nil || err != nil {
		return 0, err
	}
	return parseRootState(row)
}

func parseRootState(row []byte) (RootState, error) {
	if len(row) != 1 {
		return 0, fmt.Errorf("vault: row %q: %w", rowRoot, layout.ErrMalformed)
	}
	return RootState(row[0]), nil
}

// Roots lists the versions that are not destroyed by every member.
func (v View) Roots() ([]Root, error) {
	var list []Root
	err := v.each(key(rowRoot), func(k, value []byte) (bool, error) {
		s, err := parseRootState(value)
		list = append(list, Root{binary.BigEndian.Uint64(k[1:]), s})
		return true, err
	})
	return list, err
}

// DestroyRoot dooms everything below the current version, once a majority of
// members has found every living key under it and none has missed one.
type DestroyRoot struct{ Current uint64 }

func (r *DestroyRoot) apply(a *applier) *entry.Refusal {
	if t := read(a, a.Top); t == nil || read(a, a.OldTop) == nil || t.Root != r.Current {
		return outdated("the root version")
	}
	sound := readAt(a, a.Sound, r.Current)
	if !sound {
		return entry.Refuse(entry.CodeWrongState, "root version %d has not been verified by a majority", r.Current)
	}
	for _, root := range read(a, a.Roots) {
		if root.Version < r.Current {
			a.setRoot(root.Version, RootDoomed)
			a.change.Due = true
		}
	}
	a.drop(key64(rowVerdict, r.Current))
	a.drop(key(rowOld))
	return nil
}
