package api

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"indelible/ledger/entry"
)

// checkDevice verifies what is sealed with a device key's enrolment: that its
// certificate leads to an active device CA, and that the identity key of the
// certificate certified this binding key for this subject. The log cannot check
// either, for it never sees the certificate.
func (b *batch) checkDevice(sub *submission) error {
	change, ok := sub.statement.Body.(*entry.AuthorChange)
	if !ok {
		return nil
	}
	opening, err := entry.ParseOpening(sub.openings[entry.ClassIdentity])
	if err != nil {
		return err
	}
	identity, err := entry.ParseAuthorIdentity(opening.Content)
	if err != nil {
		return err
	}
	active, err := b.server.log.ActiveCAs()
	if err != nil {
		return fmt.Errorf("api: list device CAs: %w", err)
	}
	leaf, err := checkChain(identity.Chain, active, b.server.cfg.Now())
	if err != nil {
		return err
	}
	return checkIdentity(leaf, identity.Certification, change, sub.statement.Sub.Handle())
}

// checkIdentity ties the enrolled key to the certificate: a linkable device
// enrols the certificate's key itself, any other a binding key that this key
// certified.
func checkIdentity(leaf *x509.Certificate, certification []byte, change *entry.AuthorChange, h entry.Handle) error {
	if !change.Linkable {
		if len(certification) == 0 {
			return entry.Refuse(entry.CodeBadCertification, "a binding key came without its certification")
		}
		return entry.VerifyCertification(certification, leaf.PublicKey, change.Key, h)
	}
	if len(certification) > 0 {
		return entry.Refuse(entry.CodeBadCertification, "a linkable key came with a certification")
	}
	if !bytes.Equal(leaf.RawSubjectPublicKeyInfo, change.Key) {
		return entry.Refuse(entry.CodeBadCertification, "the linkable key is not that of the certificate")
	}
	return nil
}

// checkChain verifies a device's certificates, leaf first, up to one whose key
// is an active device CA. The CA's own certificate may be the last one or be
// left out. The log registers CA keys, not certificates, so whatever names
// such a key is taken as the anchor: only its holder can have signed below it.
func checkChain(chain, active [][]byte, at time.Time) (*x509.Certificate, error) {
	certs := make([]*x509.Certificate, len(chain))
	for i, der := range chain {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, entry.Refuse(entry.CodeForeignCA, "certificate %d of the chain cannot be read", i)
		}
		if cert.Version != 3 { // older ones cannot say that they may not issue
			return nil, entry.Refuse(entry.CodeForeignCA, "certificate %d of the chain is of version %d", i, cert.Version)
		}
		if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > entry.MaxRSABits {
			return nil, entry.Refuse(entry.CodeForeignCA, "certificate %d of the chain has a key above %d bits", i, entry.MaxRSABits)
		}
		certs[i] = cert
	}
	if certs[0].IsCA {
		return nil, entry.Refuse(entry.CodeForeignCA, "the chain begins with a CA, not with a device")
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	anchored := false
	for i, cert := range certs {
		if i > 0 && isActive(cert, active) || i == len(certs)-1 && signedByKey(cert, active) {
			roots.AddCert(cert)
			anchored = true
		} else if i > 0 {
			between.AddCert(cert)
		}
	}
	if !anchored {
		return nil, entry.Refuse(entry.CodeForeignCA, "no certificate of the chain leads to an active device CA")
	}
	_, err := certs[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, chainRefusal(err)
	}
	return certs[0], nil
}

// isActive reports whether a certificate is one of an active CA.
func isActive(cert *x509.Certificate, active [][]byte) bool {
	for _, spki := range active {
		if bytes.Equal(cert.RawSubjectPublicKeyInfo, spki) {
			return true
		}
	}
	return false
}

// signedByKey reports whether an active CA signed the certificate, so that the
// CA's own was left out of the chain.
func signedByKey(cert *x509.Certificate, active [][]byte) bool {
	for _, spki := range active {
		key, err := x509.ParsePKIXPublicKey(spki)
		if err != nil {
			continue // the log takes CA keys this library knows; one it does not cannot have signed
		}
		issuer := &x509.Certificate{PublicKey: key}
		if issuer.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil {
			return true
		}
	}
	return false
}

// chainRefusal says what is wrong without a word of the certificates.
func chainRefusal(err error) *entry.Refusal {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		return entry.Refuse(entry.CodeForeignCA, "a certificate of the chain is outside its validity")
	}
	return entry.Refuse(entry.CodeForeignCA, "the chain does not verify up to an active device CA")
}
