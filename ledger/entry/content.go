package entry

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math"
	"slices"
)

// The sealed contents of media type application/cbor (FORMATS §2). They
// name people and places, so they print as a fixed text.

const (
	maxChain      = 16 // certificates in a device's chain
	redactedAudit = "entry.AccessAudit(redacted)"
	redactedIdent = "entry.AuthorIdentity(redacted)"
)

// AuthorIdentity is the identity part of the author entry of a device key. Like an
// Opening it does not print.
type AuthorIdentity struct {
	Chain         [][]byte // certificates, DER, leaf first; at least one
	Certification []byte   // of a binding key, see SignCertification; nil for a fixed key
}

func (a *AuthorIdentity) fields(f *form) {
	f.array(2)
	listOf(f, &a.Chain, func(f *form, c *[]byte) { f.bytes(c, (*walker).clone) })
	if !f.null(a.Certification == nil) {
		f.bytes(&a.Certification, (*walker).clone)
	}
}

// EncodeContent returns CBOR [[certificate...], certification or null].
func (a AuthorIdentity) EncodeContent() ([]byte, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	return encodeContent(&a)
}

func (a AuthorIdentity) check() error {
	if len(a.Chain) == 0 || len(a.Chain) > maxChain {
		return Refuse(CodeFieldInvalid, "a chain of %d certificates, expected 1 to %d", len(a.Chain), maxChain)
	}
	return nil
}

// ParseAuthorIdentity reads the content strictly.
func ParseAuthorIdentity(content []byte) (AuthorIdentity, error) {
	a, err := parseContent[AuthorIdentity](content)
	if err == nil {
		err = a.check()
	}
	if err != nil {
		return AuthorIdentity{}, err
	}
	return a, nil
}

// HandleLink is the identity part of a handle entry: the previous handle of the
// subject, at a close the next, nil when there is none.
type HandleLink struct{ Handle *Handle }

func (l *HandleLink) fields(f *form) {
	if !f.null(l.Handle == nil) {
		f.fixed(allocate(f, &l.Handle)[:])
	}
}

// EncodeContent returns CBOR bstr 16 or null.
func (l HandleLink) EncodeContent() ([]byte, error) { return encodeContent(&l) }

// ParseHandleLink reads the content strictly.
func ParseHandleLink(content []byte) (HandleLink, error) { return parseContent[HandleLink](content) }

// AccessAudit is the audit part of an access entry: who asked, from where, for
// what. It names people, and so every way of formatting it shows that there is one
// and nothing else.
type AccessAudit struct {
	User, IP, UserAgent string
	Fields              []string // in the order asked for
	RequestHash         Hash     // see RequestHash
	Guard               uint64   // the subject's guard when it was decided
}

func (a *AccessAudit) fields(f *form) {
	f.array(6)
	for _, s := range []*string{&a.User, &a.IP, &a.UserAgent} {
		f.text(s, (*walker).string)
	}
	listOf(f, &a.Fields, func(f *form, s *string) { f.text(s, (*walker).string) })
	f.fixed(a.RequestHash[:])
	f.number(&a.Guard, 0, math.MaxUint64)
}

// EncodeContent returns CBOR [user, ip, user agent, [field...], request hash,
// guard].
func (a AccessAudit) EncodeContent() ([]byte, error) { return encodeContent(&a) }

// ParseAccessAudit reads the content strictly.
func ParseAccessAudit(content []byte) (AccessAudit, error) { return parseContent[AccessAudit](content) }

// HandleList is the series part of an erasure request: the subject's handles,
// sorted, none twice.
type HandleList []Handle

func (l *HandleList) fields(f *form) {
	setOf(f, (*[]Handle)(l), func(f *form, h *Handle) { f.fixed(h[:]) })
	if f.m == nil && f.w.fault == nil && len(*l) == 0 {
		f.w.fail(CodeFieldInvalid, "a list of handles without a handle")
	}
}

// EncodeContent returns CBOR [handle...], sorted.
func (l HandleList) EncodeContent() ([]byte, error) { return encodeContent(&l) }

// ParseHandleList reads the content strictly.
func ParseHandleList(content []byte) (HandleList, error) { return parseContent[HandleList](content) }

// HoldTarget is the series part of a hold: what it covers.
type HoldTarget struct {
	Handles HandleList
	Class   Class
}

func (t *HoldTarget) fields(f *form) {
	f.array(2)
	t.Handles.fields(f)
	coded(f, &t.Class, &classList)
}

// EncodeContent returns CBOR [[handle...], class].
func (t HoldTarget) EncodeContent() ([]byte, error) { return encodeContent(&t) }

// ParseHoldTarget reads the content strictly.
func ParseHoldTarget(content []byte) (HoldTarget, error) { return parseContent[HoldTarget](content) }

// contentOf is a content of ours, to be read or written.
type contentOf[T any] interface {
	*T
	fields(f *form)
}

func encodeContent[T any, P contentOf[T]](content P) ([]byte, error) {
	var m mapWriter
	content.fields(&form{m: &m})
	_, err := parseContent[T, P](m.body)
	if err != nil {
		return nil, err
	}
	return m.body, nil
}

func parseContent[T any, P contentOf[T]](content []byte) (T, error) {
	var v, none T
	w := walker{data: content}
	P(&v).fields(&form{w: &w})
	w.end()
	if w.fault != nil {
		return none, w.fault
	}
	return v, nil
}

// clone reads a byte string; an empty one is not nil.
func (w *walker) clone() []byte { return append([]byte{}, w.bytes()...) }

func (w *walker) string() string { return string(w.text()) }

// RequestHash binds an access entry to one request: the SHA-256 of CBOR [RPC
// name, [statement id...], [field...], caller author id], in the order given.
func RequestHash(rpc string, sids []StatementID, fields []string, caller AuthorID) Hash {
	b := appendText(appendArray(nil, 4), rpc)
	b = appendArray(b, len(sids))
	for _, id := range sids {
		b = appendBytes(b, id[:])
	}
	b = appendArray(b, len(fields))
	for _, f := range fields {
		b = appendText(b, f)
	}
	b = appendBytes(b, caller[:])
	return sha256.Sum256(b)
}

// Contains reports whether h is in the list.
func (l HandleList) Contains(h Handle) bool { return slices.Contains(l, h) }

// Every way of printing one gives a fixed text.

func (AccessAudit) String() string               { return redactedAudit }
func (AccessAudit) Format(f fmt.State, _ rune)   { writeRedacted(f, redactedAudit) }
func (AccessAudit) LogValue() slog.Value         { return slog.StringValue(redactedAudit) }
func (AccessAudit) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedAudit + `"`), nil }

func (AuthorIdentity) String() string               { return redactedIdent }
func (AuthorIdentity) Format(f fmt.State, _ rune)   { writeRedacted(f, redactedIdent) }
func (AuthorIdentity) LogValue() slog.Value         { return slog.StringValue(redactedIdent) }
func (AuthorIdentity) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedIdent + `"`), nil }
