package store

import (
	"encoding/binary"

	"indelible/ledger/entry"
)

// Every row of the store begins with one of these letters. '!' belongs to
// package state. Numbers are big-endian, so that Pebble's order is theirs.
const (
	rowCounters  = 'c' // → next numbers of everything
	rowTop       = 'T' // → version, height and wrapped key of the tree's top
	rowNode      = 't' // level1 position8 → epoch8 sealed node
	rowRoot      = 'R' // version8 → state of a root version
	rowCondemned = 'x' // leaf8 → : condemned, not yet out of the tree
	rowOld       = 'o' // what a rekey replaced, until the old root is destroyed: level1 position8, or level 0 for the top
	rowMembers   = 'm' // → who holds this vault
	rowVerdict   = 'v' // version8 author32 → ok1
	rowAttest    = 'y' // version8 author32 → method1 strength1

	rowSlot    = 's' // slot8 → what a handle is
	rowHandle  = 'h' // handle16 → slot8
	rowSubject = 'u' // subject8 → keys and sealed rows
	rowRequest = 'q' // request16 → subject8 slot8
	rowVacant  = 'n' // → allocations not registered yet: in one row, because it is mostly empty

	rowRecord = 'r' // slot8 range1 sid32 → sealed parts
	rowSeries = 'a' // subject8 sid32 → sealed part of class series
	rowSealer = 'b' // sid32 → subject8 with which a part of class series is sealed
	rowRecent = 'w' // seal time8 space1 owner8 range1 sid32 → : not yet found in the log
	rowErase  = 'e' // request32 → an erasure
	rowOpen   = 'i' // request32 → : the erasure is begun or condemned
	rowMark   = 'k' // slot8 request32 → : an erasure of this slot is under way
	rowKept   = 'z' // request32 author32 step1 → statement signed
	rowLater  = 'd' // slot8 → request32: the audit key dies when its floor has passed
	rowHold   = 'L' // set32 → a hold
	rowHeld   = 'l' // slot8 class1 set32 →
	rowFollow = 'f' // → index up to which the log has been followed
)

func key(letter byte, more ...byte) []byte { return append([]byte{letter}, more...) }

func key64(letter byte, n uint64, more ...byte) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{letter}, n), more...)
}

func keyNode(letter byte, at Place) []byte {
	return binary.BigEndian.AppendUint64([]byte{letter, at.Level}, at.Position)
}

func keyHeld(slot uint64, class entry.Class, set entry.StatementID) []byte {
	return append(key64(rowHeld, slot, byte(class)), set[:]...)
}

func keyKept(request entry.StatementID, author entry.AuthorID, step entry.ErasureStep) []byte {
	return append(append(key(rowKept, request[:]...), author[:]...), byte(step))
}
