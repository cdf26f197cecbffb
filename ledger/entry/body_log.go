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

func (g *Genesis) fields(f *form) {
	if f.at(1, must, true) {
		f.text(&g.Origin, (*walker).name)
	}
	if f.at(2, must, true) {
		f.bytes(&g.LogKey, (*walker).ed25519Key)
	}
	if f.at(3, must, true) {
		setOf(f, &g.Nodes, (*form).node)
	}
	if f.at(4, must, true) {
		listOf(f, &g.Registrars, (*form).authorKey)
	}
	if f.m == nil && len(g.Registrars) == 0 {
		f.w.fail(CodeFieldInvalid, "a log needs a registrar")
	}
	if f.at(5, must, true) {
		listOf(f, &g.Operators, (*form).authorKey)
	}
	if f.at(6, must, true) {
		setOf(f, &g.Jurisdictions, (*form).rule)
	}
	if f.m == nil && f.w.fault == nil {
		g.check(f.w)
	}
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

func (f *form) node(n *Node) {
	f.array(6)
	f.text(&n.Name, (*walker).name)
	f.authorKey(&n.AuthorKey)
	f.bytes(&n.CosignerKey, (*walker).ed25519Key)
	if f.m == nil {
		n.MLDSAKey = make([]byte, MLDSAKeySize)
	}
	f.fixed(n.MLDSAKey)
	f.authorKey(&n.TLSKey)
	setOf(f, &n.Placement, (*form).jurisdiction)
}

func (f *form) rule(r *JurisdictionRule) {
	f.array(6)
	f.jurisdiction(&r.Name)
	coded(f, &r.Regime, &regimeList)
	for _, span := range []*uint64{&r.Grace, &r.FloorClinical, &r.FloorIdentity, &r.FloorAudit} {
		f.number(span, 0, MaxTime)
	}
}

func (f *form) authorKey(spki *[]byte) { f.bytes(spki, (*walker).authorKey) }

func (f *form) jurisdiction(name *string) { f.text(name, (*walker).jurisdiction) }

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

// PolicyChange activates a policy bundle or a code list for a regime.
type PolicyChange struct {
	Type   PolicyType
	Hash   Hash // SHA-256 of the bundle or list, which is public
	Regime Regime
}

func (p *PolicyChange) fields(f *form) {
	codeAt(f, 1, must, &p.Type, &policyTypeList)
	f.fixedAt(2, must, p.Hash[:])
	codeAt(f, 3, must, &p.Regime, &regimeList)
}

// IndexSeal states the root of the completeness map as of a size. The kind is
// reserved: a log refuses it with KIND_NOT_YET.
type IndexSeal struct {
	N    uint64 // entries covered
	Root Hash
}

func (s *IndexSeal) fields(f *form) {
	f.numberAt(1, must, &s.N, 0, MaxPosition)
	f.fixedAt(2, must, s.Root[:])
}

// NodeChange adds, removes or changes a node.
type NodeChange struct {
	Action NodeAction
	Node   Node
	Range  *[2]uint64 // of recovered: first and last index in doubt
}

func (c *NodeChange) fields(f *form) {
	codeAt(f, 1, must, &c.Action, &nodeActionList)
	if f.at(2, must, true) {
		f.node(&c.Node)
	}
	if !f.at(3, mayIf(c.Action == NodeRecovered), c.Range != nil) {
		return
	}
	r := allocate(f, &c.Range)
	f.array(2)
	f.number(&r[0], 0, MaxPosition)
	f.number(&r[1], 0, MaxPosition)
	if f.m == nil && r[1] < r[0] {
		f.w.fail(CodeFieldInvalid, "a range ends before it begins")
	}
}
