package entry

import (
	"crypto/sha256"
)

// Limits of a statement (FORMATS §1).
const (
	MaxStatement = 16 << 10              // bytes, whole, from D2 84
	MaxSeconds   = 1 << 52               // claim iat, seconds
	MaxTime      = MaxSeconds*1000 + 999 // every instant and span, milliseconds
	MaxSequence  = 1<<63 - 1             // boot and seq
)

// Algorithms (RFC 9053, RFC 9864). SDKs emit the first of each pair; the second
// is its exact synonym.
const (
	AlgES256   int64 = -7
	AlgESP256  int64 = -9
	AlgEdDSA   int64 = -8
	AlgEd25519 int64 = -19
)

// SubType says what a statement is about.
type SubType uint8

// What a sub names.
const (
	SubNone    SubType = iota
	SubBinding         // "b:" and 32 hex digits
	SubHandle          // "h:" and 32 hex digits
)

// Sub is the subject of a statement: a binding, a handle or nothing.
type Sub struct {
	Type SubType
	ID   [IDSize]byte
}

// SubOfBinding names a binding.
func SubOfBinding(id BindingID) Sub { return Sub{SubBinding, id} }

// SubOfHandle names a handle.
func SubOfHandle(h Handle) Sub { return Sub{SubHandle, h} }

// Binding returns the binding named; it is meaningful if Type is SubBinding.
func (s Sub) Binding() BindingID { return BindingID(s.ID) }

// Handle returns the handle named; it is meaningful if Type is SubHandle.
func (s Sub) Handle() Handle { return Handle(s.ID) }

// Seen is the newest checkpoint an author has seen.
type Seen struct {
	Size uint64 // at least 1
	Root Hash
}

// Body is the open map of a statement, one type per kind. *Genesis,
// *AuthorChange, *CAChange, *HandleChange, *BindingChange, *Correction,
// *Consent, *Access, *Erasure, *Hold, *PolicyChange, *IndexSeal and *NodeChange
// are all there are.
type Body interface {
	// Kind is the kind whose map this is.
	Kind() Kind
	fields(f *form)
}

// Kind implements Body.
func (*Genesis) Kind() Kind       { return KindGenesis }
func (*AuthorChange) Kind() Kind  { return KindAuthor }
func (*CAChange) Kind() Kind      { return KindCA }
func (*HandleChange) Kind() Kind  { return KindHandle }
func (*BindingChange) Kind() Kind { return KindBinding }
func (*Correction) Kind() Kind    { return KindCorrection }
func (*Consent) Kind() Kind       { return KindConsent }
func (*Access) Kind() Kind        { return KindAccess }
func (*Erasure) Kind() Kind       { return KindErasure }
func (*Hold) Kind() Kind          { return KindHold }
func (*PolicyChange) Kind() Kind  { return KindPolicy }
func (*IndexSeal) Kind() Kind     { return KindIndex }
func (*NodeChange) Kind() Kind    { return KindNode }

// Statement is what an author signed, parsed. Its exported fields are for
// reading: they are taken from the bytes by Parse, and changing one changes
// neither the bytes nor what Verify checks.
type Statement struct {
	Kind         Kind
	Alg          int64 // as spelled, see the Alg constants
	Author       AuthorID
	Sub          Sub
	Log          LogID  // the aud claim; zero in genesis
	IssuedAt     uint64 // when the author signed, Unix milliseconds
	Jurisdiction string // "" where the kind carries none
	Boot, Seq    uint64 // 0 when the author is not a device
	Prev         *StatementID
	Seen         *Seen
	Request      *RequestID   // nil when the author is a device
	Parts        *Hash        // digest of the sealed parts, nil when there are none
	Confirms     *StatementID // the ×2 statement this one confirms
	Body         Body         // nil for reading and for confirmations

	raw []byte // whole, as received
	tbs []byte // the Sig_structure
	sig []byte // 64 bytes, within raw
	id  StatementID
	log LogID // see the method LogID

	// What Verify goes by, out of a reader's reach.
	kid    AuthorID
	alg    int64
	hasAud bool
}

// Bytes returns the statement as received, from D2 84. It must not be changed.
func (s *Statement) Bytes() []byte { return s.raw }

// ID returns the statement id.
func (s *Statement) ID() StatementID { return s.id }

// Signature returns the 64 signature bytes: r and s, or R and S.
func (s *Statement) Signature() []byte { return append([]byte(nil), s.sig...) }

// LogID returns the identity of the log the statement is addressed to; for
// genesis that is the log it founds: the leaf hash of the genesis at its own
// time.
func (s *Statement) LogID() [HashSize]byte { return s.log }

// Leaf returns the statement's leaf at a ledger time in milliseconds.
func (s *Statement) Leaf(ledgerTime uint64) ([]byte, error) { return Leaf(ledgerTime, s.raw) }

// foundedLog is the identity of the log a genesis founds: its leaf hash at index
// 0 (RFC 6962 section 2.1), the ledger time being the genesis' own.
func foundedLog(raw []byte, issuedAt uint64) (LogID, error) {
	leaf, err := Leaf(issuedAt, raw)
	if err != nil {
		return LogID{}, err
	}
	h := sha256.New()
	h.Write([]byte{leafPrefix})
	h.Write(leaf)
	return LogID(h.Sum(nil)), nil
}
