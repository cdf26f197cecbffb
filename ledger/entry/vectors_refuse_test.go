package entry

import (
	"bytes"
	"math"
	"slices"
)

// refuseCase changes a statement that would be accepted in one way.
type refuseCase struct {
	name string
	code Code
	edit func(f *forge)
}

// envelopeCases are faults of the envelope, the header and the claims that every
// kind shares.
func envelopeCases() []refuseCase {
	return slices.Concat(sign1Cases(), headerCases(), claimCases())
}

// sign1Item is a COSE_Sign1 with any head, tag and items.
func sign1Item(head byte, tag any, protected, unprotected, payload, sig any) []byte {
	b := []byte{}
	if tag != nil {
		b = append(b, plant(tag)...)
	}
	b = append(b, head)
	for _, v := range []any{protected, unprotected, payload, sig} {
		b = append(b, plant(v)...)
	}
	return b
}

func sign1Cases() []refuseCase {
	sign1 := func(build func(protected, payload, sig []byte) []byte) func(*forge) {
		return func(f *forge) { f.envelop = build }
	}
	after := func(change func([]byte) []byte) func(*forge) { return func(f *forge) { f.after = change } }
	tag := cborRaw{tagSign1}
	return []refuseCase{
		{"untagged", CodeMalformed, sign1(func(p, l, s []byte) []byte { return sign1Item(0x84, nil, p, pairs{}, l, s) })},
		{"tag 18 in two bytes", CodeMalformed, sign1(func(p, l, s []byte) []byte { return sign1Item(0x84, cborRaw{0xd8, 18}, p, pairs{}, l, s) })},
		{"tag 98, COSE_Sign", CodeMalformed, sign1(func(p, l, s []byte) []byte { return sign1Item(0x84, cborRaw{0xd8, 98}, p, pairs{}, l, s) })},
		{"array of indefinite length", CodeMalformed, sign1(func(p, l, s []byte) []byte { return append(sign1Item(0x9f, tag, p, pairs{}, l, s), 0xff) })},
		{"kid in the unprotected header", CodeUnknownLabel, sign1(func(p, l, s []byte) []byte { return sign1Item(0x84, tag, p, pairs{{uint64(4), []byte{1}}}, l, s) })},
		{"payload detached", CodeMalformed, sign1(func(p, _, s []byte) []byte { return sign1Item(0x84, tag, p, pairs{}, nil, s) })},
		{"null before the payload", CodeMalformed, sign1(func(p, l, s []byte) []byte {
			return append(append([]byte{tagSign1}, plant(list{p, pairs{}, nil, l})...), plant(s)...)
		})},
		{"payload as text", CodeMalformed, sign1(func(p, l, s []byte) []byte { return sign1Item(0x84, tag, p, pairs{}, string([]byte("text")), s) })},
		{"payload length in eight bytes", CodeNotCanonical, sign1(func(p, l, s []byte) []byte {
			wide := append([]byte{0x5b, 0, 0, 0, 0, 0, 0, byte(len(l) >> 8), byte(len(l))}, l...)
			return sign1Item(0x84, tag, p, pairs{}, cborRaw(wide), s)
		})},
		{"signature of 63 bytes", CodeMalformed, sign1(func(p, l, s []byte) []byte { return sign1Item(0x84, tag, p, pairs{}, l, s[:63]) })},
		{"signature of 65 bytes", CodeMalformed, sign1(func(p, l, s []byte) []byte { return sign1Item(0x84, tag, p, pairs{}, l, append(bytes.Clone(s), 0)) })},
		{"a byte more", CodeMalformed, after(func(b []byte) []byte { return append(b, 0) })},
		{"a byte less", CodeMalformed, after(func(b []byte) []byte { return b[:len(b)-1] })},
		{"longer than 16 KiB", CodeTooLarge, after(func(b []byte) []byte { return append(b, make([]byte, MaxStatement)...) })},
		{"signature of another statement", CodeBadSignature, after(func(b []byte) []byte { b[len(b)-1-signatureSize/2] ^= 1; return b })},
	}
}

func headerCases() []refuseCase {
	header := func(n int64, v any) func(*forge) { return func(f *forge) { f.header.set(n, v) } }
	return []refuseCase{
		{"alg missing", CodeFieldMissing, func(f *forge) { f.header.drop(headerAlg) }},
		{"alg ES384", CodeWrongAlgorithm, header(headerAlg, -35)},
		{"alg none (0)", CodeWrongAlgorithm, header(headerAlg, 0)},
		{"alg as text", CodeWrongAlgorithm, header(headerAlg, "EdDSA")},
		{"crit with a label that stands there", CodeCritRefused, header(labelCrit, list{uint64(headerTyp)})},
		{"crit with an unknown label", CodeCritRefused, header(labelCrit, list{uint64(777)})},
		{"content type (3)", CodeUnknownLabel, header(3, "application/cbor")},
		{"kid missing", CodeFieldMissing, func(f *forge) { f.header.drop(headerKid) }},
		{"kid of 31 bytes", CodeFieldInvalid, header(headerKid, make([]byte, 31))},
		{"kid as text", CodeMalformed, header(headerKid, "key")},
		{"kid of another author", CodeFieldInvalid, header(headerKid, make([]byte, 32))},
		{"x5chain (33)", CodeUnknownLabel, header(33, []byte{0x30})},
		{"payload location (260)", CodeUnknownLabel, header(260, "urn:x")},
		{"a negative label", CodeUnknownLabel, header(-1, uint64(1))},
		{"a text label", CodeUnknownLabel, func(f *forge) { f.header = append(f.header, pair{"alg", uint64(1)}) }},
		{"a label twice", CodeNotCanonical, func(f *forge) { f.header = slices.Insert(f.header, 2, f.header[1]) }},
		{"labels out of order", CodeNotCanonical, func(f *forge) {
			f.header = append(f.header, f.header[0])
		}},
		{"claims missing", CodeFieldMissing, func(f *forge) { f.header.drop(headerClaims) }},
		{"claims as an array", CodeMalformed, func(f *forge) { f.claims = list{} }},
		{"typ missing", CodeFieldMissing, func(f *forge) { f.header.drop(headerTyp) }},
		{"typ of an unknown kind", CodeUnknownKind, header(headerTyp, "application/indelible.rumour+cose")},
		{"typ of a reserved kind", CodeKindNotYet, header(headerTyp, "application/indelible.opaque+cose")},
		{"typ without prefix", CodeUnknownKind, header(headerTyp, "reading")},
		{"typ in capitals", CodeUnknownKind, header(headerTyp, "Application/indelible.reading+cose")},
		{"protected header empty", CodeFieldMissing, func(f *forge) { f.header = pairs{} }},
		{"protected header of indefinite length", CodeNotCanonical, func(f *forge) {
			f.envelop = func(p, l, s []byte) []byte {
				b := append(append([]byte{0xbf}, p[1:]...), 0xff)
				return sign1Item(0x84, cborRaw{tagSign1}, b, pairs{}, l, s)
			}
		}},
	}
}

func claimCases() []refuseCase {
	claim := func(n int64, v any) func(*forge) { return func(f *forge) { f.claim(n, v) } }
	return []refuseCase{
		{"iss missing", CodeFieldMissing, func(f *forge) { f.dropClaim(claimIss) }},
		{"iss of another author", CodeFieldInvalid, claim(claimIss, issPrefix+AuthorID{}.String())},
		{"iss without prefix", CodeFieldInvalid, claim(claimIss, AuthorID{}.String())},
		{"iss in upper-case hex", CodeMalformed, func(f *forge) {
			iss := f.claims.(pairs).get(claimIss).(string)
			f.claim(claimIss, issPrefix+string(bytes.ToUpper([]byte(iss[len(issPrefix):]))))
		}},
		{"iat missing", CodeFieldMissing, func(f *forge) { f.dropClaim(claimIat) }},
		{"iat above 2^52", CodeFieldInvalid, claim(claimIat, uint64(MaxSeconds+1))},
		{"iat negative", CodeMalformed, claim(claimIat, -1)},
		{"iat a float", CodeMalformed, claim(claimIat, cborRaw{0xfb, 0x41, 0xd9, 0, 0, 0, 0, 0, 0})},
		{"iat tagged as a date", CodeMalformed, claim(claimIat, cborRaw{0xc1, 0x00})},
		{"iat not in its shortest form", CodeNotCanonical, claim(claimIat, cborRaw{0x1b, 0, 0, 0, 0, 0x69, 0xa4, 0x2d, 0x40})},
		{"milliseconds missing", CodeFieldMissing, func(f *forge) { f.dropClaim(claimMillis) }},
		{"milliseconds 1000", CodeFieldInvalid, claim(claimMillis, uint64(1000))},
		{"exp (4)", CodeUnknownLabel, claim(4, uint64(1))},
		{"claim -70008", CodeUnknownLabel, claim(-70008, uint64(1))},
		{"a text claim", CodeUnknownLabel, func(f *forge) { f.claims = append(f.claims.(pairs), pair{"name", "x"}) }},
		{"a claim twice", CodeNotCanonical, func(f *forge) {
			c := f.claims.(pairs)
			f.claims = slices.Insert(c, 1, c[0])
		}},
		{"seen of size 0", CodeFieldInvalid, claim(claimSeen, list{uint64(0), make([]byte, 32)})},
		{"seen of three items", CodeMalformed, claim(claimSeen, list{uint64(1), make([]byte, 32), uint64(1)})},
		{"seen with a short root", CodeFieldInvalid, claim(claimSeen, list{uint64(1), make([]byte, 31)})},
		{"jurisdiction in capitals", CodeFieldInvalid, claim(claimJurisdiction, "EU")},
		{"jurisdiction of one letter", CodeFieldInvalid, claim(claimJurisdiction, "e")},
		{"jurisdiction of 17 letters", CodeFieldInvalid, claim(claimJurisdiction, "abcdefghijklmnopq")},
		{"jurisdiction not UTF-8", CodeMalformed, claim(claimJurisdiction, "e\xff")},
		{"sub without prefix", CodeFieldInvalid, claim(claimSub, "00112233445566778899aabbccddeeff")},
		{"sub in upper-case hex", CodeMalformed, claim(claimSub, "b:00112233445566778899AABBCCDDEEFF")},
		{"sub too short", CodeMalformed, claim(claimSub, "b:00112233445566778899aabbccddee")},
		{"sub as bytes", CodeMalformed, claim(claimSub, []byte("b:"))},
	}
}

// kindClaimCases are the faults of claims that depend on the kind, derived from
// its row in FORMATS §3.
func kindClaimCases(kind Kind, first Draft) []refuseCase {
	cases := []refuseCase{
		{"of another log's form", CodeFieldInvalid, func(f *forge) { f.claim(claimAud, "urn:indelible:vault:"+LogID{}.String()) }},
	}
	add := func(name string, code Code, edit func(*forge)) { cases = append(cases, refuseCase{name, code, edit}) }
	if kind == KindGenesis {
		add("aud stands there", CodeFieldForbidden, func(f *forge) { f.claim(claimAud, audPrefix+LogID{}.String()) })
		add("seen stands there", CodeFieldForbidden, func(f *forge) { f.claim(claimSeen, list{uint64(1), make([]byte, 32)}) })
	} else {
		add("aud missing", CodeFieldMissing, func(f *forge) { f.dropClaim(claimAud) })
	}
	rule := kindRules[kind]
	handle, binding := "h:00112233445566778899aabbccddeeff", "b:00112233445566778899aabbccddeeff"
	if first.Sub.Type != SubNone {
		add("sub missing", CodeFieldMissing, func(f *forge) { f.dropClaim(claimSub) })
	}
	if rule.handle == never {
		add("sub names a handle", CodeFieldForbidden, func(f *forge) { f.claim(claimSub, handle) })
	}
	if rule.binding == never {
		add("sub names a binding", CodeFieldForbidden, func(f *forge) { f.claim(claimSub, binding) })
	}
	if first.Jurisdiction != "" {
		add("jurisdiction missing", CodeFieldMissing, func(f *forge) { f.dropClaim(claimJurisdiction) })
	} else {
		add("jurisdiction stands there", CodeFieldForbidden, func(f *forge) { f.claim(claimJurisdiction, "eu") })
	}
	if first.Request == nil {
		add("seq missing", CodeFieldMissing, func(f *forge) { f.dropClaim(claimSeq) })
		add("boot missing", CodeFieldMissing, func(f *forge) { f.dropClaim(claimBoot) })
		add("seq 0", CodeFieldInvalid, func(f *forge) { f.claim(claimSeq, uint64(0)) })
		add("boot 0", CodeFieldInvalid, func(f *forge) { f.claim(claimBoot, uint64(0)) })
		add("seq 2^63", CodeFieldInvalid, func(f *forge) { f.claim(claimSeq, uint64(1)<<63) })
		add("boot 2^64-1", CodeFieldInvalid, func(f *forge) { f.claim(claimBoot, uint64(math.MaxUint64)) })
		add("prev of 31 bytes", CodeFieldInvalid, func(f *forge) { f.claim(claimPrev, make([]byte, 31)) })
		add("request id beside seq", CodeFieldForbidden, func(f *forge) { f.claim(claimRequest, make([]byte, 16)) })
	} else {
		add("request id missing", CodeFieldMissing, func(f *forge) { f.dropClaim(claimRequest) })
		add("request id of 15 bytes", CodeFieldInvalid, func(f *forge) { f.claim(claimRequest, make([]byte, 15)) })
		add("seq and boot beside a request id", CodeFieldForbidden, func(f *forge) { f.claim(claimSeq, uint64(1)); f.claim(claimBoot, uint64(1)) })
		add("prev beside a request id", CodeFieldForbidden, func(f *forge) { f.claim(claimPrev, make([]byte, 32)) })
	}
	if kind.shape() != shapeSealed {
		add("payload-hash-alg (258) stands there", CodeUnknownLabel, func(f *forge) { f.header.set(headerHashAlg, -16) })
	}
	if kind.shape() == shapeBoth && first.Parts != nil && rule.seal != may {
		add("digest of parts null", CodeFieldMissing, func(f *forge) { f.sealed = nil })
	}
	if kind.shape() == shapeBoth {
		add("digest of 31 bytes", CodeFieldInvalid, func(f *forge) { f.sealed = make([]byte, 31) })
		add("payload is the map alone", CodeMalformed, func(f *forge) { f.whole = f.fields })
		add("payload of three items", CodeMalformed, func(f *forge) { f.whole = list{f.sealed, f.fields, nil} })
	}
	return cases
}

// fieldCases drop, void and repeat every field of the map.
func fieldCases(f *forge, optional []int64) []refuseCase {
	var cases []refuseCase
	for _, p := range f.fields {
		n := int64(p.key.(uint64))
		name := "field " + string(rune('0'+n))
		if !slices.Contains(optional, n) {
			cases = append(cases, refuseCase{name + " missing", CodeFieldMissing, func(f *forge) { f.fields.drop(n) }})
		}
		cases = append(cases, refuseCase{name + " null", CodeMalformed, func(f *forge) { f.fields.set(n, nil) }})
	}
	if len(f.fields) > 0 {
		cases = append(cases,
			refuseCase{"field 9 is not listed", CodeUnknownLabel, func(f *forge) { f.fields.set(9, uint64(1)) }},
			refuseCase{"field 1 twice", CodeNotCanonical, func(f *forge) { f.fields = slices.Insert(f.fields, 1, f.fields[0]) }},
			refuseCase{"a text field", CodeUnknownLabel, func(f *forge) { f.fields = append(f.fields, pair{"note", "x"}) }},
			refuseCase{"a field beside the confirmed statement", CodeUnknownLabel, func(f *forge) { f.fields.set(0, make([]byte, 32)) }},
		)
	}
	return cases
}

// optionalFields may be absent from the first vector of a kind.
var optionalFields = map[Kind][]int64{KindConsent: {6}, KindAccess: {5}, KindNode: {3}}
