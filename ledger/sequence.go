package ledger

import (
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
