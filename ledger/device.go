package ledger

import (
	"context"
	"encoding/binary"

	"indelible/ledger/entry"
)

// Devices returns up to limit authors of role device, in the order of their
// ids, after the given one.
func (l *Ledger) Devices(after entry.AuthorID, limit int) ([]*Author, error) {
	var devices []*Author
	start := append(bytesKey(keyAuthor, after[:]), 0)
	err := l.tables.authors.each(l.db, start, func(_ []byte, a *Author) error {
		if len(devices) >= limit {
			return errEnough
		}
		if a.Role == entry.RoleDevice {
			devices = append(devices, a)
		}
		return nil
	})
	return devices, err
}

// Sent sums up the sequence of a device.
type Sent struct {
	HighestBoot   uint64 // 0 before its first statement
	Equivocations uint64 // statements at a number that was used before
}

// Sent sums up what a device has sent; zero for an author that is none.
func (l *Ledger) Sent(id entry.AuthorID) (Sent, error) {
	a, ok, err := l.Author(id)
	if err != nil || !ok {
		return Sent{}, err
	}
	var sent Sent
	key, _, err := lastBelow(l.db, numberKey(keyUsed, a.no))
	if err != nil || key == nil {
		return Sent{}, err
	}
	sent.HighestBoot = binary.BigEndian.Uint64(key[9:])
	err = scan(l.db, numberKey(keyRepeat, a.no), nil, func(_, _ []byte) error {
		sent.Equivocations++
		return nil
	})
	return sent, err
}

// Place is a place in a device's sequence.
type Place struct{ Boot, Seq uint64 }

// Gap is something that is missing in, or does not fit into, what a device has
// sent. It never was a reason to refuse.
type Gap struct {
	After Place // the last number before it that is logged; zero at the beginning
	Next  Place // the first number after it that is logged
	Index uint64

	// Missing: numbers between After and Next are not logged. Between two boots
	// it is not known how many.
	Missing bool

	// Prev: the statement at Next names another as its previous one than the
	// statement at After, or names one though it is the first, or none though
	// it is not.
	Prev bool
}

// Gaps returns up to limit gaps in the sequence of a device, in the order of its
// numbers, from the given place on: zero, or where an earlier search ended. At a
// number with several statements the one logged first counts. A gap may close
// when late statements arrive.
//
// A search reads every statement it passes, hence at most so many numbers, 2
// or more; ended is the last of them if there are more, and zero if not.
func (l *Ledger) Gaps(ctx context.Context, id entry.AuthorID, from Place, limit, numbers int) (found []Gap, ended Place, err error) {
	a, ok, err := l.Author(id)
	if err != nil || !ok {
		return nil, Place{}, err
	}
	g := gapFinder{l: l}
	start := numberKey(keyUsed, a.no, from.Boot, from.Seq)
	err = scan(l.db, numberKey(keyUsed, a.no), start, func(key, row []byte) error {
		if len(g.found) >= limit || g.passed >= numbers {
			ended = g.place
			return errEnough
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		at := number{a.no, binary.BigEndian.Uint64(key[9:]), binary.BigEndian.Uint64(key[17:])}
		u, err := l.tables.used.parse(key[1:], row)
		if err != nil {
			return err
		}
		first := from == Place{} && g.last == nil
		return g.visit(Place{at.boot, at.seq}, u.index, first)
	})
	return g.found, ended, err
}

type gapFinder struct {
	l     *Ledger
	place Place
	last  *entry.Statement // at place; nil before the first
	found []Gap

	passed int // numbers
}

func (g *gapFinder) visit(at Place, index uint64, first bool) error {
	s, err := g.l.statementAt(index)
	if err != nil {
		return err
	}
	if g.last != nil || first {
		if gap := g.between(s, at, index); gap.Missing || gap.Prev {
			g.found = append(g.found, gap)
		}
	}
	g.place, g.last = at, s
	g.passed++
	return nil
}

func (g *gapFinder) between(s *entry.Statement, at Place, index uint64) Gap {
	gap := Gap{After: g.place, Next: at, Index: index}
	if g.last == nil {
		gap.Missing, gap.Prev = at.Seq != 1, s.Prev != nil
		return gap
	}
	follows := at.Boot == g.place.Boot && at.Seq == g.place.Seq+1 || at.Boot > g.place.Boot && at.Seq == 1
	gap.Missing = !follows
	gap.Prev = s.Prev == nil || follows && *s.Prev != g.last.ID()
	return gap
}
