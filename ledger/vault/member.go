package vault

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"

	"indelible/ledger/entry"
)

// maxMembers bounds the nodes that hold one vault.
const maxMembers = 32

type membersCommand struct{ list []Member }

func (c membersCommand) command() Command {
	var w writer
	w.members(c.list)
	return Command{CommandMembers, w.b}
}

func (w *writer) members(list []Member) {
	w.count(len(list))
	for _, m := range list {
		w.raw(m.Author[:])
		w.bytes(m.Key)
	}
}

func readMembers(r *reader) membersCommand {
	n := r.count(entry.HashSize + 4)
	list := make([]Member, 0, n)
	for range n {
		var m Member
		r.fixed(m.Author[:])
		m.Key = r.bytes()
		list = append(list, m)
	}
	return membersCommand{list}
}

// members replaces the set of nodes that hold this vault. Versions that waited
// for a node that is no longer among them may be destroyed by that.
func (a *applier) members(c membersCommand) (Result, error) {
	if len(c.list) == 0 || len(c.list) > maxMembers || !slices.IsSortedFunc(c.list, compareMembers) {
		return refuse(entry.CodeFieldInvalid, "a vault has 1 to %d members, in order", maxMembers)
	}
	for _, m := range c.list {
		key, err := entry.ParsePublicKey(m.Key)
		if err != nil || key.Author() != m.Author {
			return refuse(entry.CodeBadKey, "a member's key is not that of its author id")
		}
	}
	var w writer
	w.members(c.list)
	if err := a.set(key(rowMembers), w.b); err != nil {
		return Result{}, err
	}
	doomed, err := a.view.roots(allRoots)
	if err != nil {
		return Result{}, err
	}
	for _, r := range doomed {
		if err := a.settleRoot(r); err != nil {
			return Result{}, err
		}
	}
	a.effect |= wakesWorker
	return Result{}, nil
}

func compareMembers(a, b Member) int { return bytes.Compare(a.Author[:], b.Author[:]) }

func (v view) membersNow() ([]Member, error) {
	c, err := parsed(v, key(rowMembers), readMembers)
	if err != nil || c == nil {
		return nil, err
	}
	return c.list, nil
}

func (v view) member(author entry.AuthorID) (*Member, error) {
	list, err := v.membersNow()
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Author == author {
			return &list[i], nil
		}
	}
	return nil, nil
}

// AttestWith makes Env.Attest from a node's author key: an Ed25519 signature,
// or a P-256 one over SHA-256, in ASN.1.
func AttestWith(random io.Reader, key crypto.Signer) func(message []byte) ([]byte, error) {
	return func(message []byte) ([]byte, error) {
		hash := crypto.SHA256
		digest := message
		if _, ok := key.Public().(ed25519.PublicKey); ok {
			hash = 0
		} else {
			sum := sha256.Sum256(message)
			digest = sum[:]
		}
		signature, err := key.Sign(random, digest, hash)
		if err != nil {
			return nil, fmt.Errorf("vault: attest: %w", err)
		}
		return signature, nil
	}
}

// attested reports whether a member signed a message.
func (m *Member) attested(message, signature []byte) bool {
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
