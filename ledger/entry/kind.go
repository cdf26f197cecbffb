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

var kindNames = [...]string{
	"", "genesis", "author", "ca", "handle", "binding", "reading", "correction",
	"consent", "access", "erasure", "hold", "policy", "index", "node",
}

// reservedKinds are names that will mean something later; nothing may use them
// before.
var reservedKinds = []string{"opaque", "agreement", "incident", "release"}

// Kinds lists every kind, in the order of FORMATS §3.
func Kinds() []Kind {
	kinds := make([]Kind, 0, len(kindNames)-1)
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
	return kindNames[k]
}

// Valid reports whether k is one of the kinds above.
func (k Kind) Valid() bool { return k >= KindGenesis && k <= KindNode }

// ParseKind reads a kind's name.
func ParseKind(name string) (Kind, error) {
	for k := KindGenesis; k <= KindNode; k++ {
		if kindNames[k] == name {
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

func (k Kind) shape() shape {
	switch k {
	case KindReading:
		return shapeSealed
	case KindAuthor, KindHandle, KindCorrection, KindConsent, KindAccess, KindErasure, KindHold:
		return shapeBoth
	case KindGenesis, KindCA, KindBinding, KindPolicy, KindIndex, KindNode:
		return shapeOpen
	}
	return 0
}

// confirmable reports whether some statement of this kind needs a second
// signer, so that {0 sid} may stand in place of its map.
func (k Kind) confirmable() bool {
	switch k {
	case KindAuthor, KindCA, KindHold, KindPolicy, KindNode:
		return true
	}
	return false
}

// hasJurisdiction reports whether the kind carries claim -70001; author carries
// it exactly when it has a sub.
func (k Kind) hasJurisdiction(sub Sub) bool {
	switch k {
	case KindHandle, KindBinding, KindReading, KindCorrection, KindConsent, KindAccess, KindErasure, KindHold:
		return true
	case KindAuthor:
		return sub.Type != SubNone
	}
	return false
}
