package vault

import (
	"indelible/ledger/entry"
)

// counters are the next numbers of everything, and what the sweep has passed.
type counters struct {
	subjects   uint64 // next subject number
	slots      uint64 // next slot number
	leaves     uint64 // next leaf of the key tree
	roots      uint64 // newest root version id ever taken; ids begin at 1
	registered uint64 // how many registrations there were: what a registration is checked against
	swept      uint64 // no record is given an older seal time, Unix milliseconds
}

func (c counters) encode() []byte {
	var w writer
	w.each64([]uint64{c.subjects, c.slots, c.leaves, c.roots, c.registered, c.swept})
	return w.b
}

func readCounters(r *reader) counters {
	return counters{r.u64(), r.u64(), r.u64(), r.u64(), r.u64(), r.u64()}
}

// top is the head of the key tree.
type top struct {
	version uint64 // of the tree: every change of it raises it
	epoch   uint64 // version at which the wrapped key was wrapped
	height  uint8
	blocks  uint64 // of 64 leaves each
	root    uint64 // root version under which the key is wrapped
	wrapped []byte // key of the one node of the highest level
}

func (t top) encode() []byte {
	var w writer
	w.each64([]uint64{t.version, t.epoch, t.blocks, t.root})
	w.u8(t.height)
	w.bytes(t.wrapped)
	return w.b
}

func readTop(r *reader) top {
	t := top{version: r.u64(), epoch: r.u64(), blocks: r.u64(), root: r.u64()}
	t.height, t.wrapped = r.u8(), r.bytes()
	return t
}

func (t top) place() place { return place{t.height, 0} }

// gone is a set of classes whose key is condemned or destroyed.
type gone uint8

func (g gone) has(c entry.Class) bool { return g&(1<<c) != 0 }

func classSet(classes ...entry.Class) (g gone) {
	for _, c := range classes {
		g |= 1 << c
	}
	return g
}

// slotRow is what a handle is inside the vault.
type slotRow struct {
	handle   entry.Handle
	class    entry.HandleClass
	gone     gone   // of clinical, identity and audit
	clinical uint64 // leaf
	audit    uint64 // leaf
	guard    uint64
	link     []byte // subject number, sealed under the clinical key; nil until registered
}

func (s slotRow) encode() []byte {
	var w writer
	w.raw(s.handle[:])
	w.u8(uint8(s.class))
	w.u8(uint8(s.gone))
	w.each64([]uint64{s.clinical, s.audit, s.guard})
	w.bytes(s.link)
	return w.b
}

func readSlotRow(r *reader) slotRow {
	var s slotRow
	r.fixed(s.handle[:])
	s.class, s.gone = entry.HandleClass(r.u8()), gone(r.u8())
	s.clinical, s.audit, s.guard = r.u64(), r.u64(), r.u64()
	s.link = r.bytes()
	return s
}

// subject is a row of its own: identity and series keys, and what lies under
// them.
type subject struct {
	class    entry.HandleClass
	gone     gone   // of identity and series
	identity uint64 // leaf
	series   uint64 // leaf
	slots    []byte // slot numbers, sealed under the series key; nil until registered
	record   []byte // identifiers, sealed under the identity key; nil until registered
}

func (s subject) encode() []byte {
	var w writer
	w.u8(uint8(s.class))
	w.u8(uint8(s.gone))
	w.each64([]uint64{s.identity, s.series})
	w.bytes(s.slots)
	w.bytes(s.record)
	return w.b
}

func readSubject(r *reader) subject {
	s := subject{class: entry.HandleClass(r.u8()), gone: gone(r.u8()), identity: r.u64(), series: r.u64()}
	s.slots, s.record = r.bytes(), r.bytes()
	return s
}

// rootState is the life of a root version id. An id that was taken and has no
// row is destroyed by every member.
type rootState uint8

const (
	rootReserved   rootState = 1 + iota // taken; its key may or may not exist
	rootCurrent                         // wraps the top of the tree
	rootSuperseded                      // replaced; kept until every living key is found under the new one
	rootDoomed                          // to be destroyed by every member: superseded and verified, or abandoned
)

// erasureState is how far an erasure is inside the vault.
type erasureState uint8

const (
	erasureBegun     erasureState = 1 + iota // requested: new records are refused
	erasureCondemned                         // its keys must die; no way back
	erasureCancelled                         //
	erasureFinished                          // complete: rows dropped
)

// erasureRow is an erasure known here.
type erasureRow struct {
	state   erasureState
	scope   entry.Scope
	subject uint64
	slots   []uint64
	leaves  []uint64 // condemned by it
}

func (e erasureRow) encode() []byte {
	var w writer
	w.u8(uint8(e.state))
	w.u8(uint8(e.scope))
	w.u64(e.subject)
	w.u64s(e.slots)
	w.u64s(e.leaves)
	return w.b
}

func readErasureRow(r *reader) erasureRow {
	return erasureRow{erasureState(r.u8()), entry.Scope(r.u8()), r.u64(), r.u64s(), r.u64s()}
}

// holdRow is a hold known here.
type holdRow struct {
	released bool
	class    entry.Class
	subject  uint64
	slots    []uint64
}

func (h holdRow) encode() []byte {
	var w writer
	released := uint8(0)
	if h.released {
		released = 1
	}
	w.u8(released)
	w.u8(uint8(h.class))
	w.u64(h.subject)
	w.u64s(h.slots)
	return w.b
}

func readHoldRow(r *reader) holdRow {
	return holdRow{r.u8() == 1, entry.Class(r.u8()), r.u64(), r.u64s()}
}
