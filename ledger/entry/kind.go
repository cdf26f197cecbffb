package entry

import "strconv"

// Kind is what a statement says. Its number is not part of any format: in a
// statement the kind is spelled in the typ header.
type Kind uint8

// The kinds of FORMATS §3.
const (
	KindGenesis Kind = 1 + iota
	KindAuthor
	KindCA
	KindHandle
	KindBinding
	KindReading
	KindCorrection
	KindConsent
	KindAccess
	KindErasure
	KindHold
	KindPolicy
	KindIndex
	KindNode
)

// reservedKinds are names that will mean something later; nothing may use them
// before.
var reservedKinds = []string{"opaque", "agreement", "incident", "release"}

// Kinds lists every kind, in the order of FORMATS §3.
func Kinds() []Kind {
	kinds := make([]Kind, 0, KindNode)
	for k := KindGenesis; k <= KindNode; k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

// String returns the name used in the typ header, "reading" for instance.
func (k Kind) String() string {
	if !k.Valid() {
		return "kind(" + strconv.Itoa(int(k)) + ")"
	}
	return kindRules[k].name
}

// Valid reports whether k is one of the kinds above.
func (k Kind) Valid() bool { return k >= KindGenesis && k <= KindNode }

// ParseKind reads a kind's name.
func ParseKind(name string) (Kind, error) {
	for k := KindGenesis; k <= KindNode; k++ {
		if kindRules[k].name == name {
			return k, nil
		}
	}
	for _, reserved := range reservedKinds {
		if reserved == name {
			return 0, Refuse(CodeKindNotYet, "this kind is reserved")
		}
	}
	return 0, Refuse(CodeUnknownKind, "no such kind")
}

// shape says what a kind's payload is.
type shape uint8

const (
	shapeOpen   shape = 1 + iota // a map
	shapeSealed                  // the digest of parts, 32 raw bytes
	shapeBoth                    // [digest of parts or null, map]
)

// need says whether something must, may or must not stand in a statement.
type need uint8

const (
	never need = iota
	may
	must
)

func mustIf(condition bool) need {
	if condition {
		return must
	}
	return never
}

func mayIf(condition bool) need {
	if condition {
		return may
	}
	return never
}

// kindRule is what a kind is and demands (FORMATS §1 and §3).
type kindRule struct {
	name  string
	shape shape
	body  func() Body // makes an empty one; nil where there is no map

	binding, handle need // of the sub; two mays mean: one of them must
	sequence        need // boot and seq instead of a request id
	seal            need // the digest of parts
	jurisdiction    need // may: exactly when there is a sub
	confirmable     bool // some statement of this kind needs a second signer

	class   Class              // of its sealed part; with ClassClinical there may be one of ClassIdentity
	content func([]byte) error // checks that part's content; nil where it is not CBOR of ours
}

// kindRules is indexed by kind. The rest about author stands in checkAuthor,
// about the seals of erasure and hold in checkSeal.
var kindRules = [...]kindRule{
	KindGenesis: {name: "genesis", shape: shapeOpen, body: empty[Genesis]},
	KindAuthor: {
		name: "author", shape: shapeBoth, body: empty[AuthorChange],
		handle: may, seal: may, jurisdiction: may, confirmable: true, class: ClassIdentity, content: discard(ParseAuthorIdentity),
	},
	KindCA: {name: "ca", shape: shapeOpen, body: empty[CAChange], confirmable: true},
	KindHandle: {
		name: "handle", shape: shapeBoth, body: empty[HandleChange],
		handle: must, seal: must, jurisdiction: must, class: ClassIdentity, content: discard(ParseHandleLink),
	},
	KindBinding: {name: "binding", shape: shapeOpen, body: empty[BindingChange], jurisdiction: must},
	KindReading: {
		name: "reading", shape: shapeSealed,
		binding: must, sequence: must, seal: must, jurisdiction: must, class: ClassClinical,
	},
	KindCorrection: {
		name: "correction", shape: shapeBoth, body: empty[Correction],
		binding: may, handle: may, sequence: may, seal: must, jurisdiction: must, class: ClassClinical,
	},
	KindConsent: {
		name: "consent", shape: shapeBoth, body: empty[Consent],
		handle: must, seal: may, jurisdiction: must, class: ClassIdentity,
	},
	KindAccess: {
		name: "access", shape: shapeBoth, body: empty[Access],
		handle: must, seal: must, jurisdiction: must, class: ClassAudit, content: discard(ParseAccessAudit),
	},
	KindErasure: {
		name: "erasure", shape: shapeBoth, body: empty[Erasure],
		seal: may, jurisdiction: must, class: ClassSeries, content: discard(ParseHandleList),
	},
	KindHold: {
		name: "hold", shape: shapeBoth, body: empty[Hold],
		seal: may, jurisdiction: must, confirmable: true, class: ClassSeries, content: discard(ParseHoldTarget),
	},
	KindPolicy: {name: "policy", shape: shapeOpen, body: empty[PolicyChange], confirmable: true},
	KindIndex:  {name: "index", shape: shapeOpen, body: empty[IndexSeal]},
	KindNode:   {name: "node", shape: shapeOpen, body: empty[NodeChange], confirmable: true},
}

func empty[T any, P interface {
	*T
	Body
}]() Body {
	return P(new(T))
}

func (k Kind) shape() shape { return kindRules[k].shape }

// confirmable reports whether {0 sid} may stand in place of the kind's map.
func (k Kind) confirmable() bool { return kindRules[k].confirmable }

// hasJurisdiction reports whether the kind carries claim -70001.
func (k Kind) hasJurisdiction(sub Sub) bool {
	when := kindRules[k].jurisdiction
	return when == must || when == may && sub.Type != SubNone
}
