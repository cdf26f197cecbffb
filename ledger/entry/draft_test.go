package entry

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"math/rand/v2"
	"testing"
)

// chance is what a random draft is made from.
type chance struct{ *rand.Rand }

func (c chance) fill(b []byte) {
	for i := range b {
		b[i] = byte(c.Uint32())
	}
}

func (c chance) id32() (id [32]byte) { c.fill(id[:]); return id }
func (c chance) id16() (id [16]byte) { c.fill(id[:]); return id }
func (c chance) coin() bool          { return c.IntN(2) == 0 }

// number favours the borders of CBOR's heads.
func (c chance) number(low, high uint64) uint64 {
	borders := []uint64{0, 1, 23, 24, 255, 256, 65_535, 65_536, 1<<32 - 1, 1 << 32, low, high}
	if n := borders[c.IntN(len(borders))]; c.coin() && n >= low && n <= high {
		return n
	}
	return low + c.Uint64()>>c.IntN(64)%(high-low+1)
}

func (c chance) time() uint64 { return c.number(0, MaxTime) }

func code[T ~uint8](c chance, list *codeList) T { return T(1 + c.IntN(len(list.names))) }

func (c chance) jurisdiction() string {
	const first, more = "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz0123456789-"
	s := []byte{first[c.IntN(len(first))]}
	for n := 1 + c.IntN(maxJurisdiction-1); n > 0; n-- {
		s = append(s, more[c.IntN(len(more))])
	}
	return string(s)
}

func (c chance) jurisdictions() (list []string) {
	seen := map[string]bool{}
	for n := c.IntN(4); n > 0; n-- {
		if j := c.jurisdiction(); !seen[j] {
			seen[j] = true
			list = append(list, j)
		}
	}
	return list
}

func (c chance) ed25519() ed25519.PrivateKey {
	seed := c.id32()
	return ed25519.NewKeyFromSeed(seed[:])
}

func (c chance) p256() *ecdsa.PrivateKey {
	for {
		d := c.id32()
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d[:]); err == nil {
			return key
		}
	}
}

func (c chance) signer() crypto.Signer {
	if c.coin() {
		return c.p256()
	}
	return c.ed25519()
}

func spkiOf(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	return publicOf(t, key).SPKI()
}

func publicOf(t testing.TB, key crypto.Signer) *PublicKey {
	t.Helper()
	k, err := NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (c chance) node(t testing.TB, placement []string) Node {
	n := Node{
		Name: "node-" + c.jurisdiction(), AuthorKey: spkiOf(t, c.signer()), CosignerKey: spkiOf(t, c.ed25519()),
		MLDSAKey: make([]byte, MLDSAKeySize), TLSKey: spkiOf(t, c.signer()), Placement: placement,
	}
	c.fill(n.MLDSAKey)
	return n
}

func (c chance) genesis(t testing.TB, first crypto.Signer) *Genesis {
	g := &Genesis{Origin: "log.example/" + c.jurisdiction(), LogKey: spkiOf(t, c.ed25519()), Registrars: [][]byte{spkiOf(t, first)}}
	for _, j := range c.jurisdictions() {
		g.Jurisdictions = append(g.Jurisdictions, JurisdictionRule{j, code[Regime](c, &regimeList), c.time(), c.time(), c.time(), c.time()})
	}
	for n := c.IntN(3); n > 0; n-- {
		g.Registrars = append(g.Registrars, spkiOf(t, c.signer()))
		g.Operators = append(g.Operators, spkiOf(t, c.signer()))
	}
	for n := c.IntN(4); n > 0; n-- {
		var placement []string
		for _, r := range g.Jurisdictions {
			if c.coin() {
				placement = append(placement, r.Name)
			}
		}
		node := c.node(t, placement)
		node.Name += string(rune('a' + n))
		g.Nodes = append(g.Nodes, node)
	}
	return g
}

func maybe[T any](c chance, v T) *T {
	if c.coin() {
		return nil
	}
	return &v
}

// draft returns a random draft of a kind that must be accepted, and its signer.
func (c chance) draft(t testing.TB, kind Kind) (Draft, crypto.Signer) {
	key := c.signer()
	d := Draft{Kind: kind, Log: c.id32(), IssuedAt: c.time(), Seen: maybe(c, Seen{c.number(1, MaxPosition), c.id32()})}
	c.name(&d)
	if kind.confirmable() && c.IntN(4) == 0 {
		sid := StatementID(c.id32())
		d.Confirms = &sid
	} else {
		c.fillBody(t, &d, key)
	}
	if d.Jurisdiction == "" && kind.hasJurisdiction(d.Sub) {
		d.Jurisdiction = c.jurisdiction()
	}
	return d, key
}

// name gives the draft its sub and what makes it unique.
func (c chance) name(d *Draft) {
	rule := kindRules[d.Kind]
	switch {
	case rule.binding == must || rule.binding == may && c.coin():
		d.Sub = SubOfBinding(c.id16())
	case rule.handle == must || rule.binding == may:
		d.Sub = SubOfHandle(c.id16())
	}
	if rule.sequence == must || rule.sequence == may && c.coin() {
		d.Seq, d.Boot = c.number(1, MaxSequence), c.number(1, MaxSequence)
		d.Prev = maybe(c, StatementID(c.id32()))
	} else {
		r := RequestID(c.id16())
		d.Request = &r
	}
	if rule.seal == must {
		h := Hash(c.id32())
		d.Parts = &h
	}
}

func (c chance) fillBody(t testing.TB, d *Draft, key crypto.Signer) {
	parts := Hash(c.id32())
	switch d.Kind {
	case KindGenesis:
		d.Log, d.Seen = LogID{}, nil
		d.Body = c.genesis(t, key)
	case KindAuthor:
		c.fillAuthor(t, d, parts)
	case KindCA:
		d.Body = &CAChange{code[CAAction](c, &caActionList), spkiOf(t, c.signer())}
	case KindHandle:
		h := &HandleChange{Action: code[OpenClose](c, &openCloseList), At: c.time()}
		if h.Action == ActionOpen {
			h.Class = code[HandleClass](c, &handleClassList)
		}
		d.Body = h
	case KindBinding:
		d.Body = c.bindingChange()
	case KindCorrection:
		d.Body = &Correction{c.id32()}
	case KindConsent:
		d.Body = c.consent()
		d.Parts = maybe(c, parts)
	case KindAccess:
		d.Body = &Access{c.id16(), code[AccessAction](c, &accessActionList), code[Outcome](c, &outcomeList), code[Purpose](c, &purposeList), maybe(c, Hash(c.id32())), c.number(1, MaxPosition)}
	case KindErasure:
		e := c.erasure()
		if d.Body = e; e.Step == StepRequest {
			d.Parts = &parts
		}
	case KindHold:
		if d.Body = (&Hold{Action: HoldRelease, Set: c.id32()}); c.coin() {
			d.Body, d.Parts = &Hold{Action: HoldSet}, &parts
		}
	case KindPolicy:
		d.Body = &PolicyChange{code[PolicyType](c, &policyTypeList), c.id32(), code[Regime](c, &regimeList)}
	case KindIndex:
		d.Body = &IndexSeal{c.number(0, MaxPosition), c.id32()}
	case KindNode:
		n := &NodeChange{Action: code[NodeAction](c, &nodeActionList), Node: c.node(t, c.jurisdictions())}
		if n.Action == NodeRecovered && c.coin() {
			from := c.number(0, 1<<40)
			n.Range = &[2]uint64{from, from + c.number(0, 1<<40)}
		}
		d.Body = n
	}
}

func (c chance) fillAuthor(t testing.TB, d *Draft, parts Hash) {
	a := &AuthorChange{Action: code[AuthorAction](c, &authorActionList)}
	d.Body = a
	if a.Action != AuthorEnrol {
		a.Author = c.id32()
		if c.coin() {
			d.Sub = SubOfHandle(c.id16())
		}
		if a.Action == AuthorRevoke {
			a.Upto = maybe(c, StatementID(c.id32()))
		}
		return
	}
	a.Key, a.Jurisdictions = spkiOf(t, c.signer()), c.jurisdictions()
	for a.Role = code[Role](c, &roleList); a.Role == RoleNode; a.Role = code[Role](c, &roleList) {
	}
	if a.Role == RoleDevice {
		a.Linkable = c.coin()
		d.Sub, d.Parts = SubOfHandle(c.id16()), &parts
	}
}

func (c chance) bindingChange() *BindingChange {
	b := &BindingChange{Action: code[OpenClose](c, &openCloseList), Binding: c.id16()}
	to := c.time()
	if b.Action == ActionOpen {
		b.Handle, b.Author, b.From = c.id16(), c.id32(), c.number(0, to)
	}
	if b.Action == ActionClose || c.coin() {
		b.To = &to
	}
	return b
}

func (c chance) consent() *Consent {
	to := c.time()
	b := &Consent{
		Action: code[ConsentAction](c, &consentActionList), Regime: code[Regime](c, &regimeList),
		Basis: code[Basis](c, &basisList), From: c.number(0, to), To: maybe(c, to), Document: c.id32(),
	}
	for p := range purposeList.names {
		if c.coin() {
			b.Purposes = append(b.Purposes, Purpose(p+1))
		}
	}
	return b
}

func (c chance) erasure() *Erasure {
	e := &Erasure{Step: code[ErasureStep](c, &erasureStepList)}
	if e.Step == StepRequest {
		e.Scope = code[Scope](c, &scopeList)
		return e
	}
	e.Request = c.id32()
	switch e.Step {
	case StepExecuted:
		e.RootVersion, e.Method, e.Strength = c.Uint64(), code[Method](c, &methodList), code[Strength](c, &strengthList)
	case StepLost:
		e.Node = c.id32()
	}
	return e
}

// draftOf is the draft a statement came from.
func draftOf(s *Statement) Draft {
	return Draft{
		Kind: s.Kind, Sub: s.Sub, Log: s.Log, IssuedAt: s.IssuedAt, Jurisdiction: s.Jurisdiction,
		Boot: s.Boot, Seq: s.Seq, Prev: s.Prev, Seen: s.Seen, Request: s.Request,
		Parts: s.Parts, Confirms: s.Confirms, Body: s.Body,
	}
}

// reencode writes a parsed statement anew, with its own signature.
func reencode(t testing.TB, s *Statement) []byte {
	t.Helper()
	d := draftOf(s)
	payload, err := d.payload()
	if err != nil && s.Log != (LogID{}) {
		t.Fatal(err)
	}
	b := appendBytes([]byte{tagSign1, arraySign1}, d.protected(s.Alg, s.Author))
	b = appendBytes(append(b, emptyMap), payload)
	return appendBytes(b, s.Signature())
}

// mustSign signs a draft that must be accepted.
func mustSign(t testing.TB, d Draft, key crypto.Signer) *Statement {
	t.Helper()
	s, err := d.Sign(nil, key)
	if err != nil {
		t.Fatalf("%s: %v", d.Kind, err)
	}
	return s
}

func hashOf(b []byte) Hash { return sha256.Sum256(b) }

func sameBytes(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %x\nwant %x", what, got, want)
	}
}
