package vault

import (
	"crypto/cipher"

	"indelible/ledger/entry"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/store"
)

// target is whose keys a record is sealed under: a slot's, and its subject's.
type target struct {
	v       *Vault
	number  uint64         // of the slot
	slot    *store.Slot    // nil for records of class series
	subject *store.Subject // nil until a class needs it
}

// leaf is the key of a class. Where that is gone it is refused SUBJECT_ERASED.
func (d *target) leaf(class entry.Class) (uint64, error) {
	switch class {
	case entry.ClassClinical:
		return d.slot.Clinical, nil
	case entry.ClassAudit:
		return d.slot.Audit, nil
	case entry.ClassSeries:
		return d.subject.Series, nil
	}
	if d.subject == nil {
		n, err := d.v.subjectOf(d.number, d.slot)
		if err != nil {
			return 0, err
		}
		if d.subject, err = livingSubject(d.v.store.View(), n, class); err != nil {
			return 0, err
		}
	}
	return d.subject.Identity, nil
}

// livingSubject reads a subject, none of whose classes needed may be gone.
func livingSubject(now store.View, n uint64, needed ...entry.Class) (*store.Subject, error) {
	who, err := now.Subject(n)
	if err != nil {
		return nil, err
	}
	if who == nil {
		return nil, store.Erased()
	}
	for _, class := range needed {
		if who.Gone.Has(class) {
			return nil, store.Erased()
		}
	}
	return who, nil
}

func (d *target) sealPart(r *Record, o store.Owner, class entry.Class) ([]byte, error) {
	a, err := d.cipher(class)
	if err != nil {
		return nil, err
	}
	commitment, _ := r.Parts.Get(class)
	plain := pad(r.Openings[class])
	defer clear(plain)
	return a.Seal(nil, nil, plain, keytree.RecordData(d.v.group, o.Number, class, r.Statement.ID(), commitment)), nil
}

// openPart opens one part of a record and checks it against its commitment.
func (d *target) openPart(o store.Owner, id entry.StatementID, row *store.Record, class entry.Class) ([]byte, error) {
	parts, err := entry.ParseParts(row.Parts)
	if err != nil {
		return nil, errSealBroken
	}
	commitment, ok := parts.Get(class)
	sealed := row.Seal(class)
	if !ok || sealed == nil {
		return nil, errSealBroken
	}
	a, err := d.cipher(class)
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, sealed, keytree.RecordData(d.v.group, o.Number, class, id, commitment))
	if err != nil {
		return nil, errSealBroken
	}
	opening, err := unpad(plain)
	if err != nil || entry.Commit(opening) != commitment {
		return nil, errSealBroken
	}
	return opening, nil
}

// cipher is the cipher of a class. Where its key is gone it is refused
// SUBJECT_ERASED.
func (d *target) cipher(class entry.Class) (cipher.AEAD, error) {
	leaf, err := d.leaf(class)
	if err != nil {
		return nil, err
	}
	return d.v.cipher(leaf)
}
