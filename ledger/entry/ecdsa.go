package entry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"math/big"
)

// The order of P-256 and half of it: a signature (r, s) is as valid as
// (r, n-s), so only the one with s <= n/2 is accepted (FORMATS §1).
var (
	orderP256 = elliptic.P256().Params().N
	halfP256  = new(big.Int).Rsh(orderP256, 1)
)

const scalarSize = 32 // bytes of r and of s

// highS reports whether s of r ‖ s is above n/2.
func highS(sig []byte) bool {
	return new(big.Int).SetBytes(sig[scalarSize:]).Cmp(halfP256) > 0
}

// lowS turns a signer's ASN.1 signature into r ‖ s with s <= n/2.
func lowS(der []byte) ([]byte, error) {
	var v struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &v)
	if err != nil || len(rest) != 0 || !inOrder(v.R) || !inOrder(v.S) {
		return nil, Refuse(CodeBadSignature, "the signer did not return an ASN.1 P-256 signature")
	}
	if v.S.Cmp(halfP256) > 0 {
		v.S.Sub(orderP256, v.S)
	}
	sig := make([]byte, signatureSize)
	v.R.FillBytes(sig[:scalarSize])
	v.S.FillBytes(sig[scalarSize:])
	return sig, nil
}

func inOrder(n *big.Int) bool { return n.Sign() > 0 && n.Cmp(orderP256) < 0 }

// verifyES256 checks r ‖ s over a SHA-256 digest. It does not look at the size
// of s.
func verifyES256(key *ecdsa.PublicKey, digest, sig []byte) bool {
	r := new(big.Int).SetBytes(sig[:scalarSize])
	s := new(big.Int).SetBytes(sig[scalarSize:])
	return ecdsa.Verify(key, digest, r, s)
}

// NormalizeSignature returns the statement, or certification, with a high s of
// an ES256 signature replaced by n - s: foreign libraries and secure elements do
// not normalise. The statement id does not change. Anything else, valid or not,
// comes back as it is; the error is a *Refusal for what is no COSE_Sign1 of the
// one shape.
func NormalizeSignature(raw []byte) ([]byte, error) {
	if len(raw) > MaxStatement {
		return nil, Refuse(CodeTooLarge, "a statement of %d bytes, at most %d", len(raw), MaxStatement)
	}
	env, err := openEnvelope(raw)
	if err != nil {
		return nil, err
	}
	w := walker{data: env.protected, base: env.protectedAt}
	f := w.fields(unitHeader)
	f.need(headerAlg)
	alg := w.algorithm()
	if w.fault != nil {
		return nil, w.fault
	}
	if alg != AlgES256 && alg != AlgESP256 || !highS(env.sig) {
		return env.raw, nil
	}
	s := new(big.Int).SetBytes(env.sig[scalarSize:])
	if !inOrder(s) {
		return env.raw, nil
	}
	s.Sub(orderP256, s).FillBytes(env.sig[scalarSize:])
	return env.raw, nil
}
