package vault

import (
	"encoding/binary"

	"indelible/ledger/entry"
)

// Spans of the sweep, milliseconds.
const (
	sealExpiry = 60 * 60 * 1000         // the log refuses what was sealed longer ago
	settleAge  = sealExpiry + 5*60*1000 // by then an entry is in the log or never will be
	orphanAge  = 24 * 60 * 60 * 1000    // a record without an entry is kept for the client so long
	sweepPage  = 4096                   // records looked at in one go
	recentSize = 1 + 8 + 1 + 8 + 1 + entry.HashSize
)

// recent is a key of rowRecent: a record, by the time it was sealed.
type recent struct {
	at    uint64
	owner owner
	id    entry.StatementID
}

func (r recent) key() []byte { return keyRecent(r.at, r.owner, r.id) }

func parseRecent(k []byte) (recent, error) {
	if len(k) != recentSize {
		return recent{}, errWire
	}
	var e recent
	e.at = binary.BigEndian.Uint64(k[1:])
	e.owner = owner{space: k[9], number: binary.BigEndian.Uint64(k[10:]), group: k[18]}
	copy(e.id[:], k[19:])
	return e, nil
}

func (w *writer) recents(list []recent) {
	w.count(len(list))
	for _, e := range list {
		w.raw(e.key())
	}
}

func (r *reader) recents() []recent {
	n := r.count(recentSize)
	list := make([]recent, 0, n)
	for range n {
		e, err := parseRecent(r.take(recentSize))
		r.broken = r.broken || err != nil
		list = append(list, e)
	}
	return list
}

// sweepCommand closes the books on a range of seal times. What is not named is
// in the log.
type sweepCommand struct {
	from, to uint64   // seal times, to exclusive, Unix milliseconds
	kept     []recent // no entry yet; looked at again
	orphans  []recent // no entry, and none can come: dropped
}

func (c sweepCommand) command() Command {
	var w writer
	w.u64(c.from)
	w.u64(c.to)
	w.recents(c.kept)
	w.recents(c.orphans)
	return Command{CommandSweep, w.b}
}

func readSweep(r *reader) sweepCommand {
	return sweepCommand{r.u64(), r.u64(), r.recents(), r.recents()}
}

func (a *applier) sweep(c sweepCommand) (Result, error) {
	if c.from >= c.to || c.to+settleAge > a.now {
		return refuse(entry.CodeWrongState, "the range to be swept is too young")
	}
	for _, e := range c.orphans {
		if err := a.dropOrphan(e); err != nil {
			return Result{}, err
		}
	}
	if err := a.dropRange(key64(rowRecent, c.from), key64(rowRecent, c.to)); err != nil {
		return Result{}, err
	}
	for _, e := range c.kept {
		if err := a.set(e.key(), nil); err != nil {
			return Result{}, err
		}
	}
	n, err := a.counters()
	if err != nil {
		return Result{}, err
	}
	n.swept = max(n.swept, c.to)
	return Result{}, a.setCounters(n)
}

// dropOrphan deletes a record unless it was sealed again in the meantime.
func (a *applier) dropOrphan(e recent) error {
	row, err := a.record(e.owner, e.id)
	if err != nil || row == nil || row.at != e.at || e.at+orphanAge > a.now {
		return err
	}
	if e.owner.space == spaceSeries {
		if err := a.delete(keyID(rowSealer, e.id[:])); err != nil {
			return err
		}
	}
	return a.delete(e.owner.key(e.id))
}

// followCommand remembers how far the log has been followed.
type followCommand struct{ upto uint64 } // index of the first entry not looked at

func (c followCommand) command() Command {
	var w writer
	w.u64(c.upto)
	return Command{CommandFollow, w.b}
}

func readFollow(r *reader) followCommand { return followCommand{r.u64()} }

func (a *applier) follow(c followCommand) (Result, error) {
	upto, err := a.followed()
	if err != nil || c.upto <= upto {
		return Result{}, err
	}
	return Result{}, a.set(key(rowFollow), number(c.upto).Value)
}

func (v view) followed() (uint64, error) {
	n, _, err := v.number(key(rowFollow))
	return n, err
}
