package vault

import (
	"encoding/binary"

	"indelible/ledger/entry"
)

// Every row of the store begins with one of these letters. '!' belongs to
// package state. Numbers are big-endian, so that Pebble's order is theirs.
const (
	rowCounters = 'c' // → next numbers of everything
	rowTop      = 'T' // → version, height and wrapped key of the tree's top
	rowNode     = 't' // level1 position8 → epoch8 sealed node
	rowRoot     = 'R' // version8 → state of a root version
	rowDoomed   = 'x' // leaf8 → : condemned, not yet out of the tree
	rowOld      = 'o' // what a rekey replaced, until the old root is destroyed: level1 position8, or level 0 for the top
	rowMembers  = 'm' // → who holds this vault
	rowVerdict  = 'v' // version8 author32 → ok1
	rowAttest   = 'y' // version8 author32 → method1 strength1

	rowSlot    = 's' // slot8 → what a handle is
	rowHandle  = 'h' // handle16 → slot8
	rowSubject = 'u' // subject8 → keys and sealed rows
	rowRequest = 'q' // request16 → slot8 subject8
	rowVacant  = 'n' // → allocations not registered yet: in one row, because it is mostly empty

	rowRecord = 'r' // slot8 group1 sid32 → sealed parts
	rowSeries = 'a' // subject8 sid32 → sealed part of class series
	rowSealer = 'b' // sid32 → subject8 with which a part of class series is sealed
	rowRecent = 'w' // seal time8 space1 owner8 group1 sid32 → : not yet found in the log
	rowErase  = 'e' // request32 → an erasure
	rowOpen   = 'i' // request32 → : the erasure is begun or condemned
	rowMark   = 'k' // slot8 request32 → : an erasure of this slot is under way
	rowKept   = 'z' // request32 author32 step1 → statement signed
	rowLater  = 'd' // slot8 → request32: the audit key dies when its floor has passed
	rowHold   = 'L' // set32 → a hold
	rowHeld   = 'l' // slot8 class1 set32 →
	rowFollow = 'f' // → index up to which the log has been followed
)

// Groups of a slot's records, so that each is a range of its own and can be
// dropped alone.
const (
	groupData  = 0 // clinical and identity parts
	groupAudit = 1 // audit parts
)

// Spaces of rowRecent: what the owner number is.
const (
	spaceSlot   = 0
	spaceSeries = 1
)

func key(letter byte) []byte { return []byte{letter} }

func key64(letter byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{letter}, n)
}

func keyID(letter byte, id []byte) []byte {
	return append([]byte{letter}, id...)
}

func key64ID(letter byte, n uint64, id []byte) []byte {
	return append(key64(letter, n), id...)
}

func keyNode(letter byte, at place) []byte {
	return binary.BigEndian.AppendUint64([]byte{letter, at.level}, at.position)
}

func keyRecord(slot uint64, group byte, id entry.StatementID) []byte {
	return append(append(key64(rowRecord, slot), group), id[:]...)
}

func keyRecent(at uint64, o owner, id entry.StatementID) []byte {
	b := append(key64(rowRecent, at), o.space)
	b = binary.BigEndian.AppendUint64(b, o.number)
	return append(append(b, o.group), id[:]...)
}

func keyHeld(slot uint64, class entry.Class, set entry.StatementID) []byte {
	return append(append(key64(rowHeld, slot), byte(class)), set[:]...)
}

func keyKept(request entry.StatementID, author entry.AuthorID, step entry.ErasureStep) []byte {
	return append(append(keyID(rowKept, request[:]), author[:]...), byte(step))
}

// after returns the first key behind every key that begins with prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		end[i]++
		if end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// owner says where a record lies: in a slot, or with a subject when its part is
// of class series.
type owner struct {
	space  byte
	number uint64 // of the slot or subject
	group  byte   // groupData or groupAudit; 0 in spaceSeries
}

func (o owner) key(id entry.StatementID) []byte {
	if o.space == spaceSeries {
		return key64ID(rowSeries, o.number, id[:])
	}
	return keyRecord(o.number, o.group, id)
}
