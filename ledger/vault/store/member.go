package store

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"slices"

	"indelible/ledger/entry"
)

// maxMembers bounds the nodes that hold one vault.
const maxMembers = 32

// Member is a node placed in this jurisdiction.
type Member struct {
	Author entry.AuthorID // of its statements
	Key    []byte         // that author's SubjectPublicKeyInfo
}

// CompareMembers is the order of members in the command and the row.
func CompareMembers(a, b Member) int { return bytes.Compare(a.Author[:], b.Author[:]) }

// Signed reports whether the member signed a message with its author key: an
// Ed25519 signature, or a P-256 one over SHA-256, in ASN.1.
func (m *Member) Signed(message, signature []byte) bool {
	key, err := entry.ParsePublicKey(m.Key)
	if err != nil {
		return false
	}
	switch public := key.Key().(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(public, message, signature)
	case *ecdsa.PublicKey:
		digest := sha256.Sum256(message)
		return ecdsa.VerifyASN1(public, digest[:], signature)
	}
	return false
}

// Members replaces the set of nodes that hold this vault. Versions that waited
// for a node that is no longer among them may be destroyed by that.
type Members struct{ List []Member } // in the order of CompareMembers

func (m *Members) apply(a *applier) *entry.Refusal {
	if len(m.List) == 0 || len(m.List) > maxMembers || !slices.IsSortedFunc(m.List, CompareMembers) {
		return entry.Refuse(entry.CodeFieldInvalid, "a vault has 1 to %d members, in order", maxMembers)
	}
	for _, one := range m.List {
		key, err := entry.ParsePublicKey(one.Key)
		if err != nil || key.Author() != one.Author {
			return entry.Refuse(entry.CodeBadKey, "a member's key is not that of its author id")
		}
	}
	a.put(key(rowMembers), m)
	for _, r := range read(a, a.Roots) {
		a.forgetDestroyed(r)
	}
	a.change.Due = true
	return nil
}

// Members lists the nodes that hold this vault, in the order of CompareMembers.
func (v View) Members() ([]Member, error) {
	m, err := valueOf[Members](v, key(rowMembers))
	return m.List, err
}

// IsMember reports whether an author's node holds this vault.
func (v View) IsMember(author entry.AuthorID) (bool, error) {
	m, err := v.member(author)
	return m != nil, err
}

func (v View) member(author entry.AuthorID) (*Member, error) {
	list, err := v.Members()
	at := slices.IndexFunc(list, func(m Member) bool { return m.Author == author })
	if err != nil || at < 0 {
		return nil, err
	}
	return &list[at], nil
}

// memberSaid reports whether a member signed a message.
func (a *applier) memberSaid(author entry.AuthorID, message, signature []byte) bool {
	m := readAt(a, a.member, author)
	return m != nil && m.Signed(message, signature)
}
