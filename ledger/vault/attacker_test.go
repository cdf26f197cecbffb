package vault

import (
	"bytes"
	"crypto/cipher"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
)

// attacker knows everything but what was destroyed: every command that was ever
// proposed, whatever became of it, and at the end every root key that still
// exists. It tries every key it has on every ciphertext, and with every key it
// finds begins again.
type attacker struct {
	tops  []lockedTop
	nodes []lockedNode
	data  []lockedData
	seen  int // commands

	// skipLeaves saves trying keys of leaves on nodes, where there are thousands
	// of both.
	skipLeaves bool
}

type lockedTop struct{ sealed, data []byte }

type lockedNode struct {
	sealed, data []byte
	level        uint8
}

// lockedData is a sealed part or row, with the associated data that stands in
// clear beside it.
type lockedData struct {
	sealed, data []byte
	what         string
}

// hear takes a command apart. It reads what an attacker reads: the clear.
func (a *attacker) hear(c Command) {
	a.seen++
	r := &reader{b: bytes.Clone(c.Body)}
	switch c.Type {
	case CommandPlant:
		p := readPlant(r)
		a.top(p.wrapped, 1, firstVersion)
		a.node(nodeRow{place{1, 0}, firstVersion, p.node})
	case CommandMint:
		m := readMint(r)
		for height := uint8(1); height <= maxHeight && len(m.wrapped) > 0; height++ {
			a.top(m.wrapped, height, m.base+1)
		}
		a.each(m.nodes)
	case CommandRekey:
		k := readRekey(r)
		a.top(k.wrapped, k.nodes[len(k.nodes)-1].at.level, k.base+1)
		a.each(k.nodes)
	case CommandRegister:
		g := readRegister(r)
		a.row(g.link, rowHandle, g.given.slot, linkOf(g.given.slot))
		a.row(g.slots, rowSlot, g.given.subject, slotsOfSubject(g.given.subject))
		a.row(g.record, rowSubject, g.given.subject, fmt.Sprintf("identifiers of subject %d", g.given.subject))
	case CommandPutRecords:
		for _, p := range readPutRecords(r).list {
			a.record(&p)
		}
	}
}

func linkOf(slot uint64) string { return fmt.Sprintf("link of slot %d", slot) }

func slotsOfSubject(n uint64) string { return fmt.Sprintf("slots of subject %d", n) }

func (a *attacker) top(wrapped []byte, height uint8, epoch uint64) {
	a.tops = append(a.tops, lockedTop{wrapped, topData(euGroup, height, epoch)})
}

func (a *attacker) node(n nodeRow) {
	a.nodes = append(a.nodes, lockedNode{n.sealed, nodeData(euGroup, n.at, n.epoch), n.at.level})
}

func (a *attacker) each(list []nodeRow) {
	for _, n := range list {
		a.node(n)
	}
}

func (a *attacker) row(sealed []byte, letter byte, n uint64, what string) {
	a.data = append(a.data, lockedData{sealed, rowData(euGroup, letter, n), what})
}

func (a *attacker) record(p *putRecord) {
	parts, err := entry.ParseParts(p.parts)
	if err != nil {
		panic(err)
	}
	for _, s := range p.seals {
		commitment, _ := parts.Get(s.class)
		data := recordData(euGroup, p.owner.number, s.class, p.id, commitment)
		a.data = append(a.data, lockedData{s.sealed, data, s.class.String() + " part"})
	}
}

// opened is a plaintext the attacker got.
type opened struct {
	what  string
	plain []byte
}

// attack returns everything that opens with the root keys on fs.
func (a *attacker) attack(tb testing.TB, fs vfs.FS) []opened {
	tb.Helper()
	return a.read(a.reach(tb, fs))
}

// reach is the fixpoint of keys.
func (a *attacker) reach(tb testing.TB, fs vfs.FS) map[Key]cipher.AEAD {
	tb.Helper()
	keyring, err := NewKeyring(fs, "keyring", newSource(0))
	if err != nil {
		tb.Fatal(err)
	}
	versions, err := keyring.List()
	if err != nil {
		tb.Fatal(err)
	}
	known := make(map[Key]cipher.AEAD)
	var fresh []Key
	learn := func(k Key, leaf bool) {
		if k.isZero() || known[k] != nil {
			return
		}
		cipher, err := k.aead()
		if err != nil {
			tb.Fatal(err)
		}
		known[k] = cipher
		if !leaf || !a.skipLeaves {
			fresh = append(fresh, k)
		}
	}
	for _, version := range versions {
		if root, err := keyring.load(version); err == nil {
			learn(*root, false)
		}
	}
	for len(fresh) > 0 {
		k := known[fresh[0]]
		fresh = fresh[1:]
		for _, t := range a.tops {
			if plain, err := k.Open(nil, nil, t.sealed, t.data); err == nil {
				learn(Key(plain), false)
			}
		}
		for _, n := range a.nodes {
			if plain, err := k.Open(nil, nil, n.sealed, n.data); err == nil {
				for i := range fanOut {
					learn(Key(plain[i*KeySize:]), n.level == 1)
				}
			}
		}
	}
	return known
}

func (a *attacker) read(known map[Key]cipher.AEAD) []opened {
	var list []opened
	for _, d := range a.data {
		for _, k := range known {
			if plain, err := k.Open(nil, nil, d.sealed, d.data); err == nil {
				list = append(list, opened{d.what, plain})
				break
			}
		}
	}
	return list
}

// sees reports whether a plaintext the attacker got holds these bytes.
func sees(list []opened, needle []byte) (string, bool) {
	for _, o := range list {
		if bytes.Contains(o.plain, needle) {
			return o.what, true
		}
	}
	return "", false
}
