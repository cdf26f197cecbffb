package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"indelible/ledger/entry"
	"indelible/ledger/vault/keytree"
	"indelible/ledger/vault/layout"
	"indelible/ledger/vault/store"
)

// Limits of a registration.
const (
	MaxIdentifiers = 16  // of one subject
	MaxIdentifier  = 256 // bytes of one

	openAttempts = 16 // rounds of read, check and propose before the caller is sent away
)

// SubjectRequest asks for a new subject.
type SubjectRequest struct {
	Request     entry.RequestID   // makes the call repeatable
	Class       entry.HandleClass // anything but staff
	Identifiers []string          // by which it can be looked up; at most MaxIdentifiers
}

// OpenSubject allocates a subject, its slot and its handle. The same request
// gives the same handle; with other identifiers it is refused
// REQUEST_ID_REUSED. An identifier already known here is refused
// ALREADY_REGISTERED, without a handle. Nothing is in the log yet: the caller
// signs the handle's entry.
func (v *Vault) OpenSubject(ctx context.Context, r SubjectRequest) (entry.Handle, error) {
	if r.Class == entry.HandleStaff {
		return entry.Handle{}, entry.Refuse(entry.CodeFieldInvalid, "staff are registered at first use, not on request")
	}
	if err := r.check(); err != nil {
		return entry.Handle{}, err
	}
	v.opening.Lock()
	defer v.opening.Unlock()
	return v.openSubject(ctx, r)
}

func (r *SubjectRequest) check() error {
	if len(r.Identifiers) > MaxIdentifiers {
		return entry.Refuse(entry.CodeTooLarge, "%d identifiers, at most %d", len(r.Identifiers), MaxIdentifiers)
	}
	for i, one := range r.Identifiers {
		if one == "" || len(one) > MaxIdentifier || !utf8.ValidString(one) {
			return entry.Refuse(entry.CodeFieldInvalid, "identifier %d is empty, over %d bytes or not UTF-8", i, MaxIdentifier)
		}
		if slices.Contains(r.Identifiers[:i], one) {
			return entry.Refuse(entry.CodeFieldInvalid, "identifier %d was given before", i)
		}
	}
	return nil
}

// StaffHandle returns the handle by which accesses of this author are recorded
// and allocates it at first use. The caller appends the handle's entry if the
// log has none.
func (v *Vault) StaffHandle(ctx context.Context, author entry.AuthorID) (entry.Handle, error) {
	name := author.String()
	if h, ok, err := v.staff(name); err != nil || ok {
		return h, err
	}
	v.opening.Lock()
	defer v.opening.Unlock()
	if err := v.env.Barrier(ctx); err != nil {
		return entry.Handle{}, err
	}
	if h, ok, err := v.staff(name); err != nil || ok {
		return h, err
	}
	var r SubjectRequest
	if _, err := io.ReadFull(v.cfg.Rand, r.Request[:]); err != nil {
		return entry.Handle{}, fmt.Errorf("vault: draw a request id: %w", err)
	}
	r.Class, r.Identifiers = entry.HandleStaff, []string{name}
	h, err := v.openSubject(ctx, r)
	if isCode(err, entry.CodeAlreadyRegistered) { // another node was first
		if found, ok, err := v.staff(name); err != nil || ok {
			return found, err
		}
	}
	return h, err
}

func (v *Vault) staff(name string) (entry.Handle, bool, error) {
	n, ok, _, err := v.directory.find(true, name)
	if err != nil || !ok {
		return entry.Handle{}, false, err
	}
	h, err := v.handleOf(n)
	return h, err == nil, err
}

// openSubject reads, checks and proposes until one of its commands is judged on
// the state it was built on.
func (v *Vault) openSubject(ctx context.Context, r SubjectRequest) (entry.Handle, error) {
	var drawn entry.Handle // of the allocation this call has made
	for range openAttempts {
		if err := v.env.Barrier(ctx); err != nil {
			return entry.Handle{}, err
		}
		h, done, err := v.tryOpen(ctx, &r, &drawn)
		if errors.Is(err, keytree.ErrKeyGone) || errors.Is(err, store.ErrVacated) || isCode(err, entry.CodeHandleExists) {
			continue // an erasure gave up the allocation, or the handle drawn was taken
		}
		if err = store.UnlessOutdated(err); done || err != nil {
			return h, err
		}
	}
	return entry.Handle{}, entry.Refuse(entry.CodeOverloaded, "other registrations came first %d times", openAttempts)
}

func (v *Vault) tryOpen(ctx context.Context, r *SubjectRequest, drawn *entry.Handle) (h entry.Handle, done bool, err error) {
	given, err := v.store.View().Allocation(r.Request)
	if err != nil {
		return h, false, err
	}
	if given != nil {
		if h, done, err = v.reopened(*given, r); done || err != nil {
			return h, done, err
		}
		if h != *drawn {
			// An earlier call's: it may have sealed other identifiers under these
			// keys, and they would live as long as who is registered now.
			_, err := v.propose(ctx, &store.Vacate{})
			return entry.Handle{}, false, err
		}
	}
	if v.directory.full() {
		return h, false, entry.Refuse(entry.CodeOverloaded, "the directory holds %d identifiers, its limit", maxDirectory)
	}
	_, known, registered, err := v.directory.find(isStaff(r.Class), r.Identifiers...)
	if err != nil {
		return h, false, err
	}
	if known {
		return h, false, entry.Refuse(entry.CodeAlreadyRegistered, "an identifier given is registered here")
	}
	if given == nil {
		return h, false, v.allocate(ctx, r, drawn)
	}
	return v.register(ctx, *given, registered, r)
}

// reopened answers a request that was registered before. If it was allocated
// and not registered, it is not done, and names the handle allocated.
func (v *Vault) reopened(given store.Allocation, r *SubjectRequest) (h entry.Handle, done bool, err error) {
	who, slot, err := v.store.View().Allocated(given)
	if err != nil {
		return h, false, err
	}
	switch {
	case who.Gone != 0 || slot.Gone != 0:
		return h, false, store.Erased()
	case who.Record == nil:
		return slot.Handle, false, nil
	}
	before, err := v.identifiers(given.Subject, who)
	if errors.Is(err, keytree.ErrKeyGone) {
		return h, false, store.Erased()
	}
	if err != nil {
		return h, false, err
	}
	if who.Class != r.Class || !slices.Equal(before, r.Identifiers) {
		return h, false, entry.Refuse(entry.CodeRequestIDReused, "the request was made with other identifiers")
	}
	return slot.Handle, true, nil
}

// allocate commits numbers and keys for a request, or makes room for them. It
// notes the handle it has drawn.
func (v *Vault) allocate(ctx context.Context, r *SubjectRequest, drawn *entry.Handle) error {
	if full, err := v.store.View().MustMint(); err != nil {
		return err
	} else if full {
		return v.keys.MakeRoom(ctx)
	}
	c := &store.Allocate{Request: r.Request, Class: r.Class}
	if _, err := io.ReadFull(v.cfg.Rand, c.Handle[:]); err != nil {
		return fmt.Errorf("vault: draw a handle: %w", err)
	}
	*drawn = c.Handle
	_, err := v.propose(ctx, c)
	return err
}

// register seals the rows of an allocation under its own keys and commits them.
func (v *Vault) register(ctx context.Context, given store.Allocation, registered uint64, r *SubjectRequest) (entry.Handle, bool, error) {
	who, slot, err := v.store.View().Allocated(given)
	if err != nil {
		return entry.Handle{}, false, err
	}
	c := &store.Register{Given: given, Base: registered}
	identifiers := padRow(layout.Encode(&r.Identifiers))
	defer clear(identifiers)
	slots := []uint64{given.Slot}
	if c.Record, err = v.sealRow(who.Identity, rowIdentifiers, given.Subject, identifiers); err != nil {
		return entry.Handle{}, false, err
	}
	if c.Slots, err = v.sealRow(who.Series, rowSlots, given.Subject, padRow(layout.Encode(&slots))); err != nil {
		return entry.Handle{}, false, err
	}
	if c.Link, err = v.sealRow(slot.Clinical, rowLink, given.Slot, layout.Number(given.Subject)); err != nil {
		return entry.Handle{}, false, err
	}
	if _, err := v.propose(ctx, c); err != nil {
		return entry.Handle{}, false, err
	}
	return slot.Handle, true, nil
}
