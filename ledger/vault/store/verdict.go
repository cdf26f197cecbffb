package store

import (
	"indelible/ledger/entry"
	"indelible/ledger/vault/layout"
)

// What begins the messages that members sign, so that none of one use is good
// for another.
const (
	verdictContext = "indelible vault verdict v1\n"
	attestContext  = "indelible vault destroyed v1\n"
)

// Verdict is a member's word that after a rekey it has found every living key
// under the new root version, or has not.
type Verdict struct {
	Version   uint64
	Author    entry.AuthorID
	OK        bool
	Signature []byte // of Message, with the member's author key
}

// Message is what the member signs.
func (w *Verdict) Message(group string) []byte {
	return layout.Append([]byte(verdictContext), &struct {
		Group   string
		Version uint64
		Author  entry.AuthorID
		OK      bool
	}{group, w.Version, w.Author, w.OK})
}

func (w *Verdict) apply(a *applier) *entry.Refusal {
	if !a.memberSaid(w.Author, w.Message(a.s.group), w.Signature) {
		return entry.Refuse(entry.CodeBadSignature, "a verdict is signed by a member")
	}
	if t := read(a, a.Top); t == nil || read(a, a.OldTop) == nil || t.Root != w.Version {
		return outdated("the root version")
	}
	a.change.Due = true
	a.set(key64(rowVerdict, w.Version, w.Author[:]...), []byte{layout.Bit(w.OK)})
	return nil
}

// Verdicts counts the members for and against a root version.
func (v View) Verdicts(version uint64) (sound, broken int, err error) {
	err = v.each(key64(rowVerdict, version), func(_, value []byte) (bool, error) {
		if len(value) == 1 && value[0] == 1 {
			sound++
		} else {
			broken++
		}
		return true, nil
	})
	return sound, broken, err
}

// HasVerdict reports whether a member has given its verdict on a root version.
func (v View) HasVerdict(version uint64, author entry.AuthorID) (bool, error) {
	return v.has(key64(rowVerdict, version, author[:]...))
}

// Sound reports whether a majority of members stands behind a root version and
// none against it.
func (v View) Sound(version uint64) (bool, error) {
	members, err := v.Members()
	if err != nil {
		return false, err
	}
	sound, broken, err := v.Verdicts(version)
	return broken == 0 && sound > len(members)/2, err
}

// Attest is a member's word that the key of a root version is gone from it.
type Attest struct {
	Version   uint64
	Author    entry.AuthorID
	Method    entry.Method
	Strength  entry.Strength
	Signature []byte // of Message, with the member's author key
}

// Message is what the member signs.
func (w *Attest) Message(group string) []byte {
	return layout.Append([]byte(attestContext), &struct {
		Group    string
		Version  uint64
		Author   entry.AuthorID
		Method   entry.Method
		Strength entry.Strength
	}{group, w.Version, w.Author, w.Method, w.Strength})
}

func (w *Attest) apply(a *applier) *entry.Refusal {
	if !a.memberSaid(w.Author, w.Message(a.s.group), w.Signature) {
		return entry.Refuse(entry.CodeBadSignature, "a destruction is attested by a member")
	}
	root := Root{w.Version, readAt(a, a.RootState, w.Version)}
	if root.State != RootDoomed {
		return outdated("the root version")
	}
	a.change.Due = true
	a.set(keyAttest(w.Version, w.Author), []byte{byte(w.Method), byte(w.Strength)})
	a.forgetDestroyed(root)
	return nil
}

// forgetDestroyed drops a doomed version when every member has destroyed it.
func (a *applier) forgetDestroyed(r Root) {
	if r.State != RootDoomed {
		return
	}
	for _, m := range read(a, a.Members) {
		if !a.has(keyAttest(r.Version, m.Author)) {
			return
		}
	}
	a.drop(key64(rowAttest, r.Version))
	a.delete(key64(rowRoot, r.Version))
}

func keyAttest(version uint64, author entry.AuthorID) []byte {
	return key64(rowAttest, version, author[:]...)
}

// Attested reports whether a member has destroyed a root version.
func (v View) Attested(version uint64, author entry.AuthorID) (bool, error) {
	return v.has(keyAttest(version, author))
}
