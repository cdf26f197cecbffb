package vault

import (
	"indelible/ledger/entry"
)

// A verdict is a member's word that after a rekey it has found every living key
// under the new root, or has not; an attestation its word that a root version's
// key is gone from it. Both are signed with the member's author key.

const (
	verdictContext = "indelible vault verdict v1\n"
	attestContext  = "indelible vault destroyed v1\n"
)

type verdictCommand struct {
	version   uint64
	author    entry.AuthorID
	ok        bool
	signature []byte
}

// message is what the member signs.
func (c verdictCommand) message(group string) []byte {
	var w writer
	w.raw([]byte(verdictContext))
	w.bytes([]byte(group))
	w.u64(c.version)
	w.raw(c.author[:])
	w.u8(bit(c.ok))
	return w.b
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func (c verdictCommand) command() Command {
	var w writer
	w.u64(c.version)
	w.raw(c.author[:])
	w.u8(bit(c.ok))
	w.bytes(c.signature)
	return Command{CommandVerdict, w.b}
}

func readVerdict(r *reader) verdictCommand {
	c := verdictCommand{version: r.u64()}
	r.fixed(c.author[:])
	c.ok, c.signature = r.u8() == 1, r.bytes()
	return c
}

func (a *applier) verdict(c verdictCommand) (Result, error) {
	m, err := a.member(c.author)
	if err != nil {
		return Result{}, err
	}
	if m == nil || !m.attested(c.message(a.s.group), c.signature) {
		return refuse(entry.CodeBadSignature, "a verdict is signed by a member")
	}
	t, err := a.top()
	if err != nil {
		return Result{}, err
	}
	old, err := a.oldTop()
	if err != nil {
		return Result{}, err
	}
	if t == nil || old == nil || t.root != c.version {
		return outdated("the root version")
	}
	a.effect |= wakesWorker
	return Result{}, a.set(key64ID(rowVerdict, c.version, c.author[:]), []byte{bit(c.ok)})
}

// verdicts counts the members for and against a root version.
func (v view) verdicts(version uint64) (sound, broken int, err error) {
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

// sound reports whether a majority of members stands behind a root version and
// nobody against it.
func (v view) sound(version uint64) (bool, error) {
	members, err := v.membersNow()
	if err != nil {
		return false, err
	}
	sound, broken, err := v.verdicts(version)
	return broken == 0 && sound > len(members)/2, err
}

type attestCommand struct {
	version   uint64
	author    entry.AuthorID
	method    entry.Method
	strength  entry.Strength
	signature []byte
}

func (c attestCommand) message(group string) []byte {
	var w writer
	w.raw([]byte(attestContext))
	w.bytes([]byte(group))
	w.u64(c.version)
	w.raw(c.author[:])
	w.u8(uint8(c.method))
	w.u8(uint8(c.strength))
	return w.b
}

func (c attestCommand) command() Command {
	var w writer
	w.u64(c.version)
	w.raw(c.author[:])
	w.u8(uint8(c.method))
	w.u8(uint8(c.strength))
	w.bytes(c.signature)
	return Command{CommandAttest, w.b}
}

func readAttest(r *reader) attestCommand {
	c := attestCommand{version: r.u64()}
	r.fixed(c.author[:])
	c.method, c.strength = entry.Method(r.u8()), entry.Strength(r.u8())
	c.signature = r.bytes()
	return c
}

func (a *applier) attest(c attestCommand) (Result, error) {
	m, err := a.member(c.author)
	if err != nil {
		return Result{}, err
	}
	if m == nil || !m.attested(c.message(a.s.group), c.signature) {
		return refuse(entry.CodeBadSignature, "a destruction is attested by a member")
	}
	state, err := a.rootState(c.version)
	if err != nil {
		return Result{}, err
	}
	if state != rootDoomed {
		return outdated("the root version")
	}
	a.effect |= wakesWorker
	word := []byte{byte(c.method), byte(c.strength)}
	if err := a.set(key64ID(rowAttest, c.version, c.author[:]), word); err != nil {
		return Result{}, err
	}
	return Result{}, a.settleRoot(rootVersion{c.version, state})
}

// settleRoot forgets a doomed version when every member has destroyed it.
func (a *applier) settleRoot(r rootVersion) error {
	members, err := a.membersNow()
	if err != nil || r.state != rootDoomed {
		return err
	}
	for _, m := range members {
		done, err := a.hasAttested(r.id, m.Author)
		if err != nil || !done {
			return err
		}
	}
	if err := a.drop(key64(rowAttest, r.id)); err != nil {
		return err
	}
	return a.delete(key64(rowRoot, r.id))
}

func (v view) hasAttested(version uint64, author entry.AuthorID) (bool, error) {
	return v.has(key64ID(rowAttest, version, author[:]))
}
