package entry

import (
	"bytes"
	"crypto"
	"reflect"
	"slices"
	"testing"

	"indelible/test/seed"
)

func TestContentsRoundTrip(t *testing.T) {
	c := chance{seed.Rand(t)}
	for range 200 {
		audit := AccessAudit{User: c.jurisdiction(), IP: c.jurisdiction(), UserAgent: "", Fields: c.jurisdictions(), RequestHash: c.id32(), Guard: c.Uint64()}
		contentRoundTrip(t, audit, ParseAccessAudit)
		contentRoundTrip(t, HandleLink{maybe(c, Handle(c.id16()))}, ParseHandleLink)
		contentRoundTrip(t, AuthorIdentity{Chain: [][]byte{[]byte(c.jurisdiction()), {}}, Certification: []byte(c.jurisdiction())}, ParseAuthorIdentity)
		contentRoundTrip(t, AuthorIdentity{Chain: [][]byte{{1}}}, ParseAuthorIdentity)
		handles := HandleList{c.id16(), c.id16(), c.id16()}
		slices.SortFunc(handles, func(a, b Handle) int { return bytes.Compare(a[:], b[:]) })
		contentRoundTrip(t, handles, ParseHandleList)
		contentRoundTrip(t, HoldTarget{handles, code[Class](c, &classList)}, ParseHoldTarget)
	}
}

func contentRoundTrip[T interface{ EncodeContent() ([]byte, error) }](t *testing.T, v T, parse func([]byte) (T, error)) {
	t.Helper()
	b, err := v.EncodeContent()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, v) {
		t.Fatalf("%T: another value came back", v)
	}
}

// TestHandleListSorts: the order in which handles were found does not show.
func TestHandleListSorts(t *testing.T) {
	a, err := HandleList{{2}, {1}}.EncodeContent()
	if err != nil {
		t.Fatal(err)
	}
	b, err := HandleList{{1}, {2}}.EncodeContent()
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "handles", a, b)
	if !(HandleList{{1}, {2}}).Contains(Handle{2}) || (HandleList{{1}}).Contains(Handle{2}) {
		t.Error("Contains is wrong")
	}
	for _, bad := range []interface{ EncodeContent() ([]byte, error) }{
		HandleList{}, HandleList{{1}, {1}}, HoldTarget{HandleList{{1}}, 0}, HoldTarget{nil, ClassAudit},
		AuthorIdentity{}, AuthorIdentity{Chain: make([][]byte, maxChain+1)}, AccessAudit{User: "\xff"},
	} {
		if _, err := bad.EncodeContent(); err == nil {
			t.Errorf("%T: encoded what would not parse", bad)
		}
	}
}

// TestRequestHash: every argument and their borders take part.
func TestRequestHash(t *testing.T) {
	a, b := StatementID{1}, StatementID{2}
	caller := AuthorID{3}
	base := RequestHash("Read", []StatementID{a, b}, []string{"x", "y"}, caller)
	if base != hashOf(second(t, []any{"Read", [][]byte{a[:], b[:]}, []string{"x", "y"}, caller[:]})) {
		t.Error("not the SHA-256 of the CBOR in FORMATS §2")
	}
	if RequestHash("", nil, nil, AuthorID{}) != hashOf(second(t, []any{"", [][]byte{}, []string{}, make([]byte, 32)})) {
		t.Error("empty lists are not empty arrays")
	}
	for name, h := range map[string]Hash{
		"RPC": RequestHash("Find", []StatementID{a, b}, []string{"x", "y"}, caller), "statements": RequestHash("Read", []StatementID{a}, []string{"x", "y"}, caller),
		"order": RequestHash("Read", []StatementID{b, a}, []string{"x", "y"}, caller), "fields": RequestHash("Read", []StatementID{a, b}, []string{"xy"}, caller),
		"caller": RequestHash("Read", []StatementID{a, b}, []string{"x", "y"}, AuthorID{4}),
	} {
		if h == base {
			t.Errorf("another %s, the same hash", name)
		}
	}
}

func TestCertification(t *testing.T) {
	c := chance{seed.Rand(t)}
	for range 30 {
		identity, binding := c.signer(), spkiOf(t, c.signer())
		h := Handle(c.id16())
		raw, err := SignCertification(nil, identity, binding, h)
		if err != nil {
			t.Fatal(err)
		}
		if err := VerifyCertification(raw, identity.Public(), binding, h); err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(raw); err == nil {
			t.Fatal("a certification is a statement")
		}
		for i := range raw {
			flipped := bytes.Clone(raw)
			flipped[i] ^= 1 << c.IntN(8)
			if err := VerifyCertification(flipped, identity.Public(), binding, h); err == nil {
				t.Fatalf("byte %d flipped, and it verifies", i)
			}
			if err := VerifyCertification(raw[:i], identity.Public(), binding, h); err == nil {
				t.Fatalf("verifies when cut to %d bytes", i)
			}
		}
		for _, other := range []error{
			VerifyCertification(raw, c.signer().Public(), binding, h),
			VerifyCertification(raw, identity.Public(), spkiOf(t, c.signer()), h),
			VerifyCertification(raw, identity.Public(), binding, c.id16()),
			VerifyCertification(raw, "key", binding, h),
		} {
			if other == nil {
				t.Fatal("verifies for another key or handle")
			}
		}
	}
	// What is certified is key ‖ handle: no other cut of the same bytes may pass.
	identity := c.signer()
	p256 := spkiOf(t, c.p256())
	if _, err := SignCertification(nil, identity, p256[:len(p256)-1], Handle{}); err == nil {
		t.Error("certified what is no key")
	}
	if _, err := SignCertification(nil, brokenKey{}, p256, Handle{}); err == nil {
		t.Error("certified under no key")
	}
}

type brokenKey struct{ crypto.Signer }

func (brokenKey) Public() crypto.PublicKey { return nil }
