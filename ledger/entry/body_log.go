package entry

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	MaxName      = 255       // origin and node name, bytes
	MLDSAKeySize = 1312      // raw ML-DSA-44 public key, bytes (FIPS 204 table 2)
	MaxPosition  = 1<<63 - 1 // tree sizes and indexes
)

// Genesis founds a log. It is index 0 of every log, and its leaf hash is the
// log's identity.
type Genesis struct {
	Origin        string // of the log's checkpoints, a note key name
	LogKey        []byte // SubjectPublicKeyInfo, Ed25519
	Nodes         []Node
	Registrars    [][]byte // SubjectPublicKeyInfo, in order; the first signs
	Operators     [][]byte // SubjectPublicKeyInfo, in order
	Jurisdictions []JurisdictionRule
}

// Node is one member, identified by its name.
type Node struct {
	Name        string // also the name of its cosigner keys
	AuthorKey   []byte // SubjectPublicKeyInfo, P-256 or Ed25519
	CosignerKey []byte // SubjectPublicKeyInfo, Ed25519
	MLDSAKey    []byte // raw ML-DSA-44 public key
	TLSKey      []byte // SubjectPublicKeyInfo, P-256 or Ed25519
	Placement   []string
}

// JurisdictionRule says which law rules a jurisdiction and how long data stays.
// A floor runs from the ledger time of the newest entry of its class.
type JurisdictionRule struct {
	Name          string
	Regime        Regime
	Grace         uint64 // from an erasure's approval to its execution, milliseconds
	FloorClinical uint64 // milliseconds
	FloorIdentity uint64 // milliseconds
	FloorAudit    uint64 // milliseconds
}

// Kind returns KindGenesis.
func (*Genesis) Kind() Kind { return KindGenesis }

func (g *Genesis) encode(m *mapWriter) {
	m.text(1, g.Origin)
	m.bytes(2, g.LogKey)
	m.key(3)
	m.body = appendSet(m.body, g.Nodes, appendNode)
	m.key(4)
	m.body = appendKeys(m.body, g.Registrars)
	m.key(5)
	m.body = appendKeys(m.body, g.Operators)
	m.key(6)
	m.body = appendSet(m.body, g.Jurisdictions, appendRule)
}

func appendKeys(b []byte, keys [][]byte) []byte {
	b = appendArray(b, len(keys))
	for _, k := range keys {
		b = appendBytes(b, k)
	}
	return b
}

func appendNode(b []byte, n Node) []byte {
	b = appendText(appendArray(b, 6), n.Name)
	b = appendBytes(b, n.AuthorKey)
	b = appendBytes(b, n.CosignerKey)
	b = appendBytes(b, n.MLDSAKey)
	b = appendBytes(b, n.TLSKey)
	return appendSet(b, n.Placement, appendText)
}

func appendRule(b []byte, r JurisdictionRule) []byte {
	b = appendText(appendArray(b, 6), r.Name)
	b = appendUint(b, uint64(r.Regime))
	b = appendUint(b, r.Grace)
	b = appendUint(b, r.FloorClinical)
	b = appendUint(b, r.FloorIdentity)
	return appendUint(b, r.FloorAudit)
}

func parseGenesis(w *walker, f *fields) Body {
	g := &Genesis{}
	f.need(1)
	g.Origin = w.name()
	f.need(2)
	g.LogKey = w.ed25519Key()
	f.need(3)
	w.set(func() { g.Nodes = append(g.Nodes, w.node()) })
	f.need(4)
	g.Registrars = w.keyList()
	if len(g.Registrars) == 0 {
		w.fail(CodeFieldInvalid, "a log needs a registrar")
	}
	f.need(5)
	g.Operators = w.keyList()
	f.need(6)
	w.set(func() { g.Jurisdictions = append(g.Jurisdictions, w.rule()) })
	if w.fault == nil {
		g.check(w)
	}
	return g
}

// check refuses what would make the registries built from a genesis ambiguous:
// an author has one role, a node one name, a key counts once, and a placement
// names a jurisdiction of field 6.
func (g *Genesis) check(w *walker) {
	seen := once{}
	for _, r := range g.Jurisdictions {
		seen.take(w, "a jurisdiction", "jurisdiction", r.Name)
	}
	for _, k := range g.Registrars {
		seen.take(w, "an author key", "author", string(k))
	}
	for _, k := range g.Operators {
		seen.take(w, "an author key", "author", string(k))
	}
	for _, n := range g.Nodes {
		seen.take(w, "a node name", "node", n.Name)
		seen.take(w, "an author key", "author", string(n.AuthorKey))
		seen.take(w, "a cosigner key", "cosigner", string(n.CosignerKey))
		seen.take(w, "an ML-DSA key", "mldsa", string(n.MLDSAKey))
		seen.take(w, "a TLS key", "tls", string(n.TLSKey))
		for _, j := range n.Placement {
			if !seen[[2]string{"jurisdiction", j}] {
				w.fail(CodeFieldInvalid, "a node is placed in a jurisdiction that field 6 does not name")
			}
		}
	}
}

// once remembers what was named, by sort.
type once map[[2]string]bool

func (o once) take(w *walker, what, sort, value string) {
	key := [2]string{sort, value}
	if o[key] {
		w.fail(CodeFieldInvalid, "%s stands twice", what)
	}
	o[key] = true
}

func (w *walker) node() (n Node) {
	w.arrayOf(6)
	n.Name = w.name()
	n.AuthorKey = w.authorKey()
	n.CosignerKey = w.ed25519Key()
	n.MLDSAKey = make([]byte, MLDSAKeySize)
	w.fixed(n.MLDSAKey)
	n.TLSKey = w.authorKey()
	n.Placement = w.jurisdictions()
	return n
}

func (w *walker) rule() (r JurisdictionRule) {
	w.arrayOf(6)
	r.Name = w.jurisdiction()
	r.Regime = Regime(w.code(&regimeList))
	r.Grace, r.FloorClinical = w.time(), w.time()
	r.FloorIdentity, r.FloorAudit = w.time(), w.time()
	return r
}

// name reads a note key name (C2SP signed-note): no Unicode space, no plus
// sign; and no control character.
func (w *walker) name() string {
	s := string(w.text())
	if w.fault == nil && !ValidName(s) {
		w.fail(CodeFieldInvalid, "not a name: empty, over %d bytes, or with a space, a plus sign or a control character", MaxName)
	}
	return s
}

// ValidName reports whether s may be an origin or the name of a node.
func ValidName(s string) bool {
	return s != "" && len(s) <= MaxName && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return r == '+' || unicode.IsSpace(r) || unicode.IsControl(r) })
}

// Limits of a jurisdiction's name, bytes.
const (
	minJurisdiction = 2
	maxJurisdiction = 16
)

// ValidJurisdiction reports whether s matches [a-z][a-z0-9-]{1,15}.
func ValidJurisdiction(s string) bool {
	if len(s) < minJurisdiction || len(s) > maxJurisdiction || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

func (w *walker) jurisdiction() string {
	s := string(w.text())
	if w.fault == nil && !ValidJurisdiction(s) {
		w.fail(CodeFieldInvalid, "not a jurisdiction")
	}
	return s
}

func (w *walker) jurisdictions() (list []string) {
	w.set(func() { list = append(list, w.jurisdiction()) })
	return list
}

// PolicyChange activates a policy bundle or a code list for a regime.
type PolicyChange struct {
	Type   PolicyType
	Hash   Hash
	Regime Regime
}

// Kind returns KindPolicy.
func (*PolicyChange) Kind() Kind { return KindPolicy }

func (p *PolicyChange) encode(m *mapWriter) {
	m.uint(1, uint64(p.Type))
	m.bytes(2, p.Hash[:])
	m.uint(3, uint64(p.Regime))
}

func parsePolicy(w *walker, f *fields) Body {
	p := &PolicyChange{}
	f.need(1)
	p.Type = PolicyType(w.code(&policyTypeList))
	f.need(2)
	w.fixed(p.Hash[:])
	f.need(3)
	p.Regime = Regime(w.code(&regimeList))
	return p
}

// IndexSeal states the root of the completeness map as of a size.
type IndexSeal struct {
	N    uint64
	Root Hash
}

// Kind returns KindIndex.
func (*IndexSeal) Kind() Kind { return KindIndex }

func (s *IndexSeal) encode(m *mapWriter) {
	m.uint(1, s.N)
	m.bytes(2, s.Root[:])
}

func parseIndex(w *walker, f *fields) Body {
	s := &IndexSeal{}
	f.need(1)
	s.N = w.uintWithin(0, MaxPosition)
	f.need(2)
	w.fixed(s.Root[:])
	return s
}

// NodeChange adds, removes or changes a node.
type NodeChange struct {
	Action NodeAction
	Node   Node
	Range  *[2]uint64 // of recovered: first and last index in doubt
}

// Kind returns KindNode.
func (*NodeChange) Kind() Kind { return KindNode }

func (c *NodeChange) encode(m *mapWriter) {
	m.uint(1, uint64(c.Action))
	m.key(2)
	m.body = appendNode(m.body, c.Node)
	if c.Range != nil {
		m.key(3)
		m.body = appendUint(appendUint(appendArray(m.body, 2), c.Range[0]), c.Range[1])
	}
}

func parseNode(w *walker, f *fields) Body {
	c := &NodeChange{}
	f.need(1)
	c.Action = NodeAction(w.code(&nodeActionList))
	f.need(2)
	c.Node = w.node()
	if c.Action == NodeRecovered && f.has(3) {
		c.Range = new([2]uint64)
		w.arrayOf(2)
		c.Range[0], c.Range[1] = w.uintWithin(0, MaxPosition), w.uintWithin(0, MaxPosition)
		if c.Range[1] < c.Range[0] {
			w.fail(CodeFieldInvalid, "a range ends before it begins")
		}
	}
	return c
}
