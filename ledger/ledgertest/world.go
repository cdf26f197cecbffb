package ledgertest

import (
	"cmp"
	"crypto/ed25519"
	"fmt"
	"testing"

	"indelible/ledger/entry"
)

// Start is the ledger time of every genesis made here, Unix milliseconds.
const Start uint64 = 1_800_000_000_000

// Grace is how long an approved erasure waits in these logs, milliseconds.
const Grace uint64 = 60_000

// Spec says what a genesis names. The zero Spec is what NewWorld uses.
type Spec struct {
	Registrars    int                      // 0 means 2; 1 makes the log single-authority
	Operators     int                      // 0 means 2
	Origin        string                   // "" means "log.example/test"
	LogKey        ed25519.PrivateKey       // nil means one drawn from the seed
	Nodes         []NodeSpec               // nil means one, "node-1", placed everywhere
	Jurisdictions []entry.JurisdictionRule // nil means eu, in and us with Grace and floors 0
}

// NodeSpec describes one node. Keys left out are drawn from the seed.
type NodeSpec struct {
	Name      string
	Placement []string
	Author    *Key
	Cosigner  ed25519.PrivateKey
	MLDSAKey  []byte // public, raw; drawn at random it is well-formed but nobody's
	TLSKey    []byte // SubjectPublicKeyInfo
}

// Node is a node of the world, with its private keys.
type Node struct {
	Record   entry.Node
	Author   *Key
	Cosigner ed25519.PrivateKey
}

// World is everybody who signs, and what they have agreed on. It belongs to one
// test and one goroutine.
type World struct {
	Seed    uint64
	Now     uint64 // time of the next statement and command, Unix milliseconds; tests move it
	Genesis *entry.Statement
	Body    *entry.Genesis
	Log     entry.LogID
	LogKey  ed25519.PrivateKey

	Registrars, Operators []*Key
	Nodes                 []*Node

	// Enrolled by Staff.
	Officers       []*Key // two
	ConsentService *Key
	Service        *Key
	Clinician      *Key
	Auditor        *Key

	tb  testing.TB
	src source
}

// NewWorld makes a world with two registrars, two operators and one node that is
// placed everywhere.
func NewWorld(tb testing.TB, seed uint64) *World { return NewWorldOf(tb, seed, Spec{}) }

// NewWorldOf makes a world as a Spec says.
func NewWorldOf(tb testing.TB, seed uint64, spec Spec) *World {
	tb.Helper()
	w := &World{Seed: seed, Now: Start, tb: tb, src: newSource(seed)}
	w.draw(&spec)
	w.Body = &entry.Genesis{
		Origin: spec.Origin, LogKey: newKey(w.LogKey).SPKI(), Jurisdictions: spec.Jurisdictions,
	}
	for _, n := range w.Nodes {
		w.Body.Nodes = append(w.Body.Nodes, n.Record)
	}
	for _, k := range w.Registrars {
		w.Body.Registrars = append(w.Body.Registrars, k.SPKI())
	}
	for _, k := range w.Operators {
		w.Body.Operators = append(w.Body.Operators, k.SPKI())
	}
	w.Genesis = w.Sign(w.Registrars[0], entry.Draft{Kind: entry.KindGenesis, Body: w.Body})
	w.Log = w.Genesis.LogID()
	return w
}

// draw fills in what the Spec leaves out.
func (w *World) draw(spec *Spec) {
	if spec.Origin == "" {
		spec.Origin = "log.example/test"
	}
	if spec.Jurisdictions == nil {
		spec.Jurisdictions = []entry.JurisdictionRule{
			{Name: "eu", Regime: entry.RegimeGDPR, Grace: Grace},
			{Name: "in", Regime: entry.RegimeDPDP, Grace: Grace},
			{Name: "us", Regime: entry.RegimeHIPAA, Grace: Grace},
		}
	}
	if w.LogKey = spec.LogKey; w.LogKey == nil {
		w.LogKey = ed25519.NewKeyFromSeed(w.src.bytes(ed25519.SeedSize))
	}
	for range cmp.Or(spec.Registrars, 2) {
		w.Registrars = append(w.Registrars, w.src.p256())
	}
	for range cmp.Or(spec.Operators, 2) {
		w.Operators = append(w.Operators, w.src.p256())
	}
	if spec.Nodes == nil {
		spec.Nodes = []NodeSpec{{}}
	}
	for i, n := range spec.Nodes {
		if n.Name == "" {
			n.Name = fmt.Sprintf("node-%d", i+1)
		}
		if n.Placement == nil {
			for _, rule := range spec.Jurisdictions {
				n.Placement = append(n.Placement, rule.Name)
			}
		}
		w.Nodes = append(w.Nodes, w.NewNode(n))
	}
}

// NewNode draws the keys a NodeSpec leaves out. The node is in no log yet.
func (w *World) NewNode(spec NodeSpec) *Node {
	n := &Node{Author: spec.Author, Cosigner: spec.Cosigner}
	if n.Author == nil {
		n.Author = w.src.ed25519()
	}
	if n.Cosigner == nil {
		n.Cosigner = ed25519.NewKeyFromSeed(w.src.bytes(ed25519.SeedSize))
	}
	if spec.MLDSAKey == nil {
		spec.MLDSAKey = w.src.bytes(entry.MLDSAKeySize)
	}
	if spec.TLSKey == nil {
		spec.TLSKey = w.src.p256().SPKI()
	}
	n.Record = entry.Node{
		Name: spec.Name, AuthorKey: n.Author.SPKI(), CosignerKey: newKey(n.Cosigner).SPKI(),
		MLDSAKey: spec.MLDSAKey, TLSKey: spec.TLSKey, Placement: spec.Placement,
	}
	return n
}

// Key draws a P-256 key that is nobody yet.
func (w *World) Key() *Key { return w.src.p256() }

// DeviceKey draws an Ed25519 key that is nobody yet.
func (w *World) DeviceKey() *Key { return w.src.ed25519() }

// Hash draws a hash.
func (w *World) Hash() entry.Hash { return entry.Hash(w.src.bytes(entry.HashSize)) }

// ID draws 16 random bytes: a handle, a binding or a request id.
func (w *World) ID() [entry.IDSize]byte { return [entry.IDSize]byte(w.src.bytes(entry.IDSize)) }

// Sign completes a draft and signs it: the log, the time unless set, and a fresh
// request id unless it has one or a device's number. A draft that is refused
// fails the test.
func (w *World) Sign(k *Key, d entry.Draft) *entry.Statement {
	w.tb.Helper()
	s, err := w.TrySign(k, d)
	if err != nil {
		w.tb.Fatalf("seed %d: sign a %s: %v", w.Seed, d.Kind, err)
	}
	return s
}

// TrySign is Sign for drafts that may be refused.
func (w *World) TrySign(k *Key, d entry.Draft) (*entry.Statement, error) {
	if d.Kind != entry.KindGenesis && d.Log == (entry.LogID{}) {
		d.Log = w.Log
	}
	if d.IssuedAt == 0 {
		d.IssuedAt = w.Now
	}
	if d.Request == nil && d.Seq == 0 {
		id := entry.RequestID(w.ID())
		d.Request = &id
	}
	return d.Sign(w.src, k.Signer)
}
