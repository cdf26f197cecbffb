package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"indelible/ledger/entry"
)

// LookupField is the one field of a lookup's Request. It binds the identifier
// to the grant without leaving, in the accessor's audit record, anything by
// which the identifier could be confirmed later: the nonce is random and not
// kept. Were the identifier itself in that record, which lives on under the
// accessor's keys, it would outlive the person's erasure.
func LookupField(nonce [32]byte, identifier string) string {
	h := hmac.New(sha256.New, nonce[:])
	h.Write([]byte(identifier)) // a hash never fails
	return "identifier:" + hex.EncodeToString(h.Sum(nil))
}

// Lookup finds the handle of the subject with this identifier against a grant
// of action lookup on the accessor's own handle. What is not found is refused
// UNKNOWN_SUBJECT, whether it never was or is erased.
func (v *Vault) Lookup(ctx context.Context, g Grant, r Request, identifier string) (entry.Handle, error) {
	if len(r.Fields) != 1 || r.Fields[0] != LookupField(r.Nonce, identifier) || len(r.Statements) != 0 {
		return entry.Handle{}, invalid("its one field does not bind the identifier")
	}
	in, err := v.checkGrant(ctx, g, r, entry.AccessLookup)
	if err != nil {
		return entry.Handle{}, err
	}
	if body, ok := g.Statement.Body.(*entry.Access); !ok || body.Accessor != r.Handle {
		return entry.Handle{}, invalid("a lookup is recorded on the accessor's own handle")
	}
	n, ok, _, err := v.directory.find(false, identifier)
	if err != nil {
		return entry.Handle{}, err
	}
	if !ok {
		return entry.Handle{}, errNotFound()
	}
	h, err := v.handleOf(n)
	if err == nil { // its keys may have been condemned while it was being looked up
		_, err = livingSubject(v.store.View(), n, entry.ClassIdentity, entry.ClassSeries)
	}
	if isCode(err, entry.CodeSubjectErased) {
		err = errNotFound()
	}
	if err != nil {
		return entry.Handle{}, err
	}
	if err := v.unchanged(in); err != nil { // of the accessor
		return entry.Handle{}, err
	}
	return h, nil
}

func errNotFound() *entry.Refusal {
	return entry.Refuse(entry.CodeUnknownSubject, "no subject is known by this identifier")
}
