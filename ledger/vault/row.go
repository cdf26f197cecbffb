package vault

import (
	"crypto/cipher"
	"errors"

	"indelible/ledger/entry"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/layout"
	"indelible/ledger/vault/store"
)

// errSealBroken says that what is stored is not what was sealed. The store or
// the key tree is damaged; the operation is refused, and the error names no
// content.
var errSealBroken = errors.New("vault: a sealed row does not open")

// rowKind tells sealed rows of one number apart in their associated data.
type rowKind byte

const (
	rowIdentifiers rowKind = 'u' // of a subject, under its identity key
	rowSlots       rowKind = 's' // of a subject, under its series key
	rowLink        rowKind = 'h' // of a slot to its subject, under the slot's clinical key
)

func (v *Vault) sealRow(leaf uint64, kind rowKind, number uint64, plain []byte) ([]byte, error) {
	a, err := v.keys.Leaf(leaf)
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, plain, keytree.RowData(v.group, byte(kind), number)), nil
}

// cipher is the cipher of a leaf. Where that is gone it is refused
// SUBJECT_ERASED.
func (v *Vault) cipher(leaf uint64) (cipher.AEAD, error) {
	a, err := v.keys.Leaf(leaf)
	if errors.Is(err, keytree.ErrKeyGone) {
		err = store.Erased()
	}
	return a, err
}

// openRow opens a row.
func (v *Vault) openRow(leaf uint64, kind rowKind, number uint64, sealed []byte) ([]byte, error) {
	a, err := v.cipher(leaf)
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, sealed, keytree.RowData(v.group, byte(kind), number))
	if err != nil {
		return nil, errSealBroken
	}
	return plain, nil
}

// subjectOf opens a slot's link to its subject.
func (v *Vault) subjectOf(n uint64, slot *store.Slot) (uint64, error) {
	if slot.Gone.Has(entry.ClassClinical) || slot.Link == nil {
		return 0, store.Erased()
	}
	plain, err := v.openRow(slot.Clinical, rowLink, n, slot.Link)
	if err != nil {
		return 0, err
	}
	return layout.ParseNumber(plain)
}

// slotsUnder opens a subject's list of slots.
func (v *Vault) slotsUnder(n uint64, who *store.Subject) ([]uint64, error) {
	if who.Gone.Has(entry.ClassSeries) || who.Slots == nil {
		return nil, store.Erased()
	}
	plain, err := v.openRow(who.Series, rowSlots, n, who.Slots)
	if err != nil {
		return nil, err
	}
	content, err := unpad(plain)
	if err != nil {
		return nil, err
	}
	var slots []uint64
	err = layout.Decode(content, &slots)
	return slots, err
}

// handleOf names the newest handle of a subject.
func (v *Vault) handleOf(n uint64) (entry.Handle, error) {
	now := v.store.View()
	who, err := livingSubject(now, n)
	if err != nil {
		return entry.Handle{}, err
	}
	slots, err := v.slotsUnder(n, who)
	if err != nil {
		return entry.Handle{}, err
	}
	if len(slots) == 0 {
		return entry.Handle{}, errSealBroken
	}
	slot, err := now.Slot(slots[len(slots)-1])
	if err == nil && slot == nil {
		err = errSealBroken
	}
	if err != nil {
		return entry.Handle{}, err
	}
	return slot.Handle, nil
}
