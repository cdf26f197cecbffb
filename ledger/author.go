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

var authorTable = table[entry.AuthorID, Author]{
	prefix: keyAuthor,
	key:    func(id entry.AuthorID) []byte { return bytesKey(keyAuthor, id[:]) },
	size:   entry.HashSize,
	named:  func(a *Author, id []byte) { a.ID = entry.AuthorID(id) },
	fields: (*Author).fields,
	alone:  true,
}

// maxRole bounds what a row may hold; which roles there are is entry's to say.
const maxRole = uint64(entry.RoleClinician) + 1

func (a *Author) fields(f *form) {
	f.uint(&a.no)
	a.keyField(f)
	below(f, &a.State, uint64(authorStates))
	below(f, &a.Role, maxRole)
	f.bool(&a.Everywhere)
	list(f, &a.Jurisdictions, (*form).text)
	f.bool(&a.Linkable)
	f.fixed(a.Handle[:])
	f.text(&a.Jurisdiction)
	f.text(&a.Node)
	f.uint(&a.Enrolled)
	f.uint(&a.Changed)
	f.id(&a.Upto)
}

func (a *Author) keyField(f *form) {
	if f.writing {
		spki := a.Key.SPKI()
		f.bytes(&spki)
		return
	}
	var spki []byte
	f.bytes(&spki)
	key, err := entry.ParsePublicKey(spki)
	if err != nil || key.Author() != a.ID {
		f.fail()
	}
	a.Key = key
}

// Author returns what is known of a key.
func (l *Ledger) Author(id entry.AuthorID) (*Author, bool, error) {
	return l.tables.authors.find(l.db, id)
}
