package entry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"slices"
	"strings"
	"testing"
)

// bodyCases are the faults of one kind's map. Each starts from the kind's accept
// vector of that number.
type bodyCase struct {
	from int
	refuseCase
}

func bodyCases(t testing.TB, kind Kind) []bodyCase {
	set := func(from int, name string, code Code, n int64, value any) bodyCase {
		return bodyCase{from, refuseCase{name, code, func(f *forge) { f.fields.set(n, value) }}}
	}
	edit := func(from int, name string, code Code, change func(*forge)) bodyCase {
		return bodyCase{from, refuseCase{name, code, change}}
	}
	seal := func(from int, name string) bodyCase {
		return edit(from, name, CodeFieldForbidden, func(f *forge) { f.sealed = make([]byte, 32) })
	}
	zero16, zero32 := make([]byte, 16), make([]byte, 32)
	tooLate := uint64(MaxTime + 1)
	switch kind {
	case KindGenesis:
		return genesisBodyCases(t)
	case KindAuthor:
		return authorBodyCases(t)
	case KindCA:
		return append(keyBodyCases(t, 2),
			set(0, "unknown action", CodeUnknownCode, 1, uint64(3)),
			edit(2, "sub in a confirmation", CodeFieldForbidden, func(f *forge) { f.claim(claimSub, "h:00112233445566778899aabbccddeeff") }),
			set(2, "confirmed statement of 31 bytes", CodeFieldInvalid, 0, make([]byte, 31)),
			set(2, "a confirmation with a field more", CodeUnknownLabel, 1, uint64(1)))
	case KindHandle:
		return []bodyCase{
			set(0, "action 0", CodeUnknownCode, 1, uint64(0)), set(0, "action 3", CodeUnknownCode, 1, uint64(3)),
			set(0, "class 0", CodeUnknownCode, 2, uint64(0)), set(0, "class 5", CodeUnknownCode, 2, uint64(5)),
			set(0, "from beyond the last instant", CodeFieldInvalid, 3, tooLate),
			set(0, "to in open", CodeUnknownLabel, 4, uint64(1)), set(1, "class in close", CodeUnknownLabel, 2, uint64(1)),
			set(1, "from in close", CodeUnknownLabel, 3, uint64(1)),
			edit(1, "close without the digest of parts", CodeFieldMissing, func(f *forge) { f.sealed = nil }),
			set(0, "a confirmation of a handle", CodeUnknownLabel, 0, zero32),
		}
	case KindBinding:
		return []bodyCase{
			set(0, "action 3", CodeUnknownCode, 1, uint64(3)), set(0, "binding of 15 bytes", CodeFieldInvalid, 2, make([]byte, 15)),
			set(0, "handle of 17 bytes", CodeFieldInvalid, 3, make([]byte, 17)), set(0, "author of 16 bytes", CodeFieldInvalid, 4, zero16),
			set(1, "to before from", CodeFieldInvalid, 6, uint64(1)), set(0, "from beyond the last instant", CodeFieldInvalid, 5, tooLate),
			set(2, "handle in close", CodeUnknownLabel, 3, zero16), set(2, "author in close", CodeUnknownLabel, 4, zero32), set(2, "from in close", CodeUnknownLabel, 5, uint64(1)),
		}
	case KindReading:
		return []bodyCase{
			edit(0, "payload of 31 bytes", CodeMalformed, func(f *forge) { f.whole = cborRaw(make([]byte, 31)) }),
			edit(0, "payload of 33 bytes", CodeMalformed, func(f *forge) { f.whole = cborRaw(make([]byte, 33)) }),
			edit(0, "payload is the parts themselves", CodeMalformed, func(f *forge) { f.whole = pairs{{uint64(1), zero32}} }),
			edit(0, "payload-hash-alg missing", CodeFieldMissing, func(f *forge) { f.header.drop(headerHashAlg) }),
			edit(0, "payload-hash-alg SHA-384", CodeFieldInvalid, func(f *forge) { f.header.set(headerHashAlg, -43) }),
			edit(0, "preimage type missing", CodeFieldMissing, func(f *forge) { f.header.drop(headerPreimage) }),
			edit(0, "preimage type FHIR", CodeFieldInvalid, func(f *forge) { f.header.set(headerPreimage, MediaTypeFHIR) }),
			edit(0, "request id instead of seq, boot and prev", CodeFieldForbidden, func(f *forge) {
				f.dropClaim(claimSeq)
				f.dropClaim(claimBoot)
				f.dropClaim(claimPrev)
				f.claim(claimRequest, make([]byte, 16))
			}),
			edit(0, "about a handle", CodeFieldForbidden, func(f *forge) { f.claim(claimSub, "h:00112233445566778899aabbccddeeff") }),
		}
	case KindCorrection:
		return []bodyCase{
			set(0, "corrected statement of 16 bytes", CodeFieldInvalid, 1, zero16), set(1, "corrected statement as text", CodeMalformed, 1, "sid"),
			edit(1, "by a service, without sub", CodeFieldMissing, func(f *forge) { f.dropClaim(claimSub) }),
		}
	}
	return moreBodyCases(t, kind, set, edit, seal)
}

func moreBodyCases(t testing.TB, kind Kind, set func(int, string, Code, int64, any) bodyCase, edit func(int, string, Code, func(*forge)) bodyCase, seal func(int, string) bodyCase) []bodyCase {
	zero32 := make([]byte, 32)
	switch kind {
	case KindConsent:
		return []bodyCase{
			set(0, "action 3", CodeUnknownCode, 1, uint64(3)), set(0, "purposes not sorted", CodeNotCanonical, 2, list{uint64(6), uint64(1)}),
			set(0, "a purpose twice", CodeNotCanonical, 2, list{uint64(1), uint64(1)}), set(0, "purpose 10", CodeUnknownCode, 2, list{uint64(10)}),
			set(0, "regime 4", CodeUnknownCode, 3, uint64(4)), set(0, "basis 11", CodeUnknownCode, 4, uint64(11)),
			set(0, "to before from", CodeFieldInvalid, 6, uint64(1)), set(0, "document of 31 bytes", CodeFieldInvalid, 7, make([]byte, 31)),
			set(0, "purposes in an array of indefinite length", CodeNotCanonical, 2, cborRaw{0x9f, 0x01, 0xff}),
		}
	case KindAccess:
		return []bodyCase{
			set(0, "accessor of 15 bytes", CodeFieldInvalid, 1, make([]byte, 15)), set(0, "action 8", CodeUnknownCode, 2, uint64(8)),
			set(0, "outcome 4", CodeUnknownCode, 3, uint64(4)), set(0, "purpose 0", CodeUnknownCode, 4, uint64(0)),
			set(0, "bundle of 16 bytes", CodeFieldInvalid, 5, make([]byte, 16)), set(0, "position 0", CodeFieldInvalid, 6, uint64(0)),
			set(0, "position 2^63", CodeFieldInvalid, 6, uint64(1)<<63),
			set(0, "purpose in free text", CodeMalformed, 4, "because"),
		}
	case KindErasure:
		return []bodyCase{
			set(0, "step 7", CodeUnknownCode, 1, uint64(7)), set(0, "scope 3", CodeUnknownCode, 2, uint64(3)),
			set(0, "request names a request", CodeUnknownLabel, 3, zero32), set(1, "approve with a scope", CodeUnknownLabel, 2, uint64(1)),
			set(2, "method 6", CodeUnknownCode, 5, uint64(6)), set(2, "strength 5", CodeUnknownCode, 6, uint64(5)),
			set(2, "executed names a node", CodeUnknownLabel, 7, zero32), set(1, "approve with a method", CodeUnknownLabel, 5, uint64(1)),
			edit(2, "executed without strength", CodeFieldMissing, func(f *forge) { f.fields.drop(6) }),
			edit(3, "lost without a node", CodeFieldMissing, func(f *forge) { f.fields.drop(7) }),
			edit(0, "request without the digest of parts", CodeFieldMissing, func(f *forge) { f.sealed = nil }),
			seal(1, "approve with a digest of parts"), seal(2, "executed with a digest of parts"),
		}
	case KindHold:
		return []bodyCase{
			set(0, "action 3", CodeUnknownCode, 1, uint64(3)), set(0, "set names a hold", CodeUnknownLabel, 2, zero32),
			edit(1, "release names no hold", CodeFieldMissing, func(f *forge) { f.fields.drop(2) }),
			edit(0, "set without the digest of parts", CodeFieldMissing, func(f *forge) { f.sealed = nil }),
			seal(1, "release with a digest of parts"), seal(2, "confirmation with a digest of parts"),
		}
	case KindPolicy:
		return []bodyCase{
			set(0, "type 3", CodeUnknownCode, 1, uint64(3)), set(0, "hash of 31 bytes", CodeFieldInvalid, 2, make([]byte, 31)),
			set(0, "regime 0", CodeUnknownCode, 3, uint64(0)),
		}
	case KindIndex:
		return []bodyCase{
			set(0, "n 2^63", CodeFieldInvalid, 1, uint64(1)<<63), set(0, "root of 31 bytes", CodeFieldInvalid, 2, make([]byte, 31)),
			set(0, "n negative", CodeMalformed, 1, -1), set(0, "a confirmation of an index", CodeUnknownLabel, 0, zero32),
		}
	case KindNode:
		cases := []bodyCase{
			set(0, "action 5", CodeUnknownCode, 1, uint64(5)), set(0, "range ends before it begins", CodeFieldInvalid, 3, list{uint64(2), uint64(1)}),
			set(0, "range of one", CodeMalformed, 3, list{uint64(2)}), set(1, "range in added", CodeUnknownLabel, 3, list{uint64(1), uint64(2)}),
		}
		for _, c := range nodeCases(t) {
			cases = append(cases, edit(0, c.name, c.code, func(f *forge) { f.fields.set(2, c.edit(f.fields.get(2).(list))) }))
		}
		return cases
	}
	return nil
}

type nodeCase struct {
	name string
	code Code
	edit func(list) list
}

func nodeCases(t testing.TB) []nodeCase {
	put := func(i int, v any) func(list) list {
		return func(n list) list { n = slices.Clone(n); n[i] = v; return n }
	}
	return []nodeCase{
		{"name empty", CodeFieldInvalid, put(0, "")}, {"name with a space", CodeFieldInvalid, put(0, "node 1")},
		{"name with a no-break space", CodeFieldInvalid, put(0, "node\u00a01")}, {"name with a plus", CodeFieldInvalid, put(0, "node+1")},
		{"name with a control character", CodeFieldInvalid, put(0, "node\x01")}, {"name of 256 bytes", CodeFieldInvalid, put(0, strings.Repeat("n", 256))},
		{"author key P-384", CodeBadKey, put(1, p384SPKI(t))}, {"cosigner key P-256", CodeBadKey, put(2, spkiOf(t, vectorP256("x")))},
		{"ML-DSA key of 1,311 bytes", CodeFieldInvalid, put(3, make([]byte, 1311))}, {"TLS key empty", CodeBadKey, put(4, []byte{})},
		{"placement not sorted", CodeNotCanonical, put(5, list{"us", "eu"})}, {"placement twice", CodeNotCanonical, put(5, list{"eu", "eu"})},
		{"placement in capitals", CodeFieldInvalid, put(5, list{"EU"})},
		{"five items", CodeMalformed, func(n list) list { return n[:5] }},
	}
}

func p384SPKI(t testing.TB) []byte {
	d := vectorHash("p384")
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), append(make([]byte, 16), d[:]...))
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return append(slices.Clone(spkiP384), point[1:]...)
}

// keyBodyCases put what is no key into a field.
func keyBodyCases(t testing.TB, n int64) []bodyCase {
	ed, p256 := spkiOf(t, vectorEd25519("k")), spkiOf(t, vectorP256("k"))
	flip := func(b []byte, i int) []byte { b = slices.Clone(b); b[i] ^= 1; return b }
	small := append(slices.Clone(spkiEd25519), make([]byte, 32)...)
	compressed := append(mustHex("3039301306072a8648ce3d020106082a8648ce3d030107032200"), append([]byte{2 + p256[len(p256)-1]&1}, p256[27:59]...)...)
	var cases []bodyCase
	for _, c := range []struct {
		name string
		key  []byte
	}{
		{"key of small order", small}, {"key off the curve", flip(p256, len(p256)-1)}, {"key with a compressed point", compressed},
		{"key with a wrong algorithm", flip(ed, 8)}, {"key followed by a byte", append(slices.Clone(ed), 0)}, {"raw key", ed[len(spkiEd25519):]},
	} {
		cases = append(cases, bodyCase{0, refuseCase{c.name, CodeBadKey, func(f *forge) { f.fields.set(n, c.key) }}})
	}
	return cases
}

func authorBodyCases(t testing.TB) []bodyCase {
	edit := func(from int, name string, code Code, change func(*forge)) bodyCase {
		return bodyCase{from, refuseCase{name, code, change}}
	}
	set := func(from int, name string, code Code, n int64, value any) bodyCase {
		return edit(from, name, code, func(f *forge) { f.fields.set(n, value) })
	}
	return append(keyBodyCases(t, 2),
		set(0, "key P-384", CodeBadKey, 2, p384SPKI(t)),
		set(0, "action 5", CodeUnknownCode, 1, uint64(5)), set(0, "role 10", CodeUnknownCode, 3, uint64(10)),
		set(1, "role node", CodeFieldInvalid, 3, uint64(RoleNode)), set(1, "a linkable officer", CodeFieldInvalid, 5, true),
		set(0, "jurisdictions not sorted", CodeNotCanonical, 4, list{"us", "eu"}), set(0, "a jurisdiction twice", CodeNotCanonical, 4, list{"eu", "eu"}),
		set(0, "linkable as a number", CodeMalformed, 5, uint64(1)), set(0, "upto in enrol", CodeUnknownLabel, 7, make([]byte, 32)),
		set(0, "author id in enrol", CodeUnknownLabel, 6, make([]byte, 32)), set(2, "key in suspend", CodeUnknownLabel, 2, spkiOf(t, vectorEd25519("device"))),
		set(2, "upto in suspend", CodeUnknownLabel, 7, make([]byte, 32)), set(3, "upto of 16 bytes", CodeFieldInvalid, 7, make([]byte, 16)),
		edit(1, "an officer under a handle", CodeFieldForbidden, func(f *forge) {
			f.claim(claimSub, "h:00112233445566778899aabbccddeeff")
			f.claim(claimJurisdiction, "eu")
		}),
		edit(1, "an officer with a digest of parts", CodeFieldForbidden, func(f *forge) { f.sealed = make([]byte, 32) }),
		edit(0, "a device without a digest of parts", CodeFieldMissing, func(f *forge) { f.sealed = nil }),
		edit(3, "revoke with a digest of parts", CodeFieldForbidden, func(f *forge) { f.sealed = make([]byte, 32) }),
		edit(3, "revoke under a handle without jurisdiction", CodeFieldMissing, func(f *forge) { f.dropClaim(claimJurisdiction) }),
		edit(4, "a confirmation under a handle", CodeFieldForbidden, func(f *forge) {
			f.claim(claimSub, "h:00112233445566778899aabbccddeeff")
			f.claim(claimJurisdiction, "eu")
		}),
		edit(4, "a confirmation with a digest of parts", CodeFieldForbidden, func(f *forge) { f.sealed = make([]byte, 32) }),
	)
}

func genesisBodyCases(t testing.TB) []bodyCase {
	edit := func(name string, code Code, change func(*forge)) bodyCase {
		return bodyCase{0, refuseCase{name, code, change}}
	}
	set := func(name string, code Code, n int64, value any) bodyCase {
		return edit(name, code, func(f *forge) { f.fields.set(n, value) })
	}
	rule := func(name string) list { return list{name, uint64(1), uint64(0), uint64(0), uint64(0), uint64(0)} }
	cases := []bodyCase{
		set("origin empty", CodeFieldInvalid, 1, ""), set("origin with a plus", CodeFieldInvalid, 1, "log+example"),
		set("origin with a line feed", CodeFieldInvalid, 1, "log\nexample"), set("log key P-256", CodeBadKey, 2, spkiOf(t, vectorP256("log"))),
		set("no registrar", CodeFieldInvalid, 4, list{}), set("signed by the second registrar", CodeFieldInvalid, 4, list{spkiOf(t, vectorEd25519("registrar 2")), spkiOf(t, vectorP256("registrar 1"))}),
		edit("a registrar twice", CodeFieldInvalid, func(f *forge) { r := f.fields.get(4).(list); f.fields.set(4, append(r, r[0])) }),
		edit("an operator is a registrar", CodeFieldInvalid, func(f *forge) { f.fields.set(5, list{f.fields.get(4).(list)[1]}) }),
		edit("a node's author key is an operator's", CodeFieldInvalid, func(f *forge) {
			f.fields.get(3).(list)[0].(list)[1] = f.fields.get(5).(list)[0]
		}),
		edit("a node twice", CodeNotCanonical, func(f *forge) { n := f.fields.get(3).(list); f.fields.set(3, append(n, n[0])) }),
		edit("two nodes with one cosigner key", CodeFieldInvalid, func(f *forge) {
			n := f.fields.get(3).(list)
			second := slices.Clone(n[0].(list))
			second[0], second[1] = "node-2.example", spkiOf(t, vectorEd25519("other"))
			second[4] = spkiOf(t, vectorEd25519("other tls"))
			f.fields.set(3, append(n, second))
		}),
		set("a jurisdiction twice with different rules", CodeFieldInvalid, 6, list{rule("eu"), list{"eu", uint64(2), uint64(0), uint64(0), uint64(0), uint64(0)}, rule("us")}),
		set("jurisdictions not sorted", CodeNotCanonical, 6, list{rule("us"), rule("eu")}),
		set("a node placed where no rule is", CodeFieldInvalid, 6, list{rule("us")}),
		set("a rule of five items", CodeMalformed, 6, list{rule("eu")[:5]}),
		set("a grace beyond the last instant", CodeFieldInvalid, 6, list{list{"eu", uint64(1), uint64(MaxTime + 1), uint64(0), uint64(0), uint64(0)}}),
	}
	for _, c := range nodeCases(t)[6:9] {
		cases = append(cases, edit("node: "+c.name, c.code, func(f *forge) {
			f.fields.set(3, list{c.edit(f.fields.get(3).(list)[0].(list))})
		}))
	}
	return cases
}
