package ledger

import (
	"slices"

	"indelible/ledger/entry"
)

// AuthorState is whether an author's statements are accepted.
type AuthorState uint8

// The states of an author. Revoked is final.
const (
	AuthorActive AuthorState = 1 + iota
	AuthorSuspended
	AuthorRevoked
	authorStates
)

// String is the state's name.
func (s AuthorState) String() string {
	switch s {
	case AuthorActive:
		return "active"
	case AuthorSuspended:
		return "suspended"
	case AuthorRevoked:
		return "revoked"
	}
	return "unknown"
}

// Author is a key that may sign, or once could. It is shared: do not change it.
type Author struct {
	ID            entry.AuthorID
	Key           *entry.PublicKey
	State         AuthorState
	Role          entry.Role
	Everywhere    bool     // a registrar or operator of genesis: all jurisdictions
	Jurisdictions []string // otherwise these; of a node, its placement
	Linkable      bool     // a device with one fixed key

	// Of a device, where its enrolment lies.
	Handle       entry.Handle
	Jurisdiction string

	Node     string             // of a node, its name
	Enrolled uint64             // index at which it became an author
	Changed  uint64             // index of its newest change of state
	Upto     *entry.StatementID // of a revoked one, the newest statement vouched for

	no uint64
}

// May reports whether the author's jurisdictions include j.
func (a *Author) May(j string) bool {
	return a.Everywhere || slices.Contains(a.Jurisdictions, j)
}

func newAuthorTable(rows int) *table[entry.AuthorID, Author] {
	return &table[entry.AuthorID, Author]{
		prefix: keyAuthor,
		key:    func(id entry.AuthorID) []byte { return bytesKey(keyAuthor, id[:]) },
		encode: encodeAuthor,
		decode: decodeAuthor,
		kept:   newCache[entry.AuthorID, *Author](rows),
		alone:  true,
	}
}

func encodeAuthor(a *Author, w *rowWriter) {
	w.uint(a.no)
	w.bytes(a.Key.SPKI())
	w.uint(uint64(a.State))
	w.uint(uint64(a.Role))
	w.bool(a.Everywhere)
	w.uint(uint64(len(a.Jurisdictions)))
	for _, j := range a.Jurisdictions {
		w.bytes([]byte(j))
	}
	w.bool(a.Linkable)
	w.fixed(a.Handle[:])
	w.bytes([]byte(a.Jurisdiction))
	w.bytes([]byte(a.Node))
	w.uint(a.Enrolled)
	w.uint(a.Changed)
	w.bool(a.Upto != nil)
	if a.Upto != nil {
		w.fixed(a.Upto[:])
	}
}

// maxRole bounds what a row may hold; which roles there are is entry's to say.
const maxRole = uint64(entry.RoleClinician) + 1

func decodeAuthor(id entry.AuthorID, r *rowReader) *Author {
	a := &Author{ID: id, no: r.uint()}
	key, err := entry.ParsePublicKey(r.bytes())
	if err != nil || key.Author() != id {
		r.fail()
	}
	a.Key = key
	a.State = AuthorState(r.below(uint64(authorStates)))
	a.Role = entry.Role(r.below(maxRole))
	a.Everywhere = r.bool()
	for n := r.uint(); n > 0 && !r.fault; n-- {
		a.Jurisdictions = append(a.Jurisdictions, string(r.bytes()))
	}
	a.Linkable = r.bool()
	r.fixed(a.Handle[:])
	a.Jurisdiction = string(r.bytes())
	a.Node = string(r.bytes())
	a.Enrolled = r.uint()
	a.Changed = r.uint()
	if r.bool() {
		a.Upto = new(entry.StatementID)
		r.fixed(a.Upto[:])
	}
	return a
}

// Author returns what is known of a key.
func (l *Ledger) Author(id entry.AuthorID) (*Author, bool, error) {
	a, err := l.tables.authors.find(l.db, id)
	return a, a != nil, err
}
