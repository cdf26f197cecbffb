package ledger

import (
	"encoding/binary"
	"fmt"

	"indelible/ledger/entry"
)

type number struct {
	no        uint64 // of the author
	boot, seq uint64
}

func (n number) above(boot, seq uint64) bool {
	return n.boot > boot || n.boot == boot && n.seq > seq
}

// usedRow says which statement took a number first.
type usedRow struct {
	index uint64
	run   uint64 // which run of the device's statements it belongs to
}

var usedTable = table[number, usedRow]{
	prefix: keyUsed,
	key:    func(n number) []byte { return numberKey(keyUsed, n.no, n.boot, n.seq) },
	fields: func(u *usedRow, f *form) {
		f.uint(&u.index)
		f.uint(&u.run)
	},
}

// repetition is a statement at a number that was used before.
type repetition struct {
	number
	index uint64
}

type repeatRow struct{ run uint64 }

var repeatTable = table[repetition, repeatRow]{
	prefix: keyRepeat,
	key:    func(n repetition) []byte { return numberKey(keyRepeat, n.no, n.boot, n.seq, n.index) },
	fields: func(u *repeatRow, f *form) { f.uint(&u.run) },
}

type requested struct {
	no uint64
	id entry.RequestID
}

// position is a row that holds the index of an entry.
type position struct{ index uint64 }

func (p *position) fields(f *form) { f.uint(&p.index) }

var requestTable = table[requested, position]{
	prefix: keyRequest,
	key:    func(k requested) []byte { return noBytesKey(keyRequest, k.no, k.id[:]) },
	fields: (*position).fields,
}

var sidTable = table[entry.StatementID, position]{
	prefix: keySid,
	key:    sidKey,
	fields: (*position).fields,
}

// Marks of an entry.
const (
	markEquivocation = 1 << iota // another statement has the same number
	markLate                     // accepted after its author was revoked
	marksEnd
)

type markRow struct{ flags uint64 }

var markTable = table[uint64, markRow]{
	prefix: keyMark,
	key:    markKey,
	fields: func(m *markRow, f *form) { below(f, &m.flags, marksEnd) },
}

// device is where a device's sequence stands. It is derived from the used, run
// and waiting rows, so that a device that sends in order costs no reads and no
// rows but one for each statement.
type device struct {
	no        uint64
	boot, seq uint64             // the highest number used
	newest    *entry.StatementID // the statement logged last, as far as known
	newestRun uint64
	runs      uint64 // runs ever begun
	waits     bool   // whether some run may wait for a statement
}

// device returns the sequence of an author, to be changed in place. Readers get
// their own copy.
func (t *tx) device(author *Author) *device {
	if d, ok := t.devices[author.no]; ok {
		return d
	}
	d := t.committedDevice(author.no)
	if t.failure != nil {
		return d
	}
	if t.devices == nil {
		t.devices = make(map[uint64]*device)
	}
	own := *d
	t.devices[author.no] = &own
	return &own
}

func (t *tx) committedDevice(no uint64) *device {
	if d, ok := t.l.devices.peek(no); ok && !t.readOnly() {
		return d
	}
	d, err := t.loadDevice(no)
	if err != nil {
		t.fail(err)
		return &device{}
	}
	return d
}

func (t *tx) loadDevice(no uint64) (*device, error) {
	d := &device{no: no}
	key, row, err := lastBelow(t.from, numberKey(keyUsed, no))
	if err != nil || key == nil {
		return d, err
	}
	d.boot, d.seq = binary.BigEndian.Uint64(key[9:]), binary.BigEndian.Uint64(key[17:])
	u, err := t.used.parse(key[1:], row)
	if err != nil {
		return nil, err
	}
	id := t.statement(u.index).ID()
	d.newest, d.newestRun = &id, u.run
	if key, _, err = lastBelow(t.from, numberKey(keyRun, no)); err != nil {
		return nil, err
	}
	if key == nil {
		return nil, fmt.Errorf("%w: run: a device has numbers but no run", errRow)
	}
	d.runs = lastNumber(key) + 1
	key, _, err = lastBelow(t.from, numberKey(keyWaiting, no))
	d.waits = key != nil
	return d, err
}

// known returns the index of a statement that is logged. A statement can only be
// logged if its number, or its request id, is used by its author, so that new
// ones are told apart without looking for their ids.
func (t *tx) known(s *entry.Statement) (index uint64, ok bool) {
	author := t.authors.get(t, s.Author)
	if author == nil || !t.taken(s, author) {
		return 0, false
	}
	p := t.sids.get(t, s.ID())
	if p == nil {
		return 0, false
	}
	return p.index, true
}

func (t *tx) taken(s *entry.Statement, author *Author) bool {
	if s.Request != nil {
		return t.requests.get(t, requested{author.no, *s.Request}) != nil
	}
	if author.Role != entry.RoleDevice {
		return false
	}
	d, at := t.device(author), number{author.no, s.Boot, s.Seq}
	return !at.above(d.boot, d.seq) && t.used.get(t, at) != nil
}

// unique judges number or request id of a statement that is not logged. A used
// number makes it an equivocation, which is accepted and marked; a used request
// id makes it a mistake.
func (t *tx) unique(s *entry.Statement, author *Author) (equivocation bool, refusal *entry.Refusal) {
	used := t.taken(s, author)
	if s.Request != nil || author.Role != entry.RoleDevice {
		if used {
			return false, entry.Refuse(entry.CodeRequestIDReused, "author %s used the request id for another statement", author.ID)
		}
		return false, nil
	}
	if d := t.device(author); s.Boot > d.boot && s.Boot-d.boot > maxBootStep {
		return false, entry.Refuse(entry.CodeBootTooFar, "boot %d, the highest accepted is %d", s.Boot, d.boot)
	}
	return used, nil
}

// number takes an appended statement's number or request id, and notes its
// author and marks.
func (t *tx) number(s *entry.Statement, index uint64, as standing) {
	author := t.authors.get(t, s.Author)
	t.touchAuthor(author, index)
	if as.marks() != 0 {
		t.marks.put(t, index, &markRow{as.marks()})
	}
	if s.Request != nil {
		t.requests.put(t, requested{author.no, *s.Request}, &position{index})
		return
	}
	t.sequence(s, author, index, as)
}

func (t *tx) sequence(s *entry.Statement, author *Author, index uint64, as standing) {
	d := t.device(author)
	run := t.link(s, d)
	id := s.ID()
	d.newest, d.newestRun = &id, run
	at := number{author.no, s.Boot, s.Seq}
	if as.equivocation {
		t.repeat(at, index, run)
		return
	}
	if at.above(d.boot, d.seq) {
		d.boot, d.seq = s.Boot, s.Seq
	}
	t.used.put(t, at, &usedRow{index: index, run: run})
}

// repeat notes a further statement at a used number and marks the first one.
func (t *tx) repeat(at number, index, run uint64) {
	first := t.used.get(t, at)
	flags := uint64(markEquivocation)
	if mark := t.marks.get(t, first.index); mark != nil {
		flags |= mark.flags
	}
	t.marks.put(t, first.index, &markRow{flags})
	t.repeats.put(t, repetition{at, index}, &repeatRow{run})
}
