package vaulttest

import (
	"bytes"
	"crypto/cipher"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"indelible/ledger/entry"
	"indelible/ledger/vault/store"
)

// Attacker knows everything but what was destroyed: every command that was ever
// proposed, whatever became of it, and at the end every root key that still
// exists. It tries every key it has on every ciphertext, and with every key it
// finds begins again.
type Attacker struct {
	Group string // the jurisdiction

	tops  []lockedTop
	nodes []lockedNode
	data  []lockedData
	seen  int // commands

	// SkipLeaves saves trying keys of leaves on nodes, where there are thousands
	// of both.
	SkipLeaves bool
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

// Hear takes a command apart. It reads what an attacker reads: the clear.
func (a *Attacker) Hear(c store.Command) {
	a.seen++
	p, err := store.Decode(store.Command{Type: c.Type, Body: bytes.Clone(c.Body)})
	if err != nil {
		panic(err)
	}
	switch p := p.(type) {
	case *store.Plant:
		a.top(p.Wrapped, 1, store.FirstVersion)
		a.node(store.Node{Place: store.Place{Level: 1}, Sealed: (*store.SealedNode)(p.Node)}, store.FirstVersion)
	case *store.Mint:
		for height := uint8(1); height <= maxHeight && len(p.Wrapped) > 0; height++ {
			a.top(p.Wrapped, height, p.Base+1)
		}
		a.each(p.Nodes, p.Base+1)
	case *store.Rekey:
		a.top(p.Wrapped, p.Nodes[len(p.Nodes)-1].Level, p.Base+1)
		a.each(p.Nodes, p.Base+1)
	case *store.Register:
		a.row(p.Link, 'h', p.Given.Slot, LinkOf(p.Given.Slot))
		a.row(p.Slots, 's', p.Given.Subject, SlotsOfSubject(p.Given.Subject))
		a.row(p.Record, 'u', p.Given.Subject, fmt.Sprintf("identifiers of subject %d", p.Given.Subject))
	case *store.PutRecords:
		for i := range p.List {
			a.record(&p.List[i])
		}
	}
}

const maxHeight = 6

// LinkOf names, among what was opened, the link of a slot to its subject.
func LinkOf(slot uint64) string { return fmt.Sprintf("link of slot %d", slot) }

// SlotsOfSubject names, among what was opened, a subject's list of slots.
func SlotsOfSubject(n uint64) string { return fmt.Sprintf("slots of subject %d", n) }

func (a *Attacker) top(wrapped []byte, height uint8, epoch uint64) {
	a.tops = append(a.tops, lockedTop{wrapped, TopData(a.Group, height, epoch)})
}

func (a *Attacker) node(n store.Node, epoch uint64) {
	a.nodes = append(a.nodes, lockedNode{n.Sealed[:], NodeData(a.Group, n.Place, epoch), n.Level})
}

func (a *Attacker) each(list []store.Node, epoch uint64) {
	for _, n := range list {
		a.node(n, epoch)
	}
}

func (a *Attacker) row(sealed []byte, letter byte, n uint64, what string) {
	a.data = append(a.data, lockedData{sealed, RowData(a.Group, letter, n), what})
}

func (a *Attacker) record(p *store.PutRecord) {
	parts, err := entry.ParseParts(p.Parts)
	if err != nil {
		panic(err)
	}
	for _, s := range p.Seals {
		commitment, _ := parts.Get(s.Class)
		data := RecordData(a.Group, p.Owner.Number, s.Class, p.ID, commitment)
		a.data = append(a.data, lockedData{s.Sealed, data, s.Class.String() + " part"})
	}
}

// Opened is a plaintext the attacker got.
type Opened struct {
	What  string
	Plain []byte
}

// Attack returns everything that opens with the root keys on fs.
func (a *Attacker) Attack(tb testing.TB, fs vfs.FS) []Opened {
	tb.Helper()
	return a.read(a.Reach(tb, fs))
}

// Reach is the fixpoint of keys.
func (a *Attacker) Reach(tb testing.TB, fs vfs.FS) map[Key]cipher.AEAD {
	tb.Helper()
	known := make(map[Key]cipher.AEAD)
	var fresh []Key
	learn := func(k Key, leaf bool) {
		if k == (Key{}) || known[k] != nil {
			return
		}
		known[k] = k.Cipher()
		if !leaf || !a.SkipLeaves {
			fresh = append(fresh, k)
		}
	}
	for _, root := range Roots(tb, fs, "keyring") {
		learn(root, false)
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
				for i := range store.FanOut {
					learn(Key(plain[i*len(Key{}):]), n.level == 1)
				}
			}
		}
	}
	return known
}

func (a *Attacker) read(known map[Key]cipher.AEAD) []Opened {
	var list []Opened
	for _, d := range a.data {
		for _, k := range known {
			if plain, err := k.Open(nil, nil, d.sealed, d.data); err == nil {
				list = append(list, Opened{d.what, plain})
				break
			}
		}
	}
	return list
}

// Sees reports whether a plaintext the attacker got holds these bytes.
func Sees(list []Opened, needle []byte) (string, bool) {
	for _, o := range list {
		if bytes.Contains(o.Plain, needle) {
			return o.What, true
		}
	}
	return "", false
}
