package entry

import (
	"crypto"
	"crypto/sha256"
	"io"
)

// Draft is a statement before it is signed. The fields mean what they mean in
// Statement; lists without an order of their own may stand in any order.
type Draft struct {
	Kind         Kind
	Sub          Sub
	Log          LogID  // zero for genesis only
	IssuedAt     uint64 // Unix milliseconds
	Jurisdiction string
	Boot, Seq    uint64
	Prev         *StatementID
	Seen         *Seen
	Request      *RequestID
	Parts        *Hash
	Confirms     *StatementID
	Body         Body
}

// Sign makes the statement and signs it with key, a P-256 or Ed25519 signer,
// with a low s if it is ES256. rand serves the signer only. What comes back was
// parsed and verified as any other statement is; a draft that would not pass is
// refused. The author persists the bytes before it sends them the first time and
// sends no others (FORMATS §1).
func (d Draft) Sign(rand io.Reader, key crypto.Signer) (*Statement, error) {
	pub, err := NewPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	payload, err := d.payload()
	if err != nil {
		return nil, err
	}
	raw, err := signSign1(rand, key, pub, d.protected(pub.Algorithm(), pub.Author()), payload)
	if err != nil {
		return nil, err
	}
	s, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	if err := s.Verify(pub); err != nil {
		return nil, err
	}
	return s, nil
}

// payload encodes what the kind's shape puts there and refuses what it has no
// place for.
func (d *Draft) payload() ([]byte, error) {
	switch {
	case !d.Kind.Valid():
		return nil, Refuse(CodeUnknownKind, "a draft without a kind")
	case d.Kind != KindGenesis && d.Log == LogID{}:
		return nil, Refuse(CodeFieldMissing, "a draft without the log it is addressed to")
	case d.Body != nil && d.Confirms != nil:
		return nil, Refuse(CodeFieldForbidden, "a confirmation has no body of its own")
	case d.Body != nil && d.Body.Kind() != d.Kind:
		return nil, Refuse(CodeFieldInvalid, "a body of kind %s in a draft of kind %s", d.Body.Kind(), d.Kind)
	}
	switch d.Kind.shape() {
	case shapeSealed:
		if d.Body != nil || d.Confirms != nil {
			return nil, Refuse(CodeFieldForbidden, "a %s has no open map", d.Kind)
		}
		if d.Parts == nil {
			return nil, Refuse(CodeFieldMissing, "a %s without its parts", d.Kind)
		}
		return d.Parts[:], nil
	case shapeOpen:
		if d.Parts != nil {
			return nil, Refuse(CodeFieldForbidden, "a %s has no sealed parts", d.Kind)
		}
		return d.appendBody(nil)
	}
	b := appendArray(nil, 2)
	if d.Parts != nil {
		b = appendBytes(b, d.Parts[:])
	} else {
		b = appendNull(b)
	}
	return d.appendBody(b)
}

func (d *Draft) appendBody(b []byte) ([]byte, error) {
	var m mapWriter
	switch {
	case d.Confirms != nil:
		m.bytes(fieldConfirms, d.Confirms[:])
	case d.Body != nil:
		d.Body.fields(&form{m: &m})
	default:
		return nil, Refuse(CodeFieldMissing, "a %s without its body", d.Kind)
	}
	return m.appendTo(b), nil
}

func (d *Draft) protected(alg int64, kid AuthorID) []byte {
	var m mapWriter
	m.key(headerAlg)
	m.body = appendInt(m.body, alg)
	m.bytes(headerKid, kid[:])
	m.key(headerClaims)
	m.body = d.claims(kid).appendTo(m.body)
	m.text(headerTyp, typPrefix+d.Kind.String()+typSuffix)
	if d.Kind.shape() == shapeSealed {
		m.key(headerHashAlg)
		m.body = appendInt(m.body, hashAlgSHA256)
		m.text(headerPreimage, MediaTypeParts)
	}
	return m.appendTo(nil)
}

func (d *Draft) claims(kid AuthorID) *mapWriter {
	m := &mapWriter{}
	m.text(claimIss, issPrefix+kid.String())
	switch d.Sub.Type {
	case SubBinding:
		m.text(claimSub, subBinding+d.Sub.Binding().String())
	case SubHandle:
		m.text(claimSub, subHandle+d.Sub.Handle().String())
	}
	if d.Log != (LogID{}) {
		m.text(claimAud, audPrefix+d.Log.String())
	}
	m.uint(claimIat, d.IssuedAt/1000)
	if d.Jurisdiction != "" {
		m.text(claimJurisdiction, d.Jurisdiction)
	}
	m.uint(claimMillis, d.IssuedAt%1000)
	if d.Seq != 0 || d.Boot != 0 {
		m.uint(claimSeq, d.Seq)
		m.uint(claimBoot, d.Boot)
	}
	if d.Prev != nil {
		m.bytes(claimPrev, d.Prev[:])
	}
	if d.Seen != nil {
		m.key(claimSeen)
		m.body = appendUint(appendArray(m.body, 2), d.Seen.Size)
		m.body = appendBytes(m.body, d.Seen.Root[:])
	}
	if d.Request != nil {
		m.bytes(claimRequest, d.Request[:])
	}
	return m
}

// signSign1 signs protected header and payload and puts the tagged COSE_Sign1
// together.
func signSign1(rand io.Reader, key crypto.Signer, pub *PublicKey, protected, payload []byte) ([]byte, error) {
	raw := make([]byte, 0, len(protected)+len(payload)+signatureSize+16)
	raw = append(raw, tagSign1, arraySign1)
	raw = appendBytes(raw, protected)
	raw = append(raw, emptyMap)
	raw = appendBytes(raw, payload)

	tbs := append(make([]byte, 0, len(raw)+len(sigStructureHead)), sigStructureHead...)
	tbs = appendBytes(tbs, protected)
	tbs = append(tbs, sigStructureAAD)
	tbs = appendBytes(tbs, payload)

	if pub.ecdsa == nil {
		sig, err := key.Sign(rand, tbs, crypto.Hash(0))
		if err != nil {
			return nil, err
		}
		return appendBytes(raw, sig), nil
	}
	digest := sha256.Sum256(tbs)
	der, err := key.Sign(rand, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	sig, err := lowS(der)
	if err != nil {
		return nil, err
	}
	return appendBytes(raw, sig), nil
}
