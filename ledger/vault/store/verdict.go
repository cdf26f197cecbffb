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

func (*Verdict) number() uint16 { return CommandVerdict }

// Fields is the layout of the command.
func (w *Verdict) Fields(c *layout.Codec) {
	w.said(c)
	c.Bytes(&w.Signature)
}

func (w *Verdict) said(c *layout.Codec) {
	c.U64(&w.Version)
	c.Raw(w.Author[:])
	c.Bool(&w.OK)
}

// Message is what the member signs.
func (w *Verdict) Message(group string) []byte { return message(verdictContext, group, w.said) }

// message is what a member says, behind its use and the group's name.
func message(context, group string, said func(*layout.Codec)) []byte {
	return layout.Append([]byte(context), &groupMessage{[]byte(group), said})
}

type groupMessage struct {
	group []byte
	said  func(*layout.Codec)
}

// Fields is the layout of the message.
func (m *groupMessage) Fields(c *layout.Codec) {
	c.Bytes(&m.group)
	m.said(c)
}

func (w *Verdict) apply(a *applier) Result {
	if !a.memberSaid(w.Author, w.Message(a.s.group), w.Signature) {
		return refuse(entry.CodeBadSignature, "a verdict is signed by a member")
	}
	if t := a.top(); t == nil || a.oldTop() == nil || t.Root != w.Version {
		return outdated("the root version")
	}
	a.change.Due = true
	a.set(key64(rowVerdict, w.Version, w.Author[:]...), []byte{layout.Bit(w.OK)})
	return Result{}
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

func (*Attest) number() uint16 { return CommandAttest }

// Fields is the layout of the command.
func (w *Attest) Fields(c *layout.Codec) {
	w.said(c)
	c.Bytes(&w.Signature)
}

func (w *Attest) said(c *layout.Codec) {
	c.U64(&w.Version)
	c.Raw(w.Author[:])
	layout.U8(c, &w.Method)
	layout.U8(c, &w.Strength)
}

// Message is what the member signs.
func (w *Attest) Message(group string) []byte { return message(attestContext, group, w.said) }

func (w *Attest) apply(a *applier) Result {
	if !a.memberSaid(w.Author, w.Message(a.s.group), w.Signature) {
		return refuse(entry.CodeBadSignature, "a destruction is attested by a member")
	}
	root := Root{w.Version, a.rootState(w.Version)}
	if root.State != RootDoomed {
		return outdated("the root version")
	}
	a.change.Due = true
	a.set(keyAttest(w.Version, w.Author), []byte{byte(w.Method), byte(w.Strength)})
	a.forgetDestroyed(root)
	return Result{}
}

// forgetDestroyed drops a doomed version when every member has destroyed it.
func (a *applier) forgetDestroyed(r Root) {
	if r.State != RootDoomed {
		return
	}
	members, err := a.Members()
	a.fail(err)
	for _, m := range members {
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
