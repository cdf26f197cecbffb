package entry

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
)

// The envelope of a tagged COSE_Sign1 (RFC 9052 section 4.2).
const (
	tagSign1      = 0xd2 // tag 18
	arraySign1    = 0x84 // array of 4
	emptyMap      = 0xa0
	signatureSize = 64
)

// sigStructureHead begins every Sig_structure: an array of 4 and "Signature1"
// (RFC 9052 section 4.4). No tag, no external data.
const (
	sigStructureHead = "\x84\x6aSignature1"
	sigStructureAAD  = 0x40
)

// Protected header labels (FORMATS §1).
const (
	headerAlg      = 1
	headerKid      = 4
	headerClaims   = 15
	headerTyp      = 16
	headerHashAlg  = 258
	headerPreimage = 259

	hashAlgSHA256 = -16
)

// CWT claims (FORMATS §1).
const (
	claimIss          = 1
	claimSub          = 2
	claimAud          = 3
	claimIat          = 6
	claimJurisdiction = -70001
	claimMillis       = -70002
	claimSeq          = -70003
	claimBoot         = -70004
	claimPrev         = -70005
	claimSeen         = -70006
	claimRequest      = -70007
)

const (
	typPrefix  = "application/indelible."
	typSuffix  = "+cose"
	issPrefix  = "urn:indelible:author:"
	audPrefix  = "urn:indelible:log:"
	subBinding = "b:"
	subHandle  = "h:"
)

// Parse reads a statement strictly: FORMATS §1 to §3, every rule that
// needs no state. It does not verify the signature; Verify does. The statement
// keeps a copy of raw. The error is a *Refusal.
func Parse(raw []byte) (*Statement, error) {
	if len(raw) > MaxStatement {
		return nil, Refuse(CodeTooLarge, "a statement of %d bytes, at most %d", len(raw), MaxStatement)
	}
	env, err := openEnvelope(raw)
	if err != nil {
		return nil, err
	}
	s := &Statement{raw: env.raw, tbs: env.tbs, sig: env.sig, id: sha256.Sum256(env.tbs)}
	w := walker{data: env.protected, base: env.protectedAt}
	s.parseHeader(&w)
	if w.fault == nil {
		w = walker{data: env.payload, base: env.payloadAt}
		s.parsePayload(&w)
	}
	if w.fault == nil {
		s.checkKind(&w)
	}
	if w.fault != nil {
		return nil, w.fault
	}
	s.kid, s.alg, s.log = s.Author, s.Alg, s.Log
	if s.Kind == KindGenesis {
		if s.log, err = foundedLog(s.raw, s.IssuedAt); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// envelope is a tagged COSE_Sign1 taken apart.
type envelope struct {
	raw, tbs               []byte // own copy; Sig_structure
	protected, payload     []byte // contents of the byte strings, within raw
	protectedAt, payloadAt int    // where they begin
	sig                    []byte // within raw
}

func openEnvelope(input []byte) (*envelope, error) {
	if len(input) < 2 || input[0] != tagSign1 || input[1] != arraySign1 {
		return nil, Refuse(CodeMalformed, "not a tagged COSE_Sign1: the first bytes must be D2 84")
	}
	buf := make([]byte, len(input), 2*len(input)+len(sigStructureHead)+1)
	copy(buf, input)
	raw := buf[:len(input):len(input)]
	e := &envelope{raw: raw, tbs: buf[len(input):]}
	w := walker{data: raw, pos: 2}
	protectedItem := w.pos
	e.protected = w.bytes()
	protectedEnd := w.pos
	if w.fault == nil && (w.rest() == 0 || raw[w.pos] != emptyMap) {
		w.fail(CodeUnknownLabel, "the unprotected header must be the empty map")
	}
	w.pos++
	payloadItem := w.pos
	if w.null() {
		w.fail(CodeMalformed, "the payload is detached; it must be attached")
	}
	e.payload = w.bytes()
	payloadEnd := w.pos
	e.sig = w.bytes()
	if w.fault == nil && len(e.sig) != signatureSize {
		w.fail(CodeMalformed, "a signature of %d bytes, expected %d", len(e.sig), signatureSize)
	}
	w.end()
	if w.fault != nil {
		return nil, w.fault
	}
	e.protectedAt, e.payloadAt = protectedEnd-len(e.protected), payloadEnd-len(e.payload)
	e.tbs = append(e.tbs, sigStructureHead...)
	e.tbs = append(e.tbs, raw[protectedItem:protectedEnd]...)
	e.tbs = append(e.tbs, sigStructureAAD)
	e.tbs = append(e.tbs, raw[payloadItem:payloadEnd]...)
	return e, nil
}

func (s *Statement) parseHeader(w *walker) {
	f := w.fields(unitHeader)
	f.need(headerAlg)
	s.Alg = w.algorithm()
	f.need(headerKid)
	w.fixed(s.Author[:])
	f.need(headerClaims)
	s.parseClaims(w)
	f.need(headerTyp)
	s.Kind = w.typ()
	sealed := s.Kind.shape() == shapeSealed
	if w.fault == nil && sealed {
		f.need(headerHashAlg)
		w.constant(hashAlgSHA256)
		f.need(headerPreimage)
		w.literal(MediaTypeParts)
	}
	f.end()
	w.end()
}

func (w *walker) algorithm() int64 {
	at := w.pos
	major, arg := w.head()
	if w.fault != nil {
		return 0
	}
	if major == majorNegint {
		switch alg := -1 - int64(arg&(1<<62-1)); alg {
		case AlgES256, AlgESP256, AlgEdDSA, AlgEd25519:
			if arg < 1<<62 {
				return alg
			}
		}
	}
	w.pos = at
	w.fail(CodeWrongAlgorithm, "not -7, -8, -9 or -19")
	return 0
}

// constant demands one negative integer.
func (w *walker) constant(want int64) {
	if n := w.expect(majorNegint, "a negative integer"); w.fault == nil && n != uint64(-1-want) {
		w.fail(CodeFieldInvalid, "expected %d", want)
	}
}

// literal demands one text.
func (w *walker) literal(want string) {
	if s := w.text(); w.fault == nil && string(s) != want {
		w.fail(CodeFieldInvalid, "expected the text %s", want)
	}
}

func (w *walker) typ() Kind {
	s := string(w.text())
	if w.fault != nil {
		return 0
	}
	name, ok := strings.CutPrefix(s, typPrefix)
	if ok {
		name, ok = strings.CutSuffix(name, typSuffix)
	}
	if !ok {
		w.fail(CodeUnknownKind, "typ is not %s<kind>%s", typPrefix, typSuffix)
		return 0
	}
	kind, err := ParseKind(name)
	if err != nil {
		w.failWith(err)
	}
	return kind
}

// failWith takes over a refusal found without knowing the place.
func (w *walker) failWith(err error) {
	var r *Refusal
	if errors.As(err, &r) {
		w.fail(r.Code, "%s", r.Text)
	}
}

func (s *Statement) parseClaims(w *walker) {
	f := w.fields(unitClaim)
	f.need(claimIss)
	var iss AuthorID
	w.hexText(issPrefix, iss[:])
	if w.fault == nil && iss != s.Author {
		w.fail(CodeFieldInvalid, "iss names another author than kid")
	}
	if f.has(claimSub) {
		s.Sub = w.sub()
	}
	if f.has(claimAud) {
		w.hexText(audPrefix, s.Log[:])
		s.hasAud = true
	}
	f.need(claimIat)
	seconds := w.uintWithin(0, MaxSeconds)
	if f.has(claimJurisdiction) {
		s.Jurisdiction = w.jurisdiction()
	}
	f.need(claimMillis)
	s.IssuedAt = seconds*1000 + w.uintWithin(0, 999)
	s.parseSequence(w, &f)
	if f.has(claimSeen) {
		s.Seen = &Seen{}
		w.arrayOf(2)
		s.Seen.Size = w.uintWithin(1, MaxPosition)
		w.fixed(s.Seen.Root[:])
	}
	if f.has(claimRequest) {
		s.Request = new(RequestID)
		w.fixed(s.Request[:])
	}
	f.end()
}

func (s *Statement) parseSequence(w *walker, f *fields) {
	if f.has(claimSeq) {
		s.Seq = w.uintWithin(1, MaxSequence)
	}
	if f.has(claimBoot) {
		s.Boot = w.uintWithin(1, MaxSequence)
	}
	if f.has(claimPrev) {
		s.Prev = new(StatementID)
		w.fixed(s.Prev[:])
	}
}

func (w *walker) sub() Sub {
	s := w.text()
	if w.fault != nil {
		return Sub{}
	}
	var sub Sub
	switch {
	case bytes.HasPrefix(s, []byte(subBinding)):
		sub.Type = SubBinding
	case bytes.HasPrefix(s, []byte(subHandle)):
		sub.Type = SubHandle
	default:
		w.fail(CodeFieldInvalid, "a sub begins with b: or h:")
		return Sub{}
	}
	if err := parseHex(sub.ID[:], s[2:]); err != nil {
		w.failWith(err)
	}
	return sub
}

// hexText reads a text that is prefix and the lower-case hex of dst.
func (w *walker) hexText(prefix string, dst []byte) {
	s := w.text()
	if w.fault != nil {
		return
	}
	rest, ok := bytes.CutPrefix(s, []byte(prefix))
	if !ok {
		w.fail(CodeFieldInvalid, "expected %s and hex digits", prefix)
		return
	}
	if err := parseHex(dst, rest); err != nil {
		w.failWith(err)
	}
}
