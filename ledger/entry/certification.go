package entry

import (
	"bytes"
	"crypto"
	"io"
)

// typCertification is the typ header of a certification.
const typCertification = "application/indelible.certification+cose"

// maxCertification bounds a certification, bytes: headers, one key, one handle,
// one signature.
const maxCertification = 512

// SignCertification lets a device's identity key certify a binding key for a
// handle: a tagged COSE_Sign1 with the headers alg, kid (SHA-256 of the identity
// key's SubjectPublicKeyInfo; another maker may leave it out) and typ, an empty unprotected header, and as
// payload the binding key's SubjectPublicKeyInfo followed by the handle. Both
// keys are P-256 or Ed25519. It lies in the sealed part of the author entry and
// is never logged in clear.
func SignCertification(rand io.Reader, identityKey crypto.Signer, bindingSPKI []byte, h Handle) ([]byte, error) {
	pub, err := NewPublicKey(identityKey.Public())
	if err != nil {
		return nil, err
	}
	if _, err := ParsePublicKey(bindingSPKI); err != nil {
		return nil, err
	}
	kid := pub.Author()
	var m mapWriter
	m.key(headerAlg)
	m.body = appendInt(m.body, pub.Algorithm())
	m.bytes(headerKid, kid[:])
	m.text(headerTyp, typCertification)
	raw, err := signSign1(rand, identityKey, pub, m.appendTo(nil), certified(bindingSPKI, h))
	if err != nil {
		return nil, err
	}
	if err := VerifyCertification(raw, identityKey.Public(), bindingSPKI, h); err != nil {
		return nil, err
	}
	return raw, nil
}

// VerifyCertification checks that raw is a certification of exactly this binding
// key and handle by exactly this identity key, the key of the device's
// certificate. The signature obeys the rules of statements, low s included.
func VerifyCertification(raw []byte, identity crypto.PublicKey, bindingSPKI []byte, h Handle) error {
	key, err := NewPublicKey(identity)
	if err != nil {
		return err
	}
	c, err := parseCertification(raw)
	if err != nil {
		return err
	}
	switch {
	case c.kid != nil && *c.kid != key.author:
		return Refuse(CodeBadCertification, "the certification names another identity key")
	case !key.fits(c.alg):
		return Refuse(CodeWrongAlgorithm, "algorithm %d does not fit the identity key", c.alg)
	case !bytes.Equal(c.payload, certified(bindingSPKI, h)):
		return Refuse(CodeBadCertification, "the certification is for another binding key or handle")
	}
	return verifySign1(key, c.tbs, c.sig)
}

func certified(bindingSPKI []byte, h Handle) []byte {
	return append(bytes.Clone(bindingSPKI), h[:]...)
}

type certification struct {
	envelope
	alg int64
	kid *AuthorID // nil when left out
}

// parseCertification reads the shape strictly; the signature is not verified.
func parseCertification(raw []byte) (*certification, error) {
	if len(raw) > maxCertification {
		return nil, Refuse(CodeTooLarge, "a certification of %d bytes, at most %d", len(raw), maxCertification)
	}
	env, err := openEnvelope(raw)
	if err != nil {
		return nil, err
	}
	c := &certification{envelope: *env}
	w := walker{data: env.protected, base: env.protectedAt}
	f := w.fields(unitHeader)
	f.need(headerAlg)
	c.alg = w.algorithm()
	if f.has(headerKid) {
		c.kid = new(AuthorID)
		w.fixed(c.kid[:])
	}
	f.need(headerTyp)
	w.literal(typCertification)
	f.end()
	w.end()
	if w.fault != nil {
		return nil, w.fault
	}
	return c, nil
}
