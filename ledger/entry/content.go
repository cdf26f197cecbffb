package entry

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
)

// The sealed contents of media type application/cbor (FORMATS §2). They
// name people and places, so they print as a fixed text.

const (
	maxChain      = 16 // certificates in a device's chain
	redactedAudit = "entry.AccessAudit(redacted)"
	redactedIdent = "entry.AuthorIdentity(redacted)"
)

// AuthorIdentity is the identity part of the author entry of a device key.
type AuthorIdentity struct {
	Chain         [][]byte // certificates, DER, leaf first; at least one
	Certification []byte   // of a binding key, see SignCertification; nil for a fixed key
}

// EncodeContent returns CBOR [[certificate...], certification or null].
func (a AuthorIdentity) EncodeContent() ([]byte, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	b := appendArray(nil, 2)
	b = appendKeys(b, a.Chain)
	if a.Certification == nil {
		return appendNull(b), nil
	}
	return appendBytes(b, a.Certification), nil
}

func (a AuthorIdentity) check() error {
	if len(a.Chain) == 0 || len(a.Chain) > maxChain {
		return Refuse(CodeFieldInvalid, "a chain of %d certificates, expected 1 to %d", len(a.Chain), maxChain)
	}
	return nil
}

// ParseAuthorIdentity reads the content strictly.
func ParseAuthorIdentity(content []byte) (AuthorIdentity, error) {
	var a AuthorIdentity
	w := walker{data: content}
	w.arrayOf(2)
	for n := w.array(); n > 0 && w.fault == nil; n-- {
		a.Chain = append(a.Chain, bytes.Clone(w.bytes()))
	}
	if !w.null() {
		a.Certification = append([]byte{}, w.bytes()...)
	}
	w.end()
	if err := w.err(); err != nil {
		return AuthorIdentity{}, err
	}
	if err := a.check(); err != nil {
		return AuthorIdentity{}, err
	}
	return a, nil
}

// HandleLink is the identity part of a handle entry: the previous handle of the
// subject, at a close the next, nil when there is none.
type HandleLink struct{ Handle *Handle }

// EncodeContent returns CBOR bstr 16 or null.
func (l HandleLink) EncodeContent() ([]byte, error) {
	if l.Handle == nil {
		return appendNull(nil), nil
	}
	return appendBytes(nil, l.Handle[:]), nil
}

// ParseHandleLink reads the content strictly.
func ParseHandleLink(content []byte) (HandleLink, error) {
	var l HandleLink
	w := walker{data: content}
	if !w.null() {
		l.Handle = new(Handle)
		w.fixed(l.Handle[:])
	}
	w.end()
	if err := w.err(); err != nil {
		return HandleLink{}, err
	}
	return l, nil
}

// AccessAudit is the audit part of an access entry: who asked, from where, for
// what.
type AccessAudit struct {
	User, IP, UserAgent string
	Fields              []string // in the order asked for
	RequestHash         Hash     // see RequestHash
	Guard               uint64   // the subject's guard when it was decided
}

// EncodeContent returns CBOR [user, ip, user agent, [field...], request hash,
// guard].
func (a AccessAudit) EncodeContent() ([]byte, error) {
	b := appendArray(nil, 6)
	b = appendText(b, a.User)
	b = appendText(b, a.IP)
	b = appendText(b, a.UserAgent)
	b = appendTexts(b, a.Fields)
	b = appendBytes(b, a.RequestHash[:])
	b = appendUint(b, a.Guard)
	if _, err := ParseAccessAudit(b); err != nil {
		return nil, err
	}
	return b, nil
}

func appendTexts(b []byte, texts []string) []byte {
	b = appendArray(b, len(texts))
	for _, t := range texts {
		b = appendText(b, t)
	}
	return b
}

// ParseAccessAudit reads the content strictly.
func ParseAccessAudit(content []byte) (AccessAudit, error) {
	var a AccessAudit
	w := walker{data: content}
	w.arrayOf(6)
	a.User, a.IP, a.UserAgent = string(w.text()), string(w.text()), string(w.text())
	for n := w.array(); n > 0 && w.fault == nil; n-- {
		a.Fields = append(a.Fields, string(w.text()))
	}
	w.fixed(a.RequestHash[:])
	a.Guard = w.uint()
	w.end()
	if err := w.err(); err != nil {
		return AccessAudit{}, err
	}
	return a, nil
}

// HandleList is the series part of an erasure request: the subject's handles,
// sorted, none twice.
type HandleList []Handle

// EncodeContent returns CBOR [handle...], sorted.
func (l HandleList) EncodeContent() ([]byte, error) {
	b := l.append(nil)
	if _, err := ParseHandleList(b); err != nil {
		return nil, err
	}
	return b, nil
}

func (l HandleList) append(b []byte) []byte {
	return appendSet(b, l, func(b []byte, h Handle) []byte { return appendBytes(b, h[:]) })
}

// ParseHandleList reads the content strictly.
func ParseHandleList(content []byte) (HandleList, error) {
	w := walker{data: content}
	l := w.handles()
	w.end()
	if err := w.err(); err != nil {
		return nil, err
	}
	return l, nil
}

func (w *walker) handles() (l HandleList) {
	w.set(func() {
		var h Handle
		w.fixed(h[:])
		l = append(l, h)
	})
	if w.fault == nil && len(l) == 0 {
		w.fail(CodeFieldInvalid, "a list of handles without a handle")
	}
	return l
}

// HoldTarget is the series part of a hold: what it covers.
type HoldTarget struct {
	Handles HandleList
	Class   Class
}

// EncodeContent returns CBOR [[handle...], class].
func (t HoldTarget) EncodeContent() ([]byte, error) {
	b := t.Handles.append(appendArray(nil, 2))
	b = appendUint(b, uint64(t.Class))
	if _, err := ParseHoldTarget(b); err != nil {
		return nil, err
	}
	return b, nil
}

// ParseHoldTarget reads the content strictly.
func ParseHoldTarget(content []byte) (HoldTarget, error) {
	var t HoldTarget
	w := walker{data: content}
	w.arrayOf(2)
	t.Handles = w.handles()
	t.Class = Class(w.code(&classList))
	w.end()
	if err := w.err(); err != nil {
		return HoldTarget{}, err
	}
	return t, nil
}

// RequestHash binds an access entry to one request: the SHA-256 of CBOR [RPC
// name, [statement id...], [field...], caller author id], in the order given.
func RequestHash(rpc string, sids []StatementID, fields []string, caller AuthorID) Hash {
	b := appendText(appendArray(nil, 4), rpc)
	b = appendArray(b, len(sids))
	for _, id := range sids {
		b = appendBytes(b, id[:])
	}
	b = appendTexts(b, fields)
	b = appendBytes(b, caller[:])
	return sha256.Sum256(b)
}

// Contains reports whether h is in the list.
func (l HandleList) Contains(h Handle) bool { return slices.Contains(l, h) }

// String returns a fixed text.
func (AccessAudit) String() string { return redactedAudit }

// Format writes a fixed text for every verb.
func (AccessAudit) Format(f fmt.State, _ rune) { writeRedacted(f, redactedAudit) }

// LogValue returns a fixed text.
func (AccessAudit) LogValue() slog.Value { return slog.StringValue(redactedAudit) }

// MarshalJSON returns a fixed text.
func (AccessAudit) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedAudit + `"`), nil }

// String returns a fixed text.
func (AuthorIdentity) String() string { return redactedIdent }

// Format writes a fixed text for every verb.
func (AuthorIdentity) Format(f fmt.State, _ rune) { writeRedacted(f, redactedIdent) }

// LogValue returns a fixed text.
func (AuthorIdentity) LogValue() slog.Value { return slog.StringValue(redactedIdent) }

// MarshalJSON returns a fixed text.
func (AuthorIdentity) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedIdent + `"`), nil }
