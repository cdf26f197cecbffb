package vault

import (
	"errors"
	"hash/maphash"
	"slices"
	"sync"

	"indelible/ledger/entry"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/layout"
	"indelible/ledger/vault/store"
)

// maxDirectory bounds the identifiers of one jurisdiction: 16 bytes of memory
// each, and as much again for the map.
const maxDirectory = 1 << 24

// directory finds subjects by identifier. On disk there is nothing to find them
// by: an identifier stands only in the subject's own record, under its identity
// key, and dies with that. So a process reads every record once and remembers,
// for each identifier, a keyed hash that means nothing outside it. What the hash
// finds is opened and compared before it is believed.
//
// A table on disk could not do this. Whatever is stored where the identifier's
// hash says tells anyone who knows the identifier where to look in the log of
// writes; and a key that seals the rows of several people outlives each of them.
type directory struct {
	v    *Vault
	seed maphash.Seed

	erased struct { // a lock of its own: Apply must not wait for a reading, nor that for a provider
		mu     sync.Mutex
		people []uint64 // condemned, their names may still be in rows
	}

	mu         sync.Mutex // guards all below
	registered uint64     // registrations read
	next       uint64     // subjects below it were read, save those in vacant
	vacant     map[uint64]bool
	rows       map[uint64][]uint64 // hash of an identifier → subjects
	size       int                 // of rows
}

func newDirectory(v *Vault) *directory {
	return &directory{v: v, seed: maphash.MakeSeed(), vacant: make(map[uint64]bool), rows: make(map[uint64][]uint64)}
}

// Identifiers of staff are a name space of their own, so that no client can
// look up, or take, the name of an author.
func isStaff(class entry.HandleClass) bool { return class == entry.HandleStaff }

func (d *directory) hash(staff bool, identifier string) uint64 {
	return maphash.Comparable(d.seed, name{staff, identifier})
}

type name struct {
	staff      bool
	identifier string
}

// find returns the subject with an identifier as of one state, and how many
// registrations that state has seen.
func (d *directory) find(staff bool, identifiers ...string) (n uint64, ok bool, registered uint64, err error) {
	d.mu.Lock()
	defer d.release()
	err = d.v.store.Snapshot(func(s store.View) error {
		if err := d.read(s); err != nil {
			return err
		}
		registered = d.registered
		for _, identifier := range identifiers {
			for _, candidate := range d.rows[d.hash(staff, identifier)] {
				match, err := d.matches(s, candidate, staff, identifier)
				if err != nil {
					return err
				}
				if match {
					n, ok = candidate, true
					return nil
				}
			}
		}
		return nil
	})
	return n, ok, registered, err
}

// read takes in the registrations since it last looked. What it has taken in
// stays, if it fails halfway: the next attempt goes on from there.
func (d *directory) read(s store.View) error {
	c, err := s.Counters()
	if err != nil || c.Registered == d.registered {
		return err
	}
	for n := range d.vacant {
		who, err := s.Subject(n)
		if err != nil {
			return err
		}
		if err := d.readOne(n, who); err != nil {
			return err
		}
	}
	err = s.Subjects(d.next, func(n uint64, who *store.Subject) error {
		if err := d.readOne(n, who); err != nil {
			return err
		}
		d.next = n + 1
		return nil
	})
	if err != nil {
		return err
	}
	d.next, d.registered = c.Subjects, c.Registered
	return nil
}

// readOne takes in one subject; who is valid until it returns.
func (d *directory) readOne(n uint64, who *store.Subject) error {
	if who == nil || who.Gone.Has(entry.ClassIdentity) {
		delete(d.vacant, n)
		return nil
	}
	if who.Record == nil {
		d.vacant[n] = true
		return nil
	}
	identifiers, err := d.v.identifiers(n, who)
	if err != nil && !errors.Is(err, keytree.ErrKeyGone) {
		return err
	}
	delete(d.vacant, n)
	for _, identifier := range identifiers {
		h := d.hash(isStaff(who.Class), identifier)
		d.rows[h] = append(d.rows[h], n)
		d.size++
	}
	return nil
}

// forget drops the names of people whose identity key was condemned: at once, or
// when the reading that is under way has ended.
func (d *directory) forget(c store.Change) {
	if len(c.Persons) == 0 {
		return
	}
	d.erased.mu.Lock()
	d.erased.people = append(d.erased.people, c.Persons...)
	d.erased.mu.Unlock()
	if d.mu.TryLock() {
		d.release()
	}
}

// release unlocks the directory, and leaves no name in it that forget has been
// told of.
func (d *directory) release() {
	for {
		d.drop(d.condemned())
		d.mu.Unlock()
		d.erased.mu.Lock()
		none := len(d.erased.people) == 0
		d.erased.mu.Unlock()
		if none || !d.mu.TryLock() { // who has the lock now will see to them
			return
		}
	}
}

// condemned takes over what forget was told.
func (d *directory) condemned() []uint64 {
	d.erased.mu.Lock()
	defer d.erased.mu.Unlock()
	people := d.erased.people
	d.erased.people = nil
	return people
}

func (d *directory) drop(people []uint64) {
	if len(people) == 0 {
		return
	}
	for h, subjects := range d.rows {
		left := slices.DeleteFunc(subjects, func(n uint64) bool { return slices.Contains(people, n) })
		d.size -= len(subjects) - len(left)
		if len(left) == 0 {
			delete(d.rows, h)
		} else {
			d.rows[h] = left
		}
	}
}

// full reports whether no further identifiers fit.
func (d *directory) full() bool {
	d.mu.Lock()
	defer d.release()
	return d.size+MaxIdentifiers > maxDirectory
}

// matches opens a candidate's record and looks.
func (d *directory) matches(s store.View, n uint64, staff bool, identifier string) (bool, error) {
	who, err := s.Subject(n)
	if err != nil || who == nil || who.Record == nil || who.Gone.Has(entry.ClassIdentity) || isStaff(who.Class) != staff {
		return false, err
	}
	identifiers, err := d.v.identifiers(n, who)
	if errors.Is(err, keytree.ErrKeyGone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return slices.Contains(identifiers, identifier), nil
}

// identifiers opens a subject's record.
func (v *Vault) identifiers(n uint64, who *store.Subject) ([]string, error) {
	a, err := v.keys.LeafOnce(who.Identity)
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, who.Record, keytree.RowData(v.group, byte(rowIdentifiers), n))
	if err != nil {
		return nil, errSealBroken
	}
	defer clear(plain)
	content, err := unpad(plain)
	if err != nil {
		return nil, err
	}
	var list []string
	err = layout.Decode(content, &list)
	return list, err
}
