package vault

import (
	"errors"

	"indelible/ledger/entry"
)

// errSealBroken: what is stored is not what was sealed. The store or the key
// tree is damaged; the operation is refused, and the error names no content.
var errSealBroken = errors.New("vault: a sealed row does not open")

// The letters that tell sealed rows of one number apart in their associated
// data: rowSubject for a subject's record, rowSlot for its list of slots,
// rowHandle for a slot's link to its subject.

func (v *Vault) sealRow(leaf uint64, letter byte, number uint64, plain []byte) ([]byte, error) {
	a, err := v.keys.leaf(leaf)
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, plain, rowData(v.store.group, letter, number)), nil
}

func (v *Vault) openRow(leaf uint64, letter byte, number uint64, sealed []byte) ([]byte, error) {
	a, err := v.keys.leaf(leaf)
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, sealed, rowData(v.store.group, letter, number))
	if err != nil {
		return nil, errSealBroken
	}
	return plain, nil
}

// subjectOf opens a slot's link to its subject.
func (v *Vault) subjectOf(n uint64, slot *slotRow) (uint64, error) {
	if slot.gone.has(entry.ClassClinical) || slot.link == nil {
		return 0, errErased()
	}
	plain, err := v.openRow(slot.clinical, rowHandle, n, slot.link)
	if errors.Is(err, errKeyGone) {
		return 0, errErased()
	}
	if err != nil {
		return 0, err
	}
	r := &reader{b: plain}
	subject := r.u64()
	return subject, r.end()
}

// slotsUnder opens a subject's list of slots.
func (v *Vault) slotsUnder(n uint64, who *subject) ([]uint64, error) {
	if who.gone.has(entry.ClassSeries) || who.slots == nil {
		return nil, errErased()
	}
	plain, err := v.openRow(who.series, rowSlot, n, who.slots)
	if errors.Is(err, errKeyGone) {
		return nil, errErased()
	}
	if err != nil {
		return nil, err
	}
	content, err := unpad(plain)
	if err != nil {
		return nil, err
	}
	r := &reader{b: content}
	slots := r.u64s()
	return slots, r.end()
}

// handleOf names the newest handle of a subject.
func (v *Vault) handleOf(n uint64) (entry.Handle, error) {
	now := v.store.view()
	who, err := now.subject(n)
	if err != nil {
		return entry.Handle{}, err
	}
	if who == nil {
		return entry.Handle{}, errErased()
	}
	slots, err := v.slotsUnder(n, who)
	if err != nil {
		return entry.Handle{}, err
	}
	if len(slots) == 0 {
		return entry.Handle{}, errSealBroken
	}
	slot, err := now.slot(slots[len(slots)-1])
	if err != nil {
		return entry.Handle{}, err
	}
	if slot == nil {
		return entry.Handle{}, errSealBroken
	}
	return slot.handle, nil
}
