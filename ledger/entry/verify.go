package entry

import (
	"crypto/ed25519"
	"crypto/sha256"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// eddsaRules is the verification of FORMATS §1: the cofactored equation
// of RFC 8032 section 5.1.7, canonical A and R, A not of small order, S < L
// (which the library always demands). A small-order R is allowed. Single and
// batch verification take the same rules and agree on every input, because both
// multiply by the cofactor; a cofactorless single verification would not.
var eddsaRules = &voi.Options{Verify: &voi.VerifyOptions{
	AllowSmallOrderA:   false,
	AllowSmallOrderR:   true,
	AllowNonCanonicalA: false,
	AllowNonCanonicalR: false,
	CofactorlessVerify: false,
}}

// Verify checks the signature under key, which must be the key the statement
// names. It refuses an ES256 signature with a high s: what is logged has one
// form (see NormalizeSignature). The error is a *Refusal.
func (s *Statement) Verify(key *PublicKey) error {
	if err := s.checkSigner(key); err != nil {
		return err
	}
	return verifySign1(key, s.tbs, s.sig)
}

// checkSigner refuses a key that is not the one the statement names, or of
// another algorithm.
func (s *Statement) checkSigner(key *PublicKey) error {
	switch {
	case key == nil:
		return Refuse(CodeUnknownAuthor, "no key is known for author %s", s.kid)
	case key.author != s.kid:
		return Refuse(CodeWrongKey, "the key is that of author %s, the statement is by %s", key.author, s.kid)
	case !key.fits(s.alg):
		return Refuse(CodeWrongAlgorithm, "algorithm %d does not fit the author's key", s.alg)
	}
	return nil
}

// verifySign1 checks 64 signature bytes over a Sig_structure.
func verifySign1(key *PublicKey, tbs, sig []byte) error {
	if len(sig) != signatureSize {
		return Refuse(CodeMalformed, "a signature of %d bytes, expected %d", len(sig), signatureSize)
	}
	if key.ecdsa == nil {
		if !voi.VerifyWithOptions(voi.PublicKey(key.ed25519), tbs, sig, eddsaRules) {
			return errBadSignature()
		}
		return nil
	}
	if highS(sig) {
		return Refuse(CodeHighS, "s of the signature is above n/2")
	}
	digest := sha256.Sum256(tbs)
	if !verifyES256(key.ecdsa, digest[:], sig) {
		return errBadSignature()
	}
	return nil
}

func errBadSignature() *Refusal {
	return Refuse(CodeBadSignature, "the signature does not verify under the author's key")
}

// Torsion reports whether the statement verifies here but not in the Go standard
// library, whose equation is cofactorless: only the holder of an Ed25519 key can
// make such a signature, by adding a point of small order. It is valid; whoever
// checks by other means should know.
func (s *Statement) Torsion(key *PublicKey) bool {
	return s.Verify(key) == nil && key.ecdsa == nil && !ed25519.Verify(key.ed25519, s.tbs, s.sig)
}
